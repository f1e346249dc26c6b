import { append, groupBy } from '../../platform/group-by.ts';
import type { Rule } from '../../config/config.ts';
import { maxSubjects } from '../../report/limits.ts';
import type { Row } from '../../report/report.ts';
import { type NetworkRow, numberOf, rowLabel } from '../../report/columns.ts';
import { metricOfRule } from './rule-metric.ts';
import { faultSample, numberRule, numberSample, type RowSamples, type Sample } from './sample.ts';
import { chooseNamed, labelMatcher, tableSampler } from './sampler.ts';
import type { ReportRow, Sampler, SamplerKind, Table, TableRule } from './sampler.ts';

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
  // A report without interfaces may mean that no probe looked for them.
  const mayBeWhole = row.probe_errors === 0 && networks.length > 0 && networks.length < maxSubjects;
  return { rows: networks, whole: families === null ? mayBeWhole : families.of('network')?.whole === true };
}

/** Samples any metric of a whole report: the first label of a family is its subject. */
export const familySamplers: SamplerKind = {
  serves: (rule) => metricOfRule(rule) !== null,
  needOf: () => 'report',
  create: (rules) => {
    const samplers = [...groupBy(rules, familyOf)].map(([family, own]) => familySampler(family, own));
    return (row, into) => {
      for (const sampler of samplers) sampler(row, into);
    };
  },
};

function familyOf(rule: Rule): string {
  return metricOfRule(rule)?.family ?? '';
}

function familySampler(family: string, rules: readonly Rule[]): Sampler {
  const [first] = rules;
  // `os` has one row a client.
  const label = first === undefined || family === 'os' ? undefined : metricOfRule(first)?.labels[0];
  const sampler = tableSampler(
    rules.map(familyRule),
    ({ families }) => families?.of(family) ?? null,
    (row) => (label === undefined ? '' : rowLabel(row, label)),
  );
  return (row, { samples, ifWritable, complete }) => {
    const all: RowSamples = { samples: [], ifWritable, complete };
    sampler(row, all);
    append(samples, worstOfEach(all.samples));
  };
}

function familyRule(rule: Rule): TableRule<Row> {
  const matches = labelMatcher(rule);
  const field = metricOfRule(rule)?.field ?? '';
  return {
    ...numberRule(rule),
    matches: (row) => matches((label) => rowLabel(row, label)),
    valueOf: (row) => numberOf(row, field),
  };
}

/** Returns the worst sample of each rule and subject: two processes of one name are two rows. */
function worstOfEach(samples: readonly Sample[]): Iterable<Sample> {
  const worst = new Map<string, Sample>();
  for (const sample of samples) {
    const key = `${sample.rule.name}\0${sample.subject}`;
    const other = worst.get(key);
    if (other === undefined || badness(sample) > badness(other)) worst.set(key, sample);
  }
  return worst.values();
}

const levels: readonly Sample['level'][] = ['unknown', 'none', 'warning', 'critical'];

function badness({ level, clear }: Sample): number {
  return levels.indexOf(level) * 2 - (clear ? 1 : 0);
}

/** Samples the number of processes that a rule looks for: the subject is the rule's `match`. */
export const processSamplers: SamplerKind = {
  serves: (rule) => rule.type === 'process',
  needOf: () => 'report',
  create: (rules) => {
    const own = rules.map((rule) => {
      const match = rule.selectors['match'] ?? '';
      const matches = (subject: string): boolean =>
        subject === match && !rule.except.some((one) => one['match'] === match);
      return { ...numberRule(rule, (count) => `${count} ${count === 1 ? 'process' : 'processes'}`), match, matches };
    });
    const chosen = chooseNamed(own, ({ match }) => [match]);
    return ({ families }: ReportRow, { samples, complete }) => {
      if (families === null) return;
      const rows = families.of('process_match')?.rows ?? [];
      const counts = new Map(rows.map((row) => [rowLabel(row, 'match'), numberOf(row, 'count')]));
      for (const [match, one] of chosen) samples.push(numberSample(one, match, counts.get(match) ?? null));
      append(
        complete,
        rules.map(({ name }) => name),
      );
    };
  },
};

/** Samples probes that had an error: subjects are probes. The column `probe_errors` is enough if none had one. */
export const probeSamplers: SamplerKind = {
  serves: ({ origin, name }) => origin === 'condition' && name === 'probe-failed',
  needOf: () => 'names',
  create:
    (rules) =>
    ({ row, families }, { samples, complete }) => {
      if (row.probe_errors > 0 && families === null) return;
      const failed = row.probe_errors > 0 ? (families?.failedProbes ?? []) : [];
      for (const rule of rules) {
        append(
          samples,
          failed.map(([probe, error]) => faultSample(rule, probe, error)),
        );
        complete.push(rule.name);
      }
    },
};
