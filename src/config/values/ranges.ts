/** At most so many clients come from one element. */
export const maxRangeCount = 65_536;

/** A text with at most one range of numbers in it. */
export interface Ranged {
  /** 1 where there is no range. */
  readonly count: number;
  readonly ranged: boolean;
  /** The text with the index-th number of the range in its place. */
  at(index: number): string;
}

/**
 * A text such as `web-[01-80]` that stands for many: the numbers from the first to the last, both included, written
 * with at least as many digits as the first. Answers what is wrong with it as a string.
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
