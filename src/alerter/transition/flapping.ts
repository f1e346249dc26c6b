import type { Rule } from '../../config/config.ts';
import type { RuleState } from '../../storage/store/alert.ts';

/**
 * The last changes of one rule and subject, oldest first: in how many rows' time they lie back, the present row
 * counted as 1, negative where it got better. Changes in the same direction count as one: a value that rises through
 * both limits and falls again has not flapped.
 */
export type Changes = RuleState['changes'][string];

/** This number of changes ... */
const flappingChanges = 4;
/** ... within this number of rows is flapping. As many rows without a change end it. */
const flappingRows = 12;
/** A value that holds in this number of consecutive rows ends flapping. */
const rowsToSettle = 3;

/** Returns the changes after one more row, without those that lie too far back. */
export function aged(changes: Changes): Changes {
  if (changes.length === 0) return changes;
  return changes.map((change) => change + Math.sign(change)).filter((change) => Math.abs(change) <= flappingRows);
}

/** Returns the changes with one of the present row. */
export function noteChange(changes: Changes, direction: 'worse' | 'better'): Changes {
  const change = direction === 'worse' ? 1 : -1;
  const last = changes.at(-1);
  return last !== undefined && Math.sign(last) === change ? [...changes.slice(0, -1), change] : [...changes, change];
}

export function isFlapping(rule: Rule, changes: Changes): boolean {
  return rule.flapping && changes.length >= flappingChanges;
}

/** True if a row that holds ends the flapping: the last change lies so many rows back. */
export function staysBad(changes: Changes): boolean {
  return Math.abs(changes.at(-1) ?? Infinity) >= rowsToSettle;
}
