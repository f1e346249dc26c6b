import { pushIntervalMs } from '../../config/clients/arrival.ts';
import type { Client, Rule } from '../../config/config.ts';
import { usageError } from '../../errors.ts';
import { minuteMs } from '../../platform/units.ts';
import { formatDuration } from '../../text/durations.ts';

/** The types of rules that a machine can evaluate by itself: from one report, without its history. */
const types: readonly string[] = ['cpu', 'memory', 'swap', 'load', 'disk', 'inodes'];
const withoutPercent: readonly string[] = ['load'];
const selectors = ['mount', 'fstype', 'source'] as const;

/**
 * Returns the object `edge` of agent.json: the client's rules of types that the client can evaluate by itself. The
 * heartbeat is the interval at which config.xml expects the client. Throws FleetError `usage` if there is no such rule.
 */
export function edgeOf({ name, rules, arrival }: Client): object {
  const own = rules.filter(({ type }) => type !== null && types.includes(type));
  const heartbeatMs = pushIntervalMs({ arrival }) ?? minuteMs;
  if (own.length === 0) {
    const advice = `Write an <alert> of one of ${types.join(', ')} for it, or leave out --edge.`;
    throw usageError(`${name} has no rule that it could evaluate by itself`, advice);
  }
  return {
    every: formatDuration(Math.min(minuteMs, heartbeatMs)),
    heartbeat: formatDuration(Math.max(minuteMs, heartbeatMs)),
    send: true,
    rules: own.map(ruleJson),
  };
}

function ruleJson(rule: Rule): object {
  const { name, type, op, warning, critical, clear, freeBytes, forMs, forCount } = rule;
  const text = (value: number): string => `${value}${withoutPercent.includes(type ?? '') ? '' : '%'}`;
  const levels = { warning, critical, clear };
  return {
    ...{ name, type },
    ...pick(selectors.map((key) => [key, rule.selectors[key]])),
    op,
    ...pick(Object.entries(levels).map(([key, value]) => [key, value === null ? undefined : text(value)])),
    ...(freeBytes === null ? {} : { free: String(freeBytes) }),
    for: forMs === null ? `${forCount ?? 1}x` : formatDuration(forMs),
  };
}

function pick(entries: readonly (readonly [string, string | undefined])[]): Readonly<Record<string, string>> {
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
