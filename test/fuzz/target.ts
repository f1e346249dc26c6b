import { isDeepStrictEqual } from 'node:util';

import { ReportFault } from '../../src/report/report.ts';

/** A parser, and the properties that it has for any input. */
export interface FuzzTarget {
  /** The name of its folder in corpus/. */
  readonly name: string;
  /** Inputs from which others are made: valid ones and invalid ones. */
  readonly seeds: () => readonly [Buffer, ...Buffer[]];
  /** Words with a meaning for the parser. */
  readonly words: readonly [string, ...string[]];
  /**
   * Throws if a property does not hold. Returns a short description of the parser's result: inputs with a new
   * description are mutated further.
   */
  readonly check: (input: Buffer) => string | Promise<string>;
}

/** Returns a parser's result, or the fault of its own that it threw. Passes other errors on. */
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

export function isReportFault(thrown: unknown): thrown is ReportFault {
  return thrown instanceof ReportFault;
}

export function requireThat(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

export function requireSame(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw new Error(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
}

/** Returns the kind of a fault: its code and its message, without the parts that differ from input to input. */
export function kindOf(fault: Error & { readonly code?: unknown }): string {
  return `${String(fault.code)} ${fault.message.replace(/\d+/g, 'N').slice(0, 60)}`;
}
