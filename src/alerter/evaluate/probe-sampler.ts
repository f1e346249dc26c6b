import type { Rule } from '../../config/config.ts';
import { faultSample } from './make-sample.ts';
import type { Sampler } from './sampler.ts';

export function isProbeCondition(rule: Rule): boolean {
  return rule.origin === 'condition' && rule.name === 'probe-failed';
}

/** Probes that had an error; subjects are probes. Nothing but the column is needed where none had one. */
export function createProbeSampler(rules: readonly Rule[]): Sampler | null {
  const rule = rules.find(isProbeCondition);
  if (rule === undefined) return null;
  return ({ row, families }, { samples, complete }) => {
    if (row.probe_errors > 0 && families === null) return;
    if (row.probe_errors > 0) {
      for (const [subject, valueText] of families?.failedProbes ?? []) {
        samples.push(faultSample({ rule, subject, valueText }));
      }
    }
    complete.push(rule.name);
  };
}
