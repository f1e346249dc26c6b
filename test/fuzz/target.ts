import { isDeepStrictEqual } from 'node:util';

/** A parser, and what must be true of it whatever it is given. */
export interface FuzzTarget {
  /** Name of its folder in corpus/. */
  readonly name: string;
  /** Inputs from which others are made: right ones and wrong ones. */
  readonly seeds: () => readonly [Buffer, ...Buffer[]];
  /** Words that mean something to the parser. */
  readonly words: readonly [string, ...string[]];
  /**
   * Throws when something is not as it must be. Returns in a few words what the parser made of the input: inputs that
   * lead to something new are changed further.
   */
  readonly check: (input: Buffer) => string;
}

/** Returns a parser's result, or the fault of its own that it threw. Throws any other error on. */
export function outcomeOf<T, F extends Error>(
  parse: () => T,
  isOwnFault: (thrown: unknown) => thrown is F,
): { readonly value: T; readonly fault: null } | { readonly value: null; readonly fault: F } {
  try {
    return { value: parse(), fault: null };
  } catch (thrown) {
    if (isOwnFault(thrown)) return { value: null, fault: thrown };
    throw thrown;
  }
}

export function requireThat(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

export function requireSame(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw new Error(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
}

/** The message of a fault without what differs from input to input. */
export function kindOf(fault: Error & { readonly code?: unknown }): string {
  return `${String(fault.code)} ${fault.message.replace(/\d+/g, 'N').slice(0, 60)}`;
}
