import { metrics } from '../../report/metrics.ts';
import { parseMailAddresses } from '../values/addresses.ts';
import type { Operator, Rule, Severity } from '../config.ts';
import type { Findings, Place } from '../xml/findings.ts';
import { globMatcher, isGlob, splitGlobs } from '../values/globs.ts';
import { severityOf } from '../settings/mail-settings.ts';
import { readLevels } from './levels.ts';
import { selectorFault, selectorsOf, selectsMetric, type AlertAttributes } from './merge-alert.ts';
import { logExpressionFault } from '../values/log-expressions.ts';
import { didYouMean, nearest } from '../values/nearest.ts';
import { parseSpan } from '../values/quantities.ts';
import { parseDuration } from '../../text/durations.ts';
import { dayMs } from '../../platform/units.ts';
import { parseSize } from '../../text/numbers.ts';
import {
  metricByName,
  metricNames,
  outlierMetricNames,
  ruleTypeOf,
  typeOfMetric,
  type RuleType,
} from '../vocabulary/rule-types.ts';

/** The newest event of a service is kept for this long. */
const longestWithinMs = 35 * dayMs;

/** A rule as merged, before its attributes are checked against each other. */
export interface MergedRule {
  readonly name: string;
  readonly origin: Rule['origin'];
  readonly attributes: AlertAttributes;
  readonly defaultFor: string | null;
  readonly depth: number;
  readonly except: Rule['except'];
  /** True if the written rule evaluates the fleet as a whole. */
  readonly isFleet?: boolean;
  /** The innermost element that writes or tunes the rule; null: no element does. */
  readonly place: Place | null;
}

/** The rules in force within an element. */
export interface RuleScope {
  /** The number of elements with rules around the scope. */
  readonly depth: number;
  /** The rules of the innermost element first; defaults and conditions of single clients last. */
  readonly rules: readonly Rule[];
  /** Conditions of the fleet as a whole. */
  readonly fleetRules: readonly Rule[];
  /** Conditions of groups that need some of their members. */
  readonly groupRules: readonly Rule[];
  /** Name -> rule from the files, innermost element first. */
  readonly written: ReadonlyMap<string, MergedRule>;
  readonly builtins: ReadonlyMap<string, MergedRule>;
}

export interface RuleDefaults {
  /** `for` of <alerts>. */
  readonly alertsFor: string | null;
  /** `flapping` of <alerts>. */
  readonly alertsFlapping: string | null;
  readonly repeatMs: number | null;
}

/** Returns the rule of merged attributes. Returns null after reporting a fault at the element that caused the fault. */
export function finishRule(merged: MergedRule, defaults: RuleDefaults, findings: Pick<Findings, 'fault'>): Rule | null {
  const { attributes, name, place } = merged;
  const faults: string[] = [];
  const fault = (message: string): void => {
    faults.push(message);
    if (place !== null) findings.fault(place, `<alert> "${name}": ${message}`);
  };
  const subject = subjectOf(merged, fault);
  const op = (attributes['op'] as Operator | undefined) ?? subject?.op ?? 'ge';
  const type = attributes['type'] ?? null;
  const levels = subject === null ? null : readLevels({ attributes, unit: subject.unit, op, type, fault });
  const limits = checkTypeRules(attributes, subject, fault);
  const span = parseSpan(
    attributes['for'] ?? (merged.origin === 'condition' ? null : defaults.alertsFor) ?? merged.defaultFor ?? '',
  );
  if (attributes['for'] !== undefined && merged.origin === 'condition' && merged.defaultFor === null) {
    fault('for has no meaning here, people are notified at once; remove it');
  }
  if (faults.length > 0) return null;
  const severity: Severity = levels?.severity ?? severityOf(attributes['severity']) ?? 'critical';
  return Object.freeze({
    name,
    type,
    metric: selectsMetric(attributes) ? null : (attributes['metric'] ?? null),
    selectors: Object.freeze(selectorsInForce(attributes)),
    op,
    warning: levels?.warning ?? null,
    critical: levels?.critical ?? null,
    severity,
    clear: levels?.clear ?? null,
    freeBytes: attributes['free'] === undefined ? null : parseSize(attributes['free']),
    forMs: span?.ms ?? null,
    forCount: span?.count ?? null,
    repeatMs: attributes['repeat'] === undefined ? defaults.repeatMs : parseDuration(attributes['repeat']),
    mail: attributes['mail'] === undefined ? null : Object.freeze(parseMailAddresses(attributes['mail']) ?? []),
    note: attributes['note'] ?? null,
    state: type === 'service' ? (attributes['state'] ?? 'failed') : null,
    ...limits,
    withinMs: parseDuration(attributes['within'] ?? ''),
    also: attributes['also'] === 'yes',
    flapping: (attributes['flapping'] ?? defaults.alertsFlapping) !== 'no',
    depth: merged.depth,
    except: Object.freeze(merged.except),
    origin: merged.origin,
    file: place?.source.path ?? null,
    line: place?.line ?? null,
  });
}

/**
 * Returns a hint to the metric that is probably meant. A family's name in front may be missing: `loadd5` is load_load5.
 */
function metricHint(name: string): string {
  const fields = metrics.map((metric) => metric.field);
  const near = nearest(name, metricNames) ?? metrics[fields.indexOf(nearest(name, fields) ?? '')]?.name;
  return near === undefined ? '; docs/metrics.md lists them all' : `; did you mean "${near}"?`;
}

type ReportFault = (message: string) => void;

