import type { Rule } from '../../config/config.ts';
import type { RuleState } from '../../storage/store/alert.ts';

/**
 * The last changes of one rule and subject, oldest first. A change is its age in rows, with the present row counted as
 * 1, and is negative if the value got better. Changes in the same direction count as one: a value that rises through
 * both limits and falls again has not flapped.
 */
export type Changes = RuleState['changes'][string];

/** The number of changes within `flappingRows` that is flapping. */
const flappingChanges = 4;
/** The number of rows in which changes count. As many rows without a change end flapping. */
export const flappingRows = 12;
/** The number of consecutive rows with a holding value that ends flapping. */
const rowsToSettle = 3;

/** Returns the changes after one more row, without those that are too old. */
export function aged(changes: Changes): Changes {
  if (changes.length === 0) return changes;
  return changes.map((change) => change + Math.sign(change)).filter((change) => Math.abs(change) <= flappingRows);
}

/** Returns the changes with a change in the present row added. */
export function noteChange(changes: Changes, direction: 'worse' | 'better'): Changes {
  const change = direction === 'worse' ? 1 : -1;
  const last = changes.at(-1);
  return last !== undefined && Math.sign(last) === change ? [...changes.slice(0, -1), change] : [...changes, change];
}

export function isFlapping(rule: Rule, changes: Changes): boolean {
  return rule.flapping && changes.length >= flappingChanges;
}

/** True if a row that holds ends the flapping: the last change is at least `rowsToSettle` rows old. */
export function staysBad(changes: Changes): boolean {
  return Math.abs(changes.at(-1) ?? Infinity) >= rowsToSettle;
}

/** The number of bad rows within `flappingRows` from which a value is notified although it never fulfils `for`. */
export const oftenBad = 6;

/**
 * Returns the ages of the bad rows of a subject after one more row; none for a rule whose `for` needs more than
 * `oftenBad` rows, that must not flap, or beside which `unreliable` stands. `holds`: the row is bad.
 */
export function badRowsAfter(bad: Changes, rule: Rule, holds: boolean, everyMs: number): Changes {
  const rowsOfFor = rule.forCount ?? Math.ceil((rule.forMs ?? 0) / everyMs) + 1;
  if (!rule.flapping || rule.name === 'unreachable' || rowsOfFor > oftenBad) return [];
  return holds ? [...aged(bad), 1] : aged(bad);
}

/**
 * True if a value is bad so often that it is notified although `for` was never fulfilled. Bad rows without a good one
 * between them fulfil it in time.
 */
export function isOftenBad(bad: Changes): boolean {
  return bad.length >= oftenBad && (bad[0] ?? 0) > bad.length;
}
