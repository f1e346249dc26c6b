/** The most characters of a pattern. */
export const maxPatternChars = 512;
/** In front of a pattern: what follows is a name as it stands. */
export const literalMark = '=';

/** A silence; its patterns are globs, as in config.xml, or names behind `literalMark`. */
export interface Silence {
  readonly id: number;
  readonly client: string;
  readonly rule: string;
  readonly subject: string;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly author: string;
  readonly comment: string;
}

/** Silences and acknowledgements, which people make, for cli/alerts. */
export interface OperatorStore {
  /** Returns the id; the same silence added twice is one. */
  addSilence(silence: Omit<Silence, 'id'>): Promise<number>;
  /** Returns the silences that end after a time, those that have not begun included. */
  silences(nowMs: number): Promise<readonly Silence[]>;
  /** Returns false if there is no such silence, or it has ended. */
  expireSilence(id: number, nowMs: number): Promise<boolean>;
  /** Acknowledges open alerts until a time, or until they get worse. `null`: no time. Returns how many were open. */
  acknowledge(ids: readonly number[], by: string, untilMs: number | null, comment: string | null): Promise<number>;
  /** Ends the acknowledgement of open alerts. Returns how many had one. */
  unacknowledge(ids: readonly number[]): Promise<number>;
}
