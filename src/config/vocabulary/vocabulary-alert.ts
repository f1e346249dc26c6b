import { metrics } from '../../report/metrics.ts';
import { logPriorities } from '../../report/log-lines.ts';
import type { AttributeSpec, Attributes, ElementSpec } from './element-spec.ts';
import { outlierMetricNames, ruleTypes, typeSelectors, type RuleType } from './rule-types.ts';

/** The selectors of rules by type, and every label of a metric but `state`, which has a meaning of its own. */
export const selectorNames: ReadonlySet<string> = new Set([
  ...typeSelectors,
  ...metrics.flatMap(({ labels }) => labels.filter((label) => label !== 'state')),
]);

const selectorHelp: Readonly<Record<string, string>> = {
  mount: 'Mount points. Type mount: the paths that must be mounted.',
  fstype: 'Types of file systems. Default: all local writable ones.',
  source: 'Devices, pools or exports behind a mount.',
  unit: 'systemd units.',
  interface: 'Network interfaces.',
  match:
    'Type log: an extended regular expression with the syntax common to all awks. Type process: names of ' +
    'processes.',
  sensor: 'Temperature sensors.',
  check: 'Names of your own checks.',
  group:
    'Type outlier: groups whose members are compared with each other. Default: the innermost group with at ' +
    'least five members.',
  service: 'Type event: services of events.',
  host: 'Type event in <alerts>: the hosts of events.',
  label: "Metric check_value: the names of a check's figures.",
};

function selector(name: string): AttributeSpec {
  const values = selectorHelp[name] ?? `Values of the label ${name} of a metric.`;
  return { kind: 'globs', words: ['none'], help: `${values} Patterns, separated by commas; ! excludes.` };
}

const level = (help: string): AttributeSpec => ({ kind: 'level', words: ['none'], help });

/** Returns the names of the rule types for which a condition is true: `disk-free, mount and process`. */
function typesThat(isTrue: (type: RuleType) => boolean): string {
  const names = [...ruleTypes].flatMap(([name, type]) => (isTrue(type) ? [name] : []));
  return names.join(', ').replace(/, ([^,]*)$/, ' and $1');
}

/** The attributes that limit an element to some of the clients around the element. */
export const clientSelectors: Attributes = {
  clients: { kind: 'globs', help: 'Only clients with these names or patterns; ! excludes. Default: all.' },
  labels: { kind: 'labelSelector', help: 'Only clients with these labels, like site=ber,role!=db. Default: all.' },
};

/** The labels of clients. */
export const clientLabelsAttribute: AttributeSpec = {
  kind: 'clientLabels',
  help:
    'Labels of the clients inside, like role=web site=ber. A label of an inner element replaces an outer one ' +
    'of the same name.',
};

/** Returns the attribute for further recipients of a part of the fleet. */
export function mailAttribute(of: string): AttributeSpec {
  return {
    kind: 'emails',
    words: ['none'],
    help: `Further recipients of alerts of ${of}, separated by commas. none: nobody, not even recipients of outer elements.`,
  };
}

