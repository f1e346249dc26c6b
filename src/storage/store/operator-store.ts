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
  /** Ends the acknowledgement of open alerts. Returns the number of ended acknowledgements. */
  unacknowledge(ids: readonly number[]): Promise<number>;
}
