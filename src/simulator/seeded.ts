/**
 * Numbers that look like chance and follow from a seed: nothing of a simulated fleet is stored, it is computed again
 * whenever it is needed, the same in every process and at every start.
 */

/** From 0 up to but not including 1, the same for the same numbers. */
export function fraction(seed: number, ...parts: readonly number[]): number {
  return hash32(seed, parts) / 2 ** 32;
}

/** A whole number from `least` to `most`. */
export function wholeBetween(least: number, most: number, seed: number, ...parts: readonly number[]): number {
  return least + Math.floor(fraction(seed, ...parts) * (most - least + 1));
}

/** From 0 to 1, and at any two times closer to each other the shorter the time between them is against `periodMs`. */
export function drift(atMs: number, periodMs: number, seed: number, ...parts: readonly number[]): number {
  const period = Math.floor(atMs / periodMs);
  const passed = atMs / periodMs - period;
  const from = fraction(seed, ...parts, period);
  const to = fraction(seed, ...parts, period + 1);
  return from + (to - from) * passed * passed * (3 - 2 * passed);
}

/** In the form of a UUID of version 4. */
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

/** The numbers from 0 to `count` - 1 in an order that follows from the seed. */
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

/** MurmurHash3's mixing of 32-bit words (its x86_32 variant, without the length). */
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
