import type { Rule } from '../../config/config.ts';
import type { NetworkRow } from '../../report/columns.ts';
import { maxSubjects } from '../../report/limits.ts';
import { groupBy } from '../../platform/group-by.ts';
import { numberRule, numberSample } from './make-sample.ts';
import { metricOfRule, rivalry } from './rule-metric.ts';
import { applicableRules, labelMatcher } from './sampler.ts';
import type { ReportRow, Sampler } from './sampler.ts';

export function readsNetworks(rule: Rule): boolean {
  return rule.type === 'network-errors' || metricOfRule(rule)?.family === 'network';
}

/** Reads `network_stats`: subjects are interfaces. */
export function createNetworkSampler(rules: readonly Rule[]): Sampler {
  const own = rules.filter(readsNetworks).map((rule) => {
    const matches = labelMatcher(rule);
    const field = metricOfRule(rule)?.field as keyof Omit<NetworkRow, 'interface'> | undefined;
    const valueOf = field === undefined ? errorsPerSecond : (row: NetworkRow): number | null => row[field];
    return { ...numberRule(rule), valueOf, matches: (row: NetworkRow) => matches(() => row.interface) };
  });
  const names = own.map(({ rule }) => rule.name);
  const byRivalry = [...groupBy(own, ({ rule }) => rivalry(rule)).values()];
  return (row, { samples, complete }) => {
    if (names.length === 0 || row.networks === null) return;
    for (const network of row.networks) {
      for (const rivals of byRivalry) {
        for (const judge of applicableRules(rivals, network.interface, ({ matches }) => matches(network))) {
          samples.push(numberSample(judge, network.interface, judge.valueOf(network)));
        }
      }
    }
    if (networksAreWhole(row)) complete.push(...names);
  };
}

function errorsPerSecond({ rx_errors_per_s: received, tx_errors_per_s: sent }: NetworkRow): number | null {
  return received === null || sent === null ? null : received + sent;
}

function networksAreWhole({ row, networks, families }: ReportRow): boolean {
  if (networks === null) return false;
  if (families !== null) return families.of('network')?.whole === true;
  // Nothing at all may mean that nobody looked.
  return row.probe_errors === 0 && networks.length > 0 && networks.length < maxSubjects;
}