/** Returns the type of a rule; null for a condition without limits. Reports wrong selectors. */
function subjectOf({ attributes, name, origin }: MergedRule, fault: ReportFault): RuleType | null {
  const type = ruleTypeOf(attributes['type']);
  const metricName = attributes['metric'];
  if (type !== null && metricName !== undefined && !selectsMetric(attributes))
    fault('type and metric are both written; keep one of them');
  if (type !== null) {
    const problem = selectorFault(attributes, type.selectors, `type ${attributes['type'] ?? ''}`);
    if (problem !== null) fault(problem);
    if (type.needs !== null && attributes[type.needs] === undefined)
      fault(`lacks ${type.needs}; write ${type.needs}="..."`);
    return type;
  }
  if (metricName !== undefined) {
    const metric = metricByName(metricName);
    const problem =
      metric === null
        ? `there is no metric "${metricName}"${metricHint(metricName)}`
        : selectorFault(attributes, metric.labels, `metric ${metricName}`);
    if (problem !== null) fault(problem);
    return metric === null ? null : typeOfMetric(metric);
  }
  const known = new Set(['name', 'for', 'repeat', 'severity', 'mail', 'note', 'flapping', 'enabled']);
  const needless = Object.keys(attributes).filter((attribute) => !known.has(attribute));
  if (origin === 'condition' && needless.length > 0) {
    const takes = 'for, repeat, severity, mail, note, flapping and enabled';
    fault(`${name} is a condition, which takes ${takes}; remove ${needless.join(', ')}`);
  }
  return null;
}

/**
 * Checks the attributes of single types (free, state, min, max), and rejects patterns in paths and units that allow
 * none.
 */
function checkTypeRules(
  attributes: AlertAttributes,
  subject: RuleType | null,
  fault: ReportFault,
): { min: number | null; max: number | null } {
  const type = attributes['type'];
  if (attributes['free'] !== undefined && type !== 'disk')
    fault('free belongs to type disk, beside a percent; use type disk-free for bytes alone');
  if (type === 'mount' && splitGlobs(attributes['mount'] ?? '').some((path) => isGlob(path) || !path.startsWith('/'))) {
    fault('mount must name paths that are expected, without patterns; write them like /data,/srv');
  }
  const stateMeans = type === 'service' || selectorsOf(attributes)['state'] !== undefined;
  if (attributes['state'] !== undefined && !stateMeans) fault('state belongs to type service; remove it');
  if (type === 'service') checkService(attributes, fault);
  checkWithin(attributes, fault);
  if (type === 'log') checkLog(attributes, fault);
  if (type === 'outlier') checkOutlier(attributes, fault);
  const number = (name: 'min' | 'max'): number | null =>
    attributes[name] === undefined ? null : Number(attributes[name]);
  const [min, max] = [number('min'), number('max')];
  if (type !== 'process') {
    const other = subject?.unit === 'flag' ? 'nothing' : 'limit="..."';
    if ((min ?? max) !== null) fault(`min and max belong to type process; write ${other} instead`);
    return { min: null, max: null };
  }
  if (min !== null && max !== null && min > max) fault(`min ${min} is more than max ${max}; exchange them`);
  if (min === 0 && max === null) fault('min="0" never holds; write min="1" or a max');
  const limited = ['limit', 'warning', 'critical'].some((name) => name in attributes);
  return { min: min ?? (limited || max !== null ? null : 1), max };
}

function checkWithin({ type, within }: AlertAttributes, fault: ReportFault): void {
  if (within === undefined) return;
  if (type !== 'event') fault('within belongs to type event; remove it');
  if ((parseDuration(within) ?? 0) > longestWithinMs) fault(`within="${within}" is longer than 35d`);
}

function checkLog({ match }: AlertAttributes, fault: ReportFault): void {
  const problem = match === undefined ? null : logExpressionFault(match);
  if (problem !== null) fault(`match="${match ?? ''}" ${problem}`);
}

function checkOutlier({ metric = '' }: AlertAttributes, fault: ReportFault): void {
  const isNone = (name: string): boolean => !outlierMetricNames.some(globMatcher(name));
  for (const name of splitGlobs(metric)
    .map((part) => part.replace(/^!/, ''))
    .filter(isNone)) {
    const near = didYouMean(name, outlierMetricNames);
    fault(`metric="${metric}": "${name}" is none of ${outlierMetricNames.join(', ')}${near}`);
  }
}

function checkService(attributes: AlertAttributes, fault: ReportFault): void {
  const state = attributes['state'] ?? 'failed';
  if (state !== 'failed' && state !== 'active')
    fault(`state="${state}" is neither failed nor active${didYouMean(state, ['failed', 'active'])}`);
  if (state !== 'active') return;
  const units = splitGlobs(attributes['unit'] ?? '');
  if (units.length === 0 || units.some((unit) => isGlob(unit) || unit.startsWith('!'))) {
    fault('state="active" must name the units that are expected, without patterns; write unit="nginx.service"');
  }
}

const unitSuffix = /\.(?:service|socket|device|mount|automount|swap|target|path|timer|slice|scope)$/;

/** Returns the selectors of an alert. Completes a unit without a suffix to a service, as systemd's own commands do. */
export function selectorsInForce(attributes: AlertAttributes): Readonly<Record<string, string>> {
  const selectors = selectorsOf(attributes);
  const { unit } = selectors;
  if (attributes['type'] !== 'service' || unit === undefined) return selectors;
  const whole = splitGlobs(unit).map((part) => (isGlob(part) || unitSuffix.test(part) ? part : `${part}.service`));
  return { ...selectors, unit: whole.join(',') };
}
