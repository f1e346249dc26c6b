import type { Corpus } from './corpus.ts';

/** The fate of a recorded input: read, refused with a reason, or read wrongly by an independent rule. */
export type Outcome = 'read' | 'refused' | 'wrong';

/** An input of a corpus. */
export interface Case {
  readonly corpus: Corpus;
  /** The input in its corpus, such as a file. */
  readonly name: string;
  readonly outcome: Outcome;
  /** The value that was read, or the reason. */
  readonly words: string;
}

/** A kind of inputs, and the readers that it concerns. */
export interface Subject {
  readonly name: string;
  /** The source packages of Debian. */
  readonly packages: readonly string[];
  /** Reads every input of the corpora that could be had. */
  readonly cases: (corpora: readonly Corpus[]) => AsyncIterable<Case> | Iterable<Case>;
}

/** Returns the corpora of some packages. */
export function named(corpora: readonly Corpus[], ...names: readonly string[]): readonly Corpus[] {
  return corpora.filter(({ name }) => names.includes(name));
}

/** Returns words for a thrown error. */
export function thrownWords(thrown: unknown): string {
  return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
}
