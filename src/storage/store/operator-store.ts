import type { Severity } from '../../config/config.ts';
import type { Alert } from './alert.ts';
import type { AppliedReply } from './reply-store.ts';
import { number, type RecordOf, recordShape, text, time } from './record-shape.ts';

/** The most characters of a pattern. */
export const maxPatternChars = 512;
/** The mark before a pattern that is a literal name. */
export const literalMark = '=';

/** A silence. Its patterns are globs, as in config.xml, or names after `literalMark`. */
export const storedSilence = recordShape({
  id: number,
  client: text,
  rule: text,
  subject: text,
  startsAtMs: time,
  endsAtMs: time,
  author: text,
  comment: text,
});
export type Silence = RecordOf<typeof storedSilence>;

/** The acknowledgement of an alert on its page. */
export interface ShownAnswer {
  /** The severity that the page showed. */
  readonly severity: Severity;
  readonly by: string;
  /** The duration; null: until the alert ends or gets worse. */
  readonly forMs: number | null;
  readonly comment: string | null;
}

/** Silences and acknowledgements, which people make, for cli/alerts. */
export interface OperatorStore {
  /** Adds a silence. Returns the id. Adding the same silence twice creates one. */
  addSilence(silence: Omit<Silence, 'id'>): Promise<number>;
  /** Returns the silences that end after a time, including those that have not begun. */
  silences(nowMs: number): Promise<readonly Silence[]>;
  /** Ends a silence. Returns false if there is no such silence, or it has ended. */
  expireSilence(id: number, nowMs: number): Promise<boolean>;
  /**
   * Acknowledges open alerts until a time, or until they get worse. `null` stands for no time. Returns the number of
   * open alerts.
   */
  acknowledge(ids: readonly number[], by: string, untilMs: number | null, comment: string | null): Promise<number>;
  /** Acknowledges an open alert that is no worse than the page showed on which somebody pressed the button. */
  acknowledgeShown(id: number, shown: ShownAnswer): Promise<'acknowledged' | 'unknown' | 'ended' | 'worse'>;
  /** Ends the acknowledgement of open alerts. Returns the number of ended acknowledgements. */
  unacknowledge(ids: readonly number[]): Promise<number>;
}

/** A mail whose token a link has. */
export interface LinkedMail {
  readonly recipient: string;
  /** The alerts of the mail, those that fire first; no more than a page lists. */
  readonly alerts: readonly Alert[];
  /** The ids of the alerts that an answer to the mail would acknowledge. */
  readonly open: readonly number[];
}

/** Answers to mails by their links, for look/serve. Outside of passes of the alerter, so not fenced. */
export interface LinkStore {
  /** Returns the mail to an address with a token. `expired`: the mail is older than 14 days. */
  linkedMail(token: string): Promise<LinkedMail | 'unknown' | 'expired'>;
  /** Acknowledges what a reply to the mail would. `by`: null names the mail's recipient. */
  answerLink(
    token: string,
    answer: { readonly line: string; readonly forMs: number | null; readonly by: string | null },
  ): Promise<AppliedReply>;
}
