import { finishRule } from '../../config/rules/finish-rule.ts';
import { parseSpan } from '../../config/values/quantities.ts';
import { dayMs, hourMs, minuteMs } from '../../platform/units.ts';
import { everyBounds } from '../every-bounds.ts';
import { pushUrl } from '../push/push-settings.ts';
import type { Fields } from '../settings-fields.ts';

export type EdgeRule = NonNullable<ReturnType<typeof finishRule>>;

/** The object `edge` of agent.json. */
export interface EdgeSettings {
  readonly everyMs: number;
  readonly rules: readonly EdgeRule[];
  readonly send: boolean;
  /** The receiver of changes; null if alerts are only logged. */
  readonly to: EdgeTarget | null;
  /** The file for reports as lines in clear; null: edge.jsonl in the state folder, or none on an enrolled machine. */
  readonly file: string | null;
  /** The longest time without a report to the collector; null if only changes are sent. */
  readonly heartbeatMs: number | null;
}

/** A socket that receives lines. */
export type LinesTarget = { readonly host: string; readonly port: number } | { readonly path: string };

/** A socket, or a collector that receives reports. */
export type EdgeTarget = LinesTarget | { readonly url: URL };

const types = ['cpu', 'memory', 'swap', 'load', 'disk', 'inodes'] as const;
const operators = ['ge', 'gt', 'le', 'lt', 'eq', 'ne'] as const;

/** Reads the object `edge`. Throws FleetError `config-invalid` with the rule and its fault. */
export function readEdge(fields: Fields | null): EdgeSettings | null {
  if (fields === null) return null;
  const everyMs = fields.duration('every', everyBounds.minimumMs, everyBounds.maximumMs) ?? minuteMs;
  const names = new Set<string>();
  const rules = (fields.objects('rules') ?? []).map((rule) => readRule(rule, names));
  if (rules.length === 0)
    throw fields.fault('rules', 'must hold a rule at least, such as {"type": "disk", "limit": "90%"}');
  const settings = {
    everyMs,
    rules,
    send: fields.flag('send') ?? false,
    to: readTarget(fields),
    file: fields.path('file'),
    heartbeatMs: readHeartbeat(fields),
  };
  fields.end();
  return settings;
}

/** Reads a rule. A rule without a name is named by its type, with a number if the name is in use. */
function readRule(fields: Fields, names: Set<string>): EdgeRule {
  const type = fields.choice('type', types);
  if (type === null) throw fields.fault('type', `is missing; it is one of ${types.join(', ')}`);
  let name = fields.text('name') ?? type;
  for (let number = 2; names.has(name); number++) name = `${type}-${number}`;
  names.add(name);
  const attributes: Record<string, string> = { name, type };
  const op = fields.choice('op', operators);
  const severity = fields.choice('severity', ['warning', 'critical']);
  if (op !== null) attributes['op'] = op;
  if (severity !== null) attributes['severity'] = severity;
  for (const key of ['mount', 'fstype', 'source', 'limit', 'warning', 'critical', 'clear', 'free', 'for'] as const) {
    const value = fields.text(key);
    if (value !== null) attributes[key] = value;
  }
  const span = attributes['for'];
  if (span !== undefined && parseSpan(span) === null) throw fields.fault('for', 'must be like "2x" or "10m"');
  const faults: string[] = [];
  const source = { shown: 'agent.json', path: 'agent.json', order: 0, mode: 0, uid: 0, gid: 0 };
  const rule = finishRule(
    { name, origin: 'file', attributes, defaultFor: '1x', depth: 1, except: [], place: { source, line: null } },
    { alertsFor: null, alertsFlapping: null, repeatMs: null },
    { fault: (_, message) => void faults.push(inJson(message, name)) },
  );
  fields.end();
  if (rule === null) throw fields.fault('type', `is of a rule that cannot hold: ${faults.join('; ')}`);
  return rule;
}

/** Replaces config.xml's terms in a fault of a rule by those of agent.json. */
function inJson(message: string, name: string): string {
  const text = message.startsWith(`<alert> "${name}": `) ? message.slice(`<alert> "${name}": `.length) : message;
  return text.replace(/\b([a-z]+)="([^"]*)"/g, '"$1": "$2"');
}

function readHeartbeat(fields: Fields): number | null {
  return fields.text('heartbeat') === 'none' ? null : (fields.duration('heartbeat', minuteMs, 30 * dayMs) ?? hourMs);
}

function readTarget(fields: Fields): EdgeTarget | null {
  const text = fields.text('to');
  if (text === null) return null;
  const [, path] = /^unix:(\/.{1,100})$/.exec(text) ?? [];
  if (path !== undefined) return { path };
  const url = pushUrl(text);
  if (url !== null) return { url };
  const { six, name, port } =
    /^tcp:\/\/(?:\[(?<six>[\da-fA-F:.]+)\]|(?<name>[\w.-]+)):(?<port>\d{1,5})$/.exec(text)?.groups ?? {};
  const host = six ?? name;
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) {
    throw fields.fault('to', 'must be like "https://hq/v1/visit", "tcp://192.0.2.1:7000" or "unix:/run/a.sock"');
  }
  return { host, port: Number(port) };
}
