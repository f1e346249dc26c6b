import { transportWord } from './clients/arrival.ts';
import { statePaths } from '../state-folder/paths.ts';
import type { Client, Config, Rule } from './config.ts';
import { formatDuration, parseDuration } from '../text/durations.ts';
import { formatSize } from '../text/numbers.ts';
import { serverZone } from '../text/server-zone.ts';
import { ruleTypeOf } from './vocabulary/rule-types.ts';
import { sshConfigFiles } from './settings/ssh-config-files.ts';
import { sshDefaults } from './settings/ssh-settings.ts';
import { databaseKinds, kindOf, nameOf } from './databases/kinds.ts';

/** A default in force. */
export interface DefaultRow {
  /** The element that could replace the default. */
  readonly where: string;
  readonly name: string;
  /** The value in the form of config.xml, or in a few words. */
  readonly value: string;
}

type Setting = readonly [where: string, name: string, value: (config: Config) => string | null];

const yesNo = (flag: boolean): string => (flag ? 'yes' : 'no');
const duration = (ms: number | null): string => (ms === null ? 'none' : formatDuration(ms));

/** The attributes of `<storage>` that databases have of their own. */
const storageAttributes = [...new Set(databaseKinds.flatMap(({ attributes }) => Object.keys(attributes)))];

function storageDefault({ storage }: Config, name: string): string | null {
  return storage.kind === 'none' ? null : (kindOf(storage).defaultsOf(storage)[name] ?? null);
}

/**
 * Every attribute with a default that does not depend on the client. A value is null if the attribute has no meaning in
 * this configuration.
 */
const settings: readonly Setting[] = [
  ['state', 'dir', (config) => config.stateDir],
  ['storage', 'url', ({ storage }) => (storage.kind === 'none' ? null : nameOf(storage))],
  ...storageAttributes.map((name): Setting => ['storage', name, (config) => storageDefault(config, name)]),
  ['storage', 'migrate', ({ storage }) => yesNo(storage.migrate)],
  ['retention', 'raw', ({ retention }) => duration(retention.rawMs)],
  ['retention', 'alerts', ({ retention }) => duration(retention.alertsMs)],
  ['retention', 'visits', ({ retention }) => duration(retention.visitsMs)],
  ['retention', 'changes', ({ retention }) => duration(retention.changesMs)],
  ['retention', 'detail', ({ retention }) => duration(retention.detailMs)],
  ['retention', 'logs', ({ retention }) => duration(retention.logsMs)],
  ['retention', 'hourly', ({ retention }) => duration(retention.hourlyMs)],
  ['retention', 'daily', ({ retention }) => duration(retention.dailyMs)],
  ['smtp', 'host', ({ smtp }) => (smtp === null ? 'none: mails only reach outbox/' : null)],
  ['smtp', 'port', ({ smtp }) => (smtp === null ? null : String(smtp.port))],
  ['smtp', 'security', ({ smtp }) => smtp?.security ?? null],
  ['smtp', 'from', ({ smtp }) => smtp?.from ?? null],
  ['smtp', 'verify', ({ smtp }) => (smtp === null || smtp.security === 'none' ? null : yesNo(smtp.verify))],
  ['smtp', 'fallback', ({ smtp }) => (smtp === null ? null : (smtp.fallback ?? 'none'))],
  ['smtp', 'maxMailsPerHour', ({ smtp }) => (smtp === null ? null : String(smtp.maxMailsPerHour))],
  ['collector', 'every', ({ collector }) => duration(collector.everyMs)],
  ['collector', 'concurrency', ({ collector }) => String(collector.concurrency)],
  ['collector', 'tcpTimeout', ({ collector }) => duration(collector.tcpTimeoutMs)],
  ['collector', 'connectTimeout', ({ collector }) => duration(collector.connectTimeoutMs)],
  ['collector', 'agentTimeout', ({ collector }) => duration(collector.agentTimeoutMs)],
  ['collector', 'clientDeadline', ({ collector }) => duration(collector.clientDeadlineMs)],
  ['collector', 'runDeadline', ({ collector }) => duration(collector.runDeadlineMs)],
  ['collector', 'perBastion', ({ collector }) => String(collector.perBastion)],
  ['collector', 'perSubnet', ({ collector }) => String(collector.perSubnet)],
  ['collector', 'spool', ({ collector }) => formatSize(collector.spoolBytes)],
  ['collector', 'pipelining', ({ collector }) => yesNo(collector.pipelining)],
  ['collector', 'neighbours', ({ collector }) => yesNo(collector.neighbours)],
  ['collector', 'open', ({ collector }) => yesNo(collector.open)],
  ['collector', 'share', ({ collector }) => yesNo(collector.sharedSite !== null)],
  ['serve', 'host', ({ serve }) => (serve === null || serve.hosts.length === 0 ? null : serve.hosts.join(' and '))],
  ['serve', 'port', ({ serve }) => (serve === null || serve.hosts.length === 0 ? null : String(serve.port))],
  ['serve', 'auth', ({ serve }) => serve?.auth ?? null],
  ['alerts', 'repeat', ({ alerts }) => duration(alerts.repeatMs)],
  ['alerts', 'groupInterval', ({ alerts }) => duration(alerts.groupIntervalMs)],
  ['alerts', 'flapping', ({ alerts }) => yesNo(alerts.flapping)],
  ['alerts', 'cause', ({ alerts }) => String(alerts.causeChance ?? 'no')],
  ['alerts', 'defaults', ({ alerts }) => yesNo(alerts.defaults)],
  ['alerts', 'excerpt', ({ alerts }) => yesNo(alerts.excerpt)],
  ['alerts', 'zone', ({ alerts }) => alerts.zone ?? `the server's, ${serverZone()}`],
];

