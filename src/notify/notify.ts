/**
 * A channel to a person. Promises: every attempt ends by its deadline, and its fault says whether the other side
 * refused this mail for good (`mail-refused`; `retryable` if that may be lifted), may take it later
 * (`mail-unavailable`), or takes no mail at all for now (a stage other than `mail`: no server, a refused login). No
 * fault holds a credential.
 */
import type { Severity } from '../config/config.ts';
import { FleetError, type FleetErrorOptions } from '../errors.ts';

/** A mail as it was frozen: every attempt sends the same bytes. */
export interface OutgoingMail {
  /** An address, or what else the channel knows people by. */
  readonly recipient: string;
  readonly messageId: string;
  /** RFC 5322 with CRLF, headers included. */
  readonly content: string;
  readonly severity: Severity;
}

export interface ChannelTimeouts {
  /** The time of a mail until its content begins, name lookup and login included. */
  readonly timeoutMs: number;
  /**
   * The time from the content's first byte until the other side has taken it. RFC 5321 (section 4.5.3.2.6) asks for a
   * long one: a mail that was taken and whose answer nobody waited for is sent twice.
   */
  readonly answerTimeoutMs: number;
}

/** The timeouts of a mail server and of a folder. */
export const mailTimeouts: ChannelTimeouts = { timeoutMs: 30_000, answerTimeoutMs: 120_000 };

export interface AttemptOptions {
  /** The whole attempt; of a mail: until its content begins. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface SendOptions {
  readonly signal: AbortSignal;
  /**
   * Awaited before the first byte of the content leaves: from then on the mail may arrive, whatever is heard
   * afterwards. A rejection ends the attempt with nothing sent, and with the same error.
   */
  readonly onDataBegun: () => Promise<void>;
}

export interface Channel extends ChannelTimeouts {
  /** Identifies the channel: while one takes nothing, the others are still tried. */
  readonly name: string;
  /**
   * Resolves once the other side has taken the mail for good. Throws FleetError: of stage `mail` if it concerns this
   * mail (`mail-refused`, `mail-unavailable`), of another stage if every mail of the channel has to wait; the signal's
   * reason; what `onDataBegun` threw.
   */
  send(mail: OutgoingMail, options: SendOptions): Promise<void>;
  /** Ends what was kept open between mails. Never throws. */
  close(): void;
}

/** The other side takes the mail later, and has named the time. */
export class TryLater extends FleetError {
  /** The least wait before the next attempt. */
  readonly afterMs: number;

  constructor(options: FleetErrorOptions, afterMs: number) {
    super(options);
    this.afterMs = afterMs;
  }
}