export const alertAttributes: Attributes = {
  name: {
    kind: 'title',
    help:
      'The name of the rule. An inner rule of the same name overrides single attributes; the name of a default ' +
      'rule or condition tunes that. Default: the type and its selectors, with a number for duplicates ' +
      '(memory, memory 2).',
  },
  type: { words: [...ruleTypes.keys()], help: 'The figure that the rule evaluates.' },
  metric: {
    kind: 'text',
    help:
      'Any metric of a report instead of a type, like disk_used_percent. Type outlier: ' +
      `some of ${outlierMetricNames.join(', ')}.`,
  },
  ...Object.fromEntries(
    [...selectorNames].flatMap((name) => (name === 'metric' ? [] : [[name, selector(name)] as const])),
  ),
  within: {
    kind: 'duration',
    help: 'Type event: the longest time without an event, 35d at most. Default: ttl of the newest event.',
  },
  priority: { words: logPriorities, help: 'Type log: the least syslog priority of counted lines. Default err.' },
  limit: level('The only limit (see op), instead of warning and critical.'),
  warning: level('The limit of a warning.'),
  critical: level('The limit of a critical alert.'),
  op: {
    words: ['ge', 'gt', 'le', 'lt', 'eq', 'ne'],
    help: `The comparison of the value with the limit. Default ge; lt for ${typesThat(({ op }) => op === 'lt')}.`,
  },
  free: {
    kind: 'size',
    words: ['none'],
    help: 'Type disk: the rule holds only if at most this much is free, like 2TiB.',
  },
  for: {
    kind: 'span',
    help:
      'The duration or number of consecutive rows that the rule must hold. Default 1x: the first row at the ' +
      'limit fires. A default rule or condition that is tuned by its name keeps its own.',
  },
  clear: level(
    'The limit of recovery. Default: 2 points below the limit for percentages, 1.5 times the limit for ' +
      'forecasts, otherwise the limit.',
  ),
  repeat: { kind: 'duration', words: ['none'], help: 'The interval of reminders. Default: repeat of <alerts>.' },
  severity: {
    words: ['warning', 'critical'],
    help:
      'The severity of a rule with one limit. Default critical; warning for inodes, disk-full, inodes-full, ' +
      'clock-offset and failed units. Types check and event: warning turns CRITICAL into a warning.',
  },
  mail: { kind: 'emails', words: ['none'], help: 'The recipients of this rule, instead of all others.' },
  note: {
    kind: 'note',
    words: ['none'],
    help: 'A text for every mail about the alert: what to do, or where that is written.',
  },
  state: {
    kind: 'text',
    help:
      'Type service: failed (default: a failed unit fires) or active (a unit that is not active fires). ' +
      'Metric: the label state.',
  },
  min: { kind: 'many', words: ['none'], help: 'Type process: the least number of processes. Default 1.' },
  max: { kind: 'many', words: ['none'], help: 'Type process: the largest number of processes. Default: no limit.' },
  enabled: {
    words: ['yes', 'no'],
    help:
      'no: disables the rule of this name here; with a type instead of a name, all rules of the type, or the ' +
      'subjects that the selectors match. Default yes.',
  },
  flapping: {
    words: ['yes', 'no'],
    help:
      'no: recipients are notified of each change, also of a value that changes 4 times within 12 rows. ' +
      'Default: flapping of <alerts>.',
  },
  also: {
    words: ['yes', 'no'],
    help: 'yes: the rule applies beside other rules of its type for the same subject. Default no.',
  },
  ...clientSelectors,
};

/** The attribute that requests logs without a rule. */
export const logsAttribute: AttributeSpec = {
  words: ['yes', 'no'],
  help: 'yes: reports count new log lines of priority err and worse, and contain the newest. Default no.',
};

/** The attribute of recipients who are notified of what nobody acknowledges. */
export const afterAttribute: AttributeSpec = {
  kind: 'duration',
  help:
    'Only critical alerts that have fired for this time without an acknowledgement, and their ends; from 1m to 1d. ' +
    'Default: every alert, at once.',
};

export const mailAttributes: Attributes = {
  to: { kind: 'emails', required: true, help: 'Further recipients, separated by commas.' },
  severity: { words: ['warning', 'critical'], help: 'The least severity of notifications. Default: all.' },
  rules: { kind: 'globs', help: 'Names or types of rules, patterns allowed. Default: all.' },
  hours: {
    kind: 'hours',
    help:
      'The hours of notifications, like mon-fri 08:00-18:00, in the zone of <alerts>; alerts of other hours ' +
      'wait. Default: always.',
  },
  after: afterAttribute,
  ...clientSelectors,
};

export const digestElement: ElementSpec = {
  parents: ['alerts'],
  attributes: {
    to: { kind: 'emails', required: true, help: 'The recipients, separated by commas.' },
    at: { kind: 'clock', help: 'The time of day, in the zone of <alerts>. Default 07:00.' },
    days: {
      kind: 'days',
      help: 'The days, like mon, mon-fri, 1st mon, 1 or last (of the month). Default: every day.',
    },
    groups: { kind: 'globs', help: 'Only clients of these groups or patterns. Default: the whole fleet.' },
    attach: { words: ['report'], help: 'report: the HTML report of the same span is attached, up to 4 MiB.' },
    name: {
      kind: 'title',
      help:
        'The name for `fleet-health digest`; a digest with a new name is a new digest. Default: days and groups, ' +
        'like daily.',
    },
  },
  help: 'A mail about the time since the former digest: open alerts, alerts that began and ended, changes.',
};

export const windowAttributes: Attributes = {
  days: {
    kind: 'days',
    help:
      'The days on which the window begins, like sun, mon-fri, 2nd tue, last fri, 1-7 or last (of the month). ' +
      'Default: every day.',
  },
  date: { kind: 'date', help: 'The only day on which the window begins, like 2026-12-24, instead of days.' },
  start: { kind: 'clock', required: true, help: 'The time of day at which the window begins, like 02:00.' },
  duration: { kind: 'duration', required: true, help: 'The duration, at most 7d.' },
  zone: { kind: 'zone', help: "IANA time zone of start. Default: zone of <alerts>, otherwise the server's." },
  rules: { kind: 'globs', help: 'Names or types of rules, patterns allowed. Default: all.' },
  severity: {
    words: ['warning'],
    help: 'warning: notifications of critical alerts are still sent. Default: no notifications.',
  },
  ...clientSelectors,
};