/** Returns every default in force: settings first, then the connection to the clients, then rules that nobody wrote. */
export function describeDefaults(config: Config): readonly DefaultRow[] {
  const explicit = new Set(config.explicit);
  const rows = settings.flatMap(([where, name, value]): readonly DefaultRow[] => {
    const text = explicit.has(`${where} ${name}`) ? null : value(config);
    return text === null ? [] : [{ where, name, value: text }];
  });
  return [...rows, ...sshRows(config), ...ruleRows(config)];
}

/**
 * Returns the defaults of the connection to clients, without those that <ssh> or inner elements replace for all
 * clients.
 */
function sshRows(config: Config): readonly DefaultRow[] {
  const explicit = new Set(config.explicit);
  const defaults = sshDefaults(statePaths(config.stateDir).knownHosts);
  const values: readonly (readonly [string, string | null, (client: Client) => string | null])[] = [
    ['username', defaults.username, (client) => client.ssh.username],
    ['privateKey', defaults.privateKey, (client) => client.ssh.privateKey],
    ['hostKeys', 'strict', (client) => client.ssh.hostKeys],
    ['knownHosts', defaults.knownHosts, (client) => client.ssh.knownHosts],
    ['transport', 'ssh2', (client) => transportWord(client.arrival)],
    ['unsealed', 'allow', (client) => client.ssh.unsealed],
    // An ssh_config may have another port; check CLIENT shows it.
    ['port', '22', (client) => (sshConfigFiles(client).length === 0 ? String(client.port) : null)],
  ];
  return values.flatMap(([name, value, valueOf]) => {
    const users = config.clients.filter((client) => valueOf(client) === value).length;
    if (value === null || users === 0 || explicit.has(`ssh ${name}`)) return [];
    return [{ where: 'ssh', name, value: `${value} (${count(users)})` }];
  });
}

function count(clients: number): string {
  return `${clients} ${clients === 1 ? 'client' : 'clients'}`;
}

/** Returns the default rules and conditions: a row for every tuned form, with the number of its clients. */
function ruleRows(config: Config): readonly DefaultRow[] {
  const counts = new Map<Rule, number>(config.alerts.rules.map((rule) => [rule, 0]));
  for (const client of config.clients) {
    if (client.state === 'retired') continue;
    for (const rule of client.rules) if (rule.origin !== 'file') counts.set(rule, (counts.get(rule) ?? 0) + 1);
  }
  return [...counts].map(([rule, clients]) => ({
    where: 'alert',
    name: rule.name,
    value: `${describeRule(rule)}${clients === 0 ? '' : ` (${count(clients)})`}`,
  }));
}

/** A written rule, in the form in which some clients have it. */
export interface WrittenRule {
  readonly rule: string;
  /** The levels and the `for` in force. */
  readonly limit_text: string;
  /** The number of clients; 0: the rule evaluates the fleet. */
  readonly clients: number;
}

/** Returns the rules that the files write, in the order of the clients. Rules of one name and text share an entry. */
export function describeWrittenRules(config: Config): readonly WrittenRule[] {
  const rules = new Map<string, WrittenRule>();
  const add = (rule: Rule, clients: number): void => {
    const text = describeRule(rule);
    const key = `${rule.name}\0${text}`;
    const before = rules.get(key)?.clients ?? 0;
    rules.set(key, { rule: rule.name, limit_text: text, clients: before + clients });
  };
  const isWritten = ({ origin }: Rule): boolean => origin === 'file';
  for (const rule of config.alerts.rules.filter(isWritten)) add(rule, 0);
  for (const { state, rules: own } of config.clients) {
    if (state !== 'retired') for (const rule of own.filter(isWritten)) add(rule, 1);
  }
  return [...rules.values()];
}

/** Formats a rule: `warning 90%, critical 95%, for 1x`. */
export function describeRule(rule: Rule): string {
  const { warning, critical, forMs, forCount, op } = rule;
  const level = (name: string, value: number | null): readonly string[] =>
    value === null ? [] : [`${name} ${op === 'ge' ? '' : `${op} `}${formatLevel(rule, value)}`];
  const levels = [...level('warning', warning), ...level('critical', critical)];
  const span = forCount === null ? (forMs === null ? null : formatDuration(forMs)) : `${forCount}x`;
  return [...(levels.length > 0 ? levels : [rule.severity]), ...(span === null ? [] : [`for ${span}`])].join(', ');
}

function formatLevel({ type }: Rule, value: number): string {
  const unit = ruleTypeOf(type)?.unit;
  if (unit === 'percent') return `${value}%`;
  if (unit === 'bytes') return formatSize(value);
  const time = unit === 'seconds' ? formatDuration(value * 1000) : null;
  return time !== null && parseDuration(time) === value * 1000 ? time : String(value);
}
