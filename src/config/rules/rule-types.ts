import { metrics, type Metric } from '../../report/metrics.ts';
import type { Operator } from '../config.ts';
import { parseNumber, parsePercent, parseSeconds } from '../values/quantities.ts';
import { parseDuration } from '../../text/durations.ts';
import { parseSize } from '../../text/numbers.ts';
import type { ruleTypeNames, typeSelectors } from '../vocabulary/vocabulary-alert.ts';

export type RuleTypeName = (typeof ruleTypeNames)[number];
type Selector = (typeof typeSelectors)[number];

/** How the limits of a rule are written; `flag`: there is nothing to write, it holds or not. */
export type LevelUnit = 'percent' | 'bytes' | 'seconds' | 'milliseconds' | 'number' | 'flag';

export interface RuleType {
  readonly unit: LevelUnit;
  readonly selectors: readonly Selector[];
  /** The selector it cannot do without. */
  readonly needs?: Selector;
  readonly op: Operator;
  /** So many rows in a row, unless a rule says otherwise. */
  readonly forCount: number;
}

const disks: readonly Selector[] = ['mount', 'fstype', 'source'];

function ruleType(unit: LevelUnit, more: Partial<RuleType> = {}): RuleType {
  return { unit, selectors: [], op: 'ge', forCount: 2, ...more };
}

/** What the types of rules compare with what. */
export const ruleTypes: Readonly<Record<RuleTypeName, RuleType>> = {
  cpu: ruleType('percent'),
  memory: ruleType('percent'),
  swap: ruleType('percent'),
  load: ruleType('number'),
  uptime: ruleType('seconds'),
  disk: ruleType('percent', { selectors: disks, forCount: 1 }),
  'disk-free': ruleType('bytes', { selectors: disks, op: 'lt' }),
  inodes: ruleType('percent', { selectors: disks, forCount: 1 }),
  mount: ruleType('flag', { selectors: ['mount'], needs: 'mount', op: 'lt', forCount: 1 }),
  service: ruleType('flag', { selectors: ['unit'], forCount: 1 }),
  process: ruleType('number', { selectors: ['match'], needs: 'match', op: 'lt' }),
  processes: ruleType('number'),
  zombies: ruleType('number'),
  'network-errors': ruleType('number', { selectors: ['interface'] }),
  temperature: ruleType('number', { selectors: ['sensor'] }),
  'reboot-required': ruleType('flag'),
  'clock-offset': ruleType('seconds'),
};

/** The rule type of a name that the vocabulary has checked. */
export function ruleTypeOf(name: string): RuleType | null {
  return Object.hasOwn(ruleTypes, name) ? ruleTypes[name as RuleTypeName] : null;
}

/** A metric by its full name, or null. */
export function metricByName(name: string): Metric | null {
  return byName.get(name) ?? null;
}

/** Every metric's full name. */
export const metricNames: readonly string[] = metrics.map((metric) => metric.name);

const byName = new Map(metrics.map((metric) => [metric.name, metric]));

/** How limits of a metric are written. */
export function unitOfMetric(metric: Metric): LevelUnit {
  if (metric.unit === 'bytes' || metric.unit === 'bytes_per_second') return 'bytes';
  return metric.unit === 'percent' || metric.unit === 'seconds' || metric.unit === 'milliseconds'
    ? metric.unit
    : 'number';
}

const levelForms: Readonly<
  Record<LevelUnit, { readonly parse: (text: string) => number | null; readonly what: string }>
> = {
  percent: { parse: parsePercent, what: 'percent from 0 to 100, like 85%' },
  bytes: { parse: parseSize, what: 'a size, like 20GiB' },
  seconds: { parse: parseSeconds, what: 'a time, like 15m or a bare number of seconds' },
  milliseconds: { parse: parseMilliseconds, what: 'a time, like 5s or a bare number of milliseconds' },
  number: { parse: parseNumber, what: 'a bare number, like 3 or 1.5' },
  flag: { parse: () => null, what: 'nothing: it holds or not' },
};

function parseMilliseconds(text: string): number | null {
  return parseNumber(text) ?? parseDuration(text);
}

/** A limit in the metric's own unit, or null when it is not written as the unit wants. */
export function parseLevel(unit: LevelUnit, text: string): number | null {
  return levelForms[unit].parse(text);
}

/** What a limit of the unit is, for messages. */
export function describeUnit(unit: LevelUnit): string {
  return levelForms[unit].what;
}
