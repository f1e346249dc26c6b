/**
 * The way to a person. Promises: every attempt ends by its deadline, and its fault says whether the other side refused
 * for good (`mail-refused`) or may take it later (`mail-unavailable`).
 */
import type { Severity } from '../config/config.ts';

export interface AttemptOptions {
  /** The whole attempt, name lookup and login included. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A mail in its words: it goes out byte for byte as it was frozen. */
export interface OutgoingMail {
  /** An address, or what else the notifier knows people by. */
  readonly recipient: string;
  readonly messageId: string;
  /** RFC 5322 with CRLF, headers included. */
  readonly content: string;
  readonly severity: Severity;
}

export interface SendOptions extends AttemptOptions {
  /**
   * Waited for before the first byte of the content leaves: from then on the mail may arrive, whatever is heard
   * afterwards. A rejection ends the attempt with nothing sent.
   */
  readonly onDataBegun: () => Promise<void>;
}

/** One way to people. */
export interface Notifier {
  /** Resolves once the other side has taken the mail for good. Throws FleetError `mail-refused` or `mail-unavailable`. */
  send(mail: OutgoingMail, options: SendOptions): Promise<void>;
  /** Ends what was kept open between mails. Never throws. */
  close(): void;
}
