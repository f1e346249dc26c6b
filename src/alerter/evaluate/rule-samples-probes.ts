import type { Rule } from '../../config/config.ts';
import { readFault } from './reading.ts';
import type { Sampler } from './rule-samples.ts';

export function isProbeCondition(rule: Rule): boolean {
  return rule.origin === 'condition' && rule.name === 'probe-failed';
}

/** Probes that had an error; subjects are probes. Nothing but the column is needed where none had one. */
export function createProbeSampler(rules: readonly Rule[]): Sampler | null {
  const rule = rules.find(isProbeCondition);
  if (rule === undefined) return null;
  return ({ row, families }, { readings, complete }) => {
    if (row.probe_errors > 0 && families === null) return;
    if (row.probe_errors > 0) {
      for (const [subject, valueText] of families?.failedProbes ?? []) {
        readings.push(readFault({ rule, subject, valueText }));
      }
    }
    complete.push(rule.name);
  };
}
