import * as v from 'valibot';

import { finishRule } from '../../config/rules/finish-rule.ts';
import { parseSpan } from '../../config/values/quantities.ts';
import { dayMs, minuteMs } from '../../platform/units.ts';
import { everyBounds } from '../every-bounds.ts';
import { pushUrl } from '../push/push-settings.ts';
import { absolutePath, choice, duration, flag, settingsFault, settingsObject } from '../settings-form.ts';
import { type FileOf, settingsObjects, text } from '../settings-form.ts';

export type EdgeRule = NonNullable<ReturnType<typeof finishRule>>;

/** A socket that receives lines. */
export type LinesTarget = { readonly host: string; readonly port: number } | { readonly path: string };

/** A socket, or a collector that receives reports. */
export type EdgeTarget = LinesTarget | { readonly url: URL };

const writtenText = v.exactOptional(text);

const rules = settingsObjects({
  type: choice(['cpu', 'memory', 'swap', 'load', 'disk', 'inodes']),
  name: writtenText,
  op: v.exactOptional(choice(['ge', 'gt', 'le', 'lt', 'eq', 'ne'])),
  severity: v.exactOptional(choice(['warning', 'critical'])),
  ...{ mount: writtenText, fstype: writtenText, source: writtenText },
  ...{ limit: writtenText, warning: writtenText, critical: writtenText, clear: writtenText, free: writtenText },
  for: v.exactOptional(
    v.pipe(
      text,
      v.check((span) => parseSpan(span) !== null, 'must be like "2x" or "10m"'),
    ),
  ),
});

const never = v.pipe(
  v.literal('none'),
  v.transform(() => null),
);

/** The object `edge` of agent.json. */
export const edgeForm = settingsObject({
  every: v.optional(duration(everyBounds), '1m'),
  rules: v.pipe(
    v.optional(rules, []),
    v.minLength(1, 'must hold a rule at least, such as {"type": "disk", "limit": "90%"}'),
  ),
  send: v.optional(flag, false),
  /** The receiver of changes. Default: alerts are only logged. */
  to: v.exactOptional(
    v.pipe(
      text,
      v.transform(edgeTarget),
      v.custom<EdgeTarget>(
        (to) => to !== null,
        'must be like "https://hq/v1/visit", "tcp://192.0.2.1:7000" or "unix:/run/a.sock"',
      ),
    ),
  ),
  /** The file for reports in clear. Default: edge.jsonl in the state folder, or none on an enrolled machine. */
  file: v.exactOptional(absolutePath),
  /** The longest time without a report to the collector; `none`: only changes are sent. */
  heartbeat: v.optional(
    v.lazy((given) => (given === 'none' ? never : duration({ minMs: minuteMs, maxMs: 30 * dayMs }))),
    '1h',
  ),
});

/** The settings of `edge`. Null stands for what is not written and has no default, and for a heartbeat of `none`. */
export type EdgeSettings = Readonly<ReturnType<typeof readEdge>>;

/** Finishes the rules of `edge`. Throws FleetError `config-invalid` with the rule and its fault. */
export function readEdge(written: v.InferOutput<typeof edgeForm>, fileOf: FileOf) {
  const { every, send, to = null, file = null, heartbeat } = written;
  const names = new Set<string>();
  const finished = written.rules.map((rule, index) => finishWritten(rule, { index, names, fileOf }));
  return { everyMs: every, rules: finished, send, to, file, heartbeatMs: heartbeat };
}

interface RulePlace {
  readonly index: number;
  /** The names of the rules before. */
  readonly names: Set<string>;
  readonly fileOf: FileOf;
}

/** Finishes a rule. A rule without a name is named by its type, with a number if the name is in use. */
function finishWritten(rule: v.InferOutput<typeof rules>[number], { index, names, fileOf }: RulePlace): EdgeRule {
  let name = rule.name ?? rule.type;
  for (let number = 2; names.has(name); number++) name = `${rule.type}-${number}`;
  names.add(name);
  const faults: string[] = [];
  const source = { shown: 'agent.json', path: 'agent.json', order: 0, mode: 0, uid: 0, gid: 0 };
  const attributes = { ...rule, name };
  const finished = finishRule(
    { name, origin: 'file', attributes, defaultFor: '1x', depth: 1, except: [], place: { source, line: null } },
    { alertsFor: null, alertsFlapping: null, repeatMs: null },
    { fault: (_, message) => void faults.push(inJson(message, name)) },
  );
  if (finished !== null) return finished;
  throw settingsFault(fileOf, `edge.rules[${index}].type`, `is of a rule that cannot hold: ${faults.join('; ')}`);
}

/** Replaces config.xml's terms in a fault of a rule by those of agent.json. */
function inJson(message: string, name: string): string {
  const own = message.startsWith(`<alert> "${name}": `) ? message.slice(`<alert> "${name}": `.length) : message;
  return own.replace(/\b([a-z]+)="([^"]*)"/g, '"$1": "$2"');
}

/** Parses the receiver of changes; null for another form. */
function edgeTarget(given: string): EdgeTarget | null {
  const [, path] = /^unix:(\/.{1,100})$/.exec(given) ?? [];
  if (path !== undefined) return { path };
  const url = pushUrl(given);
  if (url !== null) return { url };
  const { six, name, port } =
    /^tcp:\/\/(?:\[(?<six>[\da-fA-F:.]+)\]|(?<name>[\w.-]+)):(?<port>\d{1,5})$/.exec(given)?.groups ?? {};
  const host = six ?? name;
  return host === undefined || Number(port) < 1 || Number(port) > 65_535 ? null : { host, port: Number(port) };
}
