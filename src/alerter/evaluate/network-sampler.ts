import type { Rule } from '../../config/config.ts';
import type { NetworkRow } from '../../report/columns.ts';
import { maxSubjects } from '../../report/limits.ts';
import { metricOfRule } from './rule-metric.ts';
import { numberRule } from './sample.ts';
import { labelMatcher, tableSampler, type ReportRow, type SamplerKind, type Table, type TableRule } from './sampler.ts';

/** Samples `network_stats`: subjects are interfaces. */
export const networkSamplers: SamplerKind = {
  serves: (rule) => rule.type === 'network-errors' || metricOfRule(rule)?.family === 'network',
  needOf: () => 'networks',
  create: (rules) => tableSampler(rules.map(networkRule), networksOf, (row) => row.interface),
};

function networkRule(rule: Rule): TableRule<NetworkRow> {
  const field = metricOfRule(rule)?.field as keyof Omit<NetworkRow, 'interface'> | undefined;
  const matches = labelMatcher(rule);
  return {
    ...numberRule(rule),
    matches: (row) => matches(() => row.interface),
    valueOf: field === undefined ? errorsPerSecond : (row) => row[field],
  };
}

function errorsPerSecond({ rx_errors_per_s: received, tx_errors_per_s: sent }: NetworkRow): number | null {
  return received === null || sent === null ? null : received + sent;
}

function networksOf({ row, networks, families }: ReportRow): Table<NetworkRow> | null {
  if (networks === null) return null;
  // No interface at all may mean that no probe looked.
  const mayBeWhole = row.probe_errors === 0 && networks.length > 0 && networks.length < maxSubjects;
  return { rows: networks, whole: families === null ? mayBeWhole : families.of('network')?.whole === true };
}
