import { metrics, type Metric, type Unit } from '../../report/metrics.ts';
import type { Operator } from '../config.ts';
import { parseNumber, parsePercent, parseSeconds } from '../values/quantities.ts';
import { parseDuration } from '../../text/durations.ts';
import { parseSize } from '../../text/numbers.ts';
import { dayMs, hourMs, minuteMs } from '../../platform/units.ts';

/** The selectors of rules by `type`; the selectors of a rule by `metric` are the labels of its metric. */
export const typeSelectors = [
  'mount',
  'fstype',
  'source',
  'unit',
  'interface',
  'match',
  'sensor',
  'check',
  'priority',
  'metric',
  'group',
  'service',
  'host',
] as const;

type Selector = (typeof typeSelectors)[number];

/** A rule type. Vocabulary, limits, samples and texts follow from its entry. */
export interface RuleType {
  /** null: a sampler of src/alerter/evaluate computes the value. */
  readonly metric: Metric | null;
  /** The metric or the words that describe the value in the documents. */
  readonly source: string;
  /** The families of a report that the value comes from. */
  readonly families: readonly string[];
  /** The unit of values and limits; `flag`: the rule holds or not, so there are no limits to write. */
  readonly unit: Unit;
  /** The text behind values and limits in mails and pages. */
  readonly suffix: string;
  /** The words for a set and for an unset flag; null: the number. */
  readonly flagWords: readonly [set: string, unset: string] | null;
  readonly selectors: readonly string[];
  /** A selector that the rule must have. */
  readonly needs: Selector | null;
  readonly op: Operator;
  /** The column of `stats` or `disk_stats` that mails draw; null: none. */
  readonly chart:
    'cpu_percent' | 'memory_percent' | 'swap_percent' | 'processes' | 'used_percent' | 'inodes_percent' | null;
  /**
   * The part of a file system whose exhaustion is forecast, from levels by the day; null: the value comes from reports.
   */
  readonly foresees: 'space' | 'inodes' | null;
  /** The time between two evaluations; null: each report is evaluated. */
  readonly everyMs: number | null;
}

const usual = {
  metric: null,
  families: [],
  suffix: '',
  flagWords: null,
  selectors: [],
  needs: null,
  op: 'ge',
  chart: null,
  foresees: null,
  everyMs: null,
} as const;

const metricsByName: ReadonlyMap<string, Metric> = new Map(metrics.map((metric) => [metric.name, metric]));

/** Returns a type over one metric. */
function overMetric(name: string, more: Partial<RuleType> = {}): RuleType {
  const metric = metricsByName.get(name);
  if (metric === undefined) throw new Error(`there is no metric ${name}`);
  return { ...usual, metric, source: `\`${name}\``, families: [metric.family], unit: metric.unit, ...more };
}

const disks = ['mount', 'fstype', 'source'] as const;
const foreseen = {
  ...usual,
  source: 'the time until it is full, from levels by the day',
  unit: 'seconds',
  selectors: ['mount'],
  op: 'lt',
  everyMs: dayMs,
} as const;

