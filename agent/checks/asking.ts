import { readFileSync } from 'node:fs';

import { valuesOf } from '../../src/report/server-checks.ts';

/** The most characters of a fact. */
export const maxFactChars = 200;

/** A look at a server, while it is made. */
export interface Asking {
  readonly words: readonly string[];
  readonly endMs: number;
  /** Lines `KEY=VALUE`, of which those of one key may be several. */
  readonly facts: string[];
  /** The connections and resolvers to end when the look ends. */
  readonly closers: (() => void)[];
  /** The step at which the look is: name, connect, tls, answer, body. */
  step: string;
}

/** Adds a fact, as one line. */
export function tell({ facts }: Asking, key: string, value: string | number): void {
  const text = typeof value === 'number' ? value.toFixed(4) : value;
  facts.push(`${key}=${text.replace(/[\r\n]+/g, ' ').slice(0, maxFactChars)}`);
}

/** Reads a file that an option names. A client that lacks it cannot make the check. */
export function readNamed(asking: Asking, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    asking.step = 'missing';
    throw new Error(`a readable ${file}`);
  }
}

/** Returns the last value of an option; '' without one. */
export function optionOf({ words }: Asking, option: string): string {
  return valuesOf(words, option).at(-1) ?? '';
}
