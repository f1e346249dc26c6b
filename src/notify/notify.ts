/**
 * The way to a person. Promises: every attempt ends by its deadline, and its fault says whether the other side refused
 * this mail for good (`mail-refused`; `retryable` where it may be lifted), may take it later (`mail-unavailable`), or
 * whether nothing goes this way for now
 * (a stage other than `mail`: no server, a refused login). No credential is in what a fault says.
 */
import type { Severity } from '../config/config.ts';

export interface AttemptOptions {
  /** The whole attempt, name lookup and login included; of a mail: until its content begins. */
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
   * From the content's first byte until the other side has taken it. RFC 5321 (section 4.5.3.2.6) asks for patience: a
   * mail that was taken and whose answer nobody waited for is sent twice.
   */
  readonly answerTimeoutMs: number;
  /**
   * Waited for before the first byte of the content leaves: from then on the mail may arrive, whatever is heard
   * afterwards. A rejection ends the attempt with nothing sent, and with what it was rejected with.
   */
  readonly onDataBegun: () => Promise<void>;
}

/** One way to people. */
export interface Notifier {
  /**
   * Resolves once the other side has taken the mail for good. Throws FleetError: of stage `mail` when it concerns this
   * mail (`mail-refused`, `mail-unavailable`), of another stage when every mail of this way has to wait; the signal's
   * reason; what `onDataBegun` threw.
   */
  send(mail: OutgoingMail, options: SendOptions): Promise<void>;
  /** Ends what was kept open between mails. Never throws. */
  close(): void;
}
