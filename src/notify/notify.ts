/**
 * Channels to recipients. Every attempt ends by its deadline. Its fault shows whether the receiver refused this mail
 * permanently (`mail-refused`; `retryable` if the refusal may be lifted), may accept it later (`mail-unavailable`), or
 * accepts no mail at present (a stage other than `mail`: no server, a refused login). No fault contains a credential.
 */
import type { Severity } from '../config/config.ts';
import { FleetError, type FleetErrorOptions } from '../platform/errors/errors.ts';

/** A frozen mail: every attempt sends the same bytes. */
export interface OutgoingMail {
  /** An address, or another name that the channel has for a recipient. */
  readonly recipient: string;
  readonly messageId: string;
  /** RFC 5322 with CRLF, headers included. */
  readonly content: string;
  readonly severity: Severity;
}

export interface ChannelTimeouts {
  /** The time until the mail's content begins, name lookup and login included. */
  readonly timeoutMs: number;
  /**
   * The time from the content's first byte until the receiver has accepted it. RFC 5321 (section 4.5.3.2.6) asks for a
   * long one: if the sender gives up before the reply to an accepted mail, the mail is sent twice.
   */
  readonly answerTimeoutMs: number;
}

/** The timeouts of a mail server and of a folder. */
export const mailTimeouts: ChannelTimeouts = { timeoutMs: 30_000, answerTimeoutMs: 120_000 };

export interface AttemptOptions {
  /** The time of the whole attempt; for a mail, the time until its content begins. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface SendOptions {
  readonly signal: AbortSignal;
  /**
   * Awaited before the first byte of the content is sent. From then on the mail may arrive, whatever the reply. A
   * rejection ends the attempt with the same error, and nothing is sent.
   */
  readonly onDataBegun: () => Promise<void>;
  /** Called if the receiver gives a receipt, by which it says later that somebody has acknowledged the mail. */
  readonly onReceipt?: (receipt: string) => void;
}

export interface Channel extends ChannelTimeouts {
  /** The name that identifies the channel. If one channel accepts nothing, the others are still tried. */
  readonly name: string;
  /**
   * Resolves once the receiver has accepted the mail finally. Throws FleetError: of stage `mail` if the fault concerns
   * this mail (`mail-refused`, `mail-unavailable`), of another stage if every mail of the channel has to wait. Throws
   * the signal's reason, or the error of `onDataBegun`.
   */
  send(mail: OutgoingMail, options: SendOptions): Promise<void>;
  /** Closes connections that were kept open between mails. Never throws. */
  close(): void;
}

/** The receiver has answered that it does not accept the mail now. A fault without an answer is another FleetError. */
export class TryLater extends FleetError {
  /** The least wait before the next attempt. */
  readonly afterMs: number;

  constructor(options: FleetErrorOptions, afterMs = 0) {
    super(options);
    this.afterMs = afterMs;
  }
}

/** The receiver accepted some requests of the notification and then refused one permanently. */
export class TakenInPart extends FleetError {}
