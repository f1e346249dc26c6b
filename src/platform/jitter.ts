import { createHash } from 'node:crypto';

/**
 * Returns a whole number below 2^32 that depends on the text alone and is evenly distributed over texts. Spreads work
 * that is due for many clients at once by their names, in the same order in each run.
 */
export function jitterOf(text: string): number {
  return createHash('sha1').update(text).digest().readUInt32BE(0);
}

/** Does what jitterOf does, as a fraction from 0 to below 1. */
export function jitterFraction(text: string): number {
  return jitterOf(text) / 2 ** 32;
}
