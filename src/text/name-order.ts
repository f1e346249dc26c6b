import { compareText } from './compare-text.ts';

/**
 * Returns a sort key for a name. Names sorted by their keys are in natural order: web-2 before web-10, case ignored. An
 * Intl.Collator sorts the same, for 3 MB of a process and ten times the time.
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

/** Compares names in natural order. */
export function byName(one: string, other: string): number {
  return compareText(nameKey(one), nameKey(other)) || compareText(one, other);
}
