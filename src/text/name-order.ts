import { compareText } from './compare-text.ts';

/**
 * A text that stands for a name where names are sorted as people do, web-2 before web-10 and whatever their case. An
 * Intl.Collator does the same, for 3 MB of a process and ten times the time.
 */
export function nameKey(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\d+/g, (digits) => {
      const number = digits.replace(/^0+(?=\d)/, '');
      return String(number.length).padStart(3, '0') + number;
    });
}

/** Compares names as people do. */
export function byName(one: string, other: string): number {
  return compareText(nameKey(one), nameKey(other)) || compareText(one, other);
}
