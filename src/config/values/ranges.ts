/** The most clients of one element. */
export const maxRangeCount = 65_536;

/** A text with at most one range of numbers in it. */
export interface Ranged {
  /** The number of values; 1 without a range. */
  readonly count: number;
  readonly ranged: boolean;
  /** Returns the text with the index-th number of the range in place of the range. */
  at(index: number): string;
}

/**
 * Parses a text such as `web-[01-80]`, which means all numbers from the first to the last, both included. They have at
 * least as many digits as the first. Returns what is wrong with the text as a string.
 */
export function parseRanged(text: string): Ranged | string {
  if (!/[[\]]/.test(text)) return { count: 1, ranged: false, at: () => text };
  const parts = /^([^[\]]*)\[(\d{1,9})-(\d{1,9})\]([^[\]]*)$/.exec(text);
  if (parts === null) {
    return /\[\d+-\d+\].*\[/.test(text)
      ? 'has two ranges; write one element for each value of one of them'
      : 'has brackets that are no range; a range is written like [01-80]';
  }
  const [, before = '', first = '', last = '', after = ''] = parts;
  const from = Number(first);
  const count = Number(last) - from + 1;
  if (count < 1) return `has a range that ends before it begins; write [${last}-${first}]`;
  if (count > maxRangeCount) return `has a range of ${count} numbers; ${maxRangeCount} are the most`;
  const at = (index: number): string => before + String(from + index).padStart(first.length, '0') + after;
  return { count, ranged: true, at };
}
