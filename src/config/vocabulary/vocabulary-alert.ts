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
  mount: 'Mount points. For type mount the paths that must be there.',
  fstype: 'Types of file systems. Without it local ones that can be written are evaluated.',
  source: 'Devices, pools or exports behind a mount.',
  unit: 'systemd units.',
  interface: 'Network interfaces.',
  match: 'Type log: an extended regular expression, of what all awks read alike. Type process: names of processes.',
  sensor: 'Temperature sensors.',
  check: "People's own checks.",
  group:
    'Type outlier: groups whose members are all compared with each other. Default: the innermost of five and more.',
  service: 'Type event: services of events.',
  host: 'Type event in <alerts>: the hosts that events name.',
  label: 'Metric check_value: the names that a check gives its figures.',
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
  clients: { kind: 'globs', help: 'Only clients of these names, patterns allowed; ! excludes. Default: all.' },
  labels: { kind: 'labelSelector', help: 'Only clients with these labels, like site=ber,role!=db. Default: all.' },
};

/** The labels of clients. */
export const clientLabelsAttribute: AttributeSpec = {
  kind: 'clientLabels',
  help: 'Labels of the clients inside, like role=web site=ber. A label further in replaces that of its name.',
};

export const alertAttributes: Attributes = {
  name: {
    kind: 'title',
    help:
      'Default: the type and its selectors, numbered where that stands twice (memory, memory 2). The same name ' +
      'further in overrides attribute by attribute; alone it tunes a default rule or a condition.',
  },
  type: { words: [...ruleTypes.keys()], help: 'What is evaluated.' },
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
    help: 'Type event: silence for longer is a fault, 35d at most. Default: as long as ttl of the newest event says.',
  },
  priority: { words: logPriorities, help: 'Type log: the least priority of syslog that counts. Default err.' },
  limit: level('It holds when the value reaches this (see op); instead of warning and critical.'),
  warning: level('The limit from which it is a warning.'),
  critical: level('The limit from which it is critical.'),
  op: {
    words: ['ge', 'gt', 'le', 'lt', 'eq', 'ne'],
    help: `How the value is compared with the limit. Default ge, lt for ${typesThat(({ op }) => op === 'lt')}.`,
  },
  free: { kind: 'size', words: ['none'], help: 'Type disk: this much or less must be free as well, like 2TiB.' },
  for: {
    kind: 'span',
    help:
      'How long, or how many rows in a row, it must hold. Default 1x: the first row at the limit fires. ' +
      'A default rule or condition that is tuned by its name keeps its own.',
  },
  clear: level(
    'The limit of recovery. Default: the limit less 2 points for percents, 1.5 times the limit for forecasts, ' +
      'else the limit.',
  ),
  repeat: { kind: 'duration', words: ['none'], help: 'How often people are reminded. Default: as <alerts> says.' },
  severity: {
    words: ['warning', 'critical'],
    help:
      'Of a rule with one limit. Default critical; warning for inodes, disk-full, inodes-full, clock-offset and ' +
      'failed units. Types check and event: warning makes a warning of CRITICAL too.',
  },
  mail: { kind: 'emails', words: ['none'], help: 'Who is notified of this rule, instead of all others.' },
  note: { kind: 'note', words: ['none'], help: 'Stands in every mail about it: what to do, or where that is written.' },
  state: {
    kind: 'text',
    help: 'Type service: failed (default) or active, which it is expected to be. Metric: the label of that name.',
  },
  min: { kind: 'many', words: ['none'], help: 'Type process: fewer are too few. Default 1.' },
  max: { kind: 'many', words: ['none'], help: 'Type process: more are too many.' },
  enabled: {
    words: ['yes', 'no'],
    help:
      'no: ends the rule of this name from here on; with a type instead of a name all rules of the type, or ' +
      'what the selectors match. Default yes.',
  },
  flapping: {
    words: ['yes', 'no'],
    help:
      'no: recipients are notified of each change, also of a value that changes 4 times within 12 rows. Default: as ' +
      '<alerts> says.',
  },
  also: {
    words: ['yes', 'no'],
    help: 'yes: evaluated beside other rules of its type for the same subject. Default no.',
  },
  ...clientSelectors,
};

/** The attribute that requests logs without a rule. */
export const logsAttribute: AttributeSpec = {
  words: ['yes', 'no'],
  help: 'yes: new lines of priority err and worse in logs are counted, and the newest stand in the report. Default no.',
};

export const mailAttributes: Attributes = {
  to: { kind: 'emails', required: true, help: 'Who is notified as well, separated by commas.' },
  severity: { words: ['warning', 'critical'], help: 'The least severity they are notified of. Default: all.' },
  rules: { kind: 'globs', help: 'Names of the rules they are notified of, patterns allowed. Default: all.' },
  hours: {
    kind: 'hours',
    help: 'When they are notified, like mon-fri 08:00-18:00, in the zone of <alerts>; the rest waits. Default: always.',
  },
  ...clientSelectors,
};

export const digestElement: ElementSpec = {
  parents: ['alerts'],
  attributes: {
    to: { kind: 'emails', required: true, help: 'Who gets it, separated by commas.' },
    at: { kind: 'clock', help: 'When it is made, in the zone of <alerts>. Default 07:00.' },
    days: { kind: 'days', help: 'Days of the week on which it is made, like mon or mon-fri. Default: every day.' },
    groups: { kind: 'globs', help: 'Only clients of these groups, patterns allowed. Default: the whole fleet.' },
    attach: { words: ['report'], help: 'report: the HTML report of the same span comes with it, up to 4 MiB.' },
    name: {
      kind: 'title',
      help:
        'For `fleet-health digest`. A digest with another name is another one. Default: days and groups, ' +
        'like daily.',
    },
  },
  help: 'A mail that sums up what was since the one before: what is open, what began and ended, what changed.',
};

export const windowAttributes: Attributes = {
  days: { kind: 'days', help: 'Days of the week on which it begins, like sun or mon-fri. Default: every day.' },
  date: { kind: 'date', help: 'The one day on which it begins, like 2026-12-24; instead of days.' },
  start: { kind: 'clock', required: true, help: 'When it begins, like 02:00.' },
  duration: { kind: 'duration', required: true, help: 'How long it lasts; at most 7d.' },
  zone: { kind: 'zone', help: "IANA time zone of start. Default: that of <alerts>, else the server's." },
  rules: { kind: 'globs', help: 'Names of the rules that are held back, patterns allowed. Default: all.' },
  severity: { words: ['warning'], help: 'warning: critical alerts are sent all the same. Default: nothing is.' },
  ...clientSelectors,
};
