import type { Rule } from '../../config/config.ts';
import { hourMs } from '../../platform/units.ts';
import type { RuleState } from '../../storage/store/alert.ts';
import { clearSample, faultSample, type Sample } from '../evaluate/sample.ts';

/** The times of a client's boots within the last hour, see RuleState.boots. */
export type Boots = NonNullable<RuleState['boots']>;

const bootsToFire = 4;
/** The most boots that are remembered. */
const maxBoots = 60;

/** Returns the boots of the hour before a report, which may be the first of another boot. */
export function bootsAfter(before: Boots, atMs: number, hasBooted: boolean): Boots {
  const all = hasBooted ? [...before, atMs] : before;
  return all.filter((bootMs) => Math.abs(atMs - bootMs) < hourMs).slice(-maxBoots);
}

/** Samples the boots of an hour: a fault if there are four, clear if there is none. */
export function rebootsSample(rule: Rule, boots: Boots): Sample {
  const { length } = boots;
  const valueText =
    length === 0 ? 'no boot for an hour' : `${length} ${length === 1 ? 'boot' : 'boots'} within an hour`;
  if (length >= bootsToFire) return faultSample(rule, '', valueText);
  return { ...clearSample(rule, '', valueText), clear: length === 0 };
}
