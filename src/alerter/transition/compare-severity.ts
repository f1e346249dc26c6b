import type { Severity } from '../../config/config.ts';

/** The worse one first. */
export function compareSeverity(one: Severity, other: Severity): number {
  return Number(one !== 'critical') - Number(other !== 'critical');
}
