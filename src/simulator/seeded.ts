/**
 * Pseudo-random numbers from a seed. A simulated fleet is not stored: each value is computed when it is needed, the
 * same in every process and at every start.
 */

/** Returns a number from 0 to below 1, the same for the same arguments. */
export function fraction(seed: number, ...parts: readonly number[]): number {
  return hash32(seed, parts) / 2 ** 32;
}

/** Returns a whole number from `least` to `most`. */
export function wholeBetween(least: number, most: number, seed: number, ...parts: readonly number[]): number {
  return least + Math.floor(fraction(seed, ...parts) * (most - least + 1));
}

/** Returns a value from 0 to 1 that varies smoothly over time. It passes a new random value every `periodMs`. */
export function drift(atMs: number, periodMs: number, seed: number, ...parts: readonly number[]): number {
  const period = Math.floor(atMs / periodMs);
  const passed = atMs / periodMs - period;
  const from = fraction(seed, ...parts, period);
  const to = fraction(seed, ...parts, period + 1);
  return from + (to - from) * passed * passed * (3 - 2 * passed);
}

/** Returns a pseudo-random UUID of version 4. */
export function seededUuid(seed: number, ...parts: readonly number[]): string {
  const words = [0, 1, 2, 3].map((word) =>
    hash32(seed, [...parts, word])
      .toString(16)
      .padStart(8, '0'),
  );
  const digits = words
    .join('')
    .replace(/^(.{12})./, '$14')
    .replace(/^(.{16})./, '$1a');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** Returns the numbers from 0 to `count` - 1, shuffled by the seed. */
export function shuffled(count: number, seed: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(fraction(seed, last) * (last + 1));
    const moved = order[last] ?? 0;
    order[last] = order[other] ?? 0;
    order[other] = moved;
  }
  return order;
}

/** Mixes 32-bit words as MurmurHash3 does (its x86_32 variant, without the length). */
function hash32(seed: number, parts: readonly number[]): number {
  let hash = seed | 0;
  for (const part of parts) {
    let word = Math.imul(part | 0, 0xcc9e2d51);
    word = Math.imul((word << 15) | (word >>> 17), 0x1b873593);
    hash ^= word;
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
