import type { Severity } from '../../config/config.ts';

/** Sorts critical before warning. */
export function compareSeverity(one: Severity, other: Severity): number {
  return Number(one !== 'critical') - Number(other !== 'critical');
}