const types = {
  cpu: overMetric('cpu_used_percent', { chart: 'cpu_percent' }),
  memory: overMetric('memory_used_percent', { chart: 'memory_percent' }),
  swap: overMetric('swap_used_percent', { chart: 'swap_percent' }),
  load: { ...usual, source: '`load_load5` / `cpu_cpus`', families: ['load', 'cpu'], unit: 'load', suffix: ' per CPU' },
  uptime: overMetric('uptime_seconds'),
  disk: overMetric('disk_used_percent', { selectors: disks, chart: 'used_percent' }),
  'disk-free': overMetric('disk_available_bytes', { selectors: disks, op: 'lt' }),
  inodes: overMetric('disk_inodes_percent', { selectors: disks, chart: 'inodes_percent' }),
  'disk-full': { ...foreseen, foresees: 'space' },
  'inodes-full': { ...foreseen, foresees: 'inodes' },
  outlier: {
    ...usual,
    source: '[figures of a member](forecast.md#figures), against the others of its group',
    unit: 'flag',
    selectors: ['metric', 'group'],
    everyMs: hourMs,
  },
  event: {
    ...usual,
    source: 'events that others send, and their silence',
    unit: 'flag',
    selectors: ['service', 'host'],
    needs: 'service',
    everyMs: minuteMs,
  },
  mount: {
    ...usual,
    source: 'mounts of `disk_*` and /etc/fstab',
    families: ['disk'],
    unit: 'flag',
    selectors: ['mount'],
    needs: 'mount',
    op: 'lt',
  },
  service: {
    ...usual,
    source: '`unit_active`, `failed_unit_failed`',
    families: ['unit', 'services', 'failed_unit'],
    unit: 'flag',
    selectors: ['unit'],
  },
  check: { ...usual, source: 'states of checks', families: ['check'], unit: 'flag', selectors: ['check'] },
  process: overMetric('process_match_count', { selectors: ['match'], needs: 'match', op: 'lt' }),
  processes: overMetric('processes_total', { chart: 'processes' }),
  zombies: overMetric('processes_zombies'),
  log: overMetric('log_match_count', { selectors: ['match', 'priority'] }),
  'network-errors': {
    ...usual,
    source: '`network_rx_errors_per_s` + `network_tx_errors_per_s`',
    families: ['network'],
    unit: 'per_second',
    selectors: ['interface'],
  },
  temperature: overMetric('temperature_celsius', { selectors: ['sensor'] }),
  'reboot-required': overMetric('os_reboot_required', { flagWords: ['a reboot is pending', 'no reboot pending'] }),
  'open-files': overMetric('kernel_open_files_percent'),
  conntrack: overMetric('kernel_conntrack_percent'),
  'clock-unsynchronised': overMetric('clock_synchronised', {
    op: 'lt',
    flagWords: ['synchronised', 'not synchronised'],
  }),
  'clock-offset': {
    ...usual,
    source: 'the clock of the client at the visit, against that of the collector',
    unit: 'seconds',
  },
} as const satisfies Record<string, RuleType>;

/** The rule types by name, in the order of the documents. */
export const ruleTypes: ReadonlyMap<string, RuleType> = new Map(Object.entries(types));

/** Returns the rule type of a name; null for null and for unknown names. */
export function ruleTypeOf(name: string | null | undefined): RuleType | null {
  return ruleTypes.get(name ?? '') ?? null;
}

/** The metrics of rules of type outlier: the figures of which members of a group are compared. */
export const outlierMetricNames = [
  'cpu',
  'memory',
  'load',
  'swap',
  'processes',
  'temperature',
  'mount',
  'received',
  'sent',
] as const;

/** The full name of every metric. */
export const metricNames: readonly string[] = [...metricsByName.keys()];

/** Returns the metric of a full name, or null. */
export function metricByName(name: string): Metric | null {
  return metricsByName.get(name) ?? null;
}

/** Returns the type of a rule by `metric`. Its limits are numbers even if the metric is a flag. */
export function typeOfMetric({ name, labels, unit }: Metric): RuleType {
  return overMetric(name, { selectors: labels, unit: unit === 'flag' ? 'count' : unit });
}

interface LimitForm {
  readonly parse: (text: string) => number | null;
  /** The description of the form, for messages. */
  readonly what: string;
}

const size: LimitForm = { parse: parseSize, what: 'a size, like 20GiB' };
const number: LimitForm = { parse: parseNumber, what: 'a bare number, like 3 or 1.5' };

const limitForms: Readonly<Partial<Record<Unit, LimitForm>>> = {
  percent: { parse: parsePercent, what: 'percent from 0 to 100, like 85%' },
  bytes: size,
  bytes_per_second: size,
  seconds: { parse: parseSeconds, what: 'a time, like 15m or a bare number of seconds' },
  milliseconds: {
    parse: (text) => parseNumber(text) ?? parseDuration(text),
    what: 'a time, like 5s or a bare number of milliseconds',
  },
};

/** Returns the form of limits in a unit. Limits are parsed to the unit itself. */
export function limitForm(unit: Unit): LimitForm {
  return limitForms[unit] ?? number;
}
