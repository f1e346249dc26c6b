import { ruleLimits } from '../../alerter/evaluate/rule-limits.ts';
import { lateAfterMs } from '../../config/clients/late-after.ts';
import type { Client, Rule, Severity } from '../../config/config.ts';
import type { ClientState } from '../page/page.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { ClientStatus } from '../../storage/store/storage.ts';
import { compareText } from '../../text/compare-text.ts';
import { nameKey } from '../../text/name-order.ts';
import type { NearestForecast, NearestForecasts } from './nearest-forecasts.ts';

/** A line of `status`: a client of config.xml and its state in the database. */
export interface FleetMember {
  readonly client: string;
  readonly address: string;
  readonly labels: Client['labels'];
  /** The names of the groups around the client, outermost first. */
  readonly groups: readonly string[];
  readonly state: ClientState;
  readonly known: ClientStatus | null;
  /** The age of the newest observation; null without a report. */
  readonly reportAgeMs: number | null;
  readonly openAlerts: number;
  /** The worst severity of the client's firing alerts. */
  readonly worstAlert: Severity | null;
  /** The file system that will be full first; null if none is forecast within 90 days. */
  readonly fullIn: NearestForecast | null;
  /** The limits of config.xml that the newest values have reached. */
  readonly beyond: { readonly cpu: Severity | null; readonly memory: Severity | null; readonly disk: Severity | null };
}

/** The present, the time between two runs, and the forecasts. */
export interface Present {
  readonly nowMs: number;
  readonly everyMs: number;
  readonly forecasts: NearestForecasts;
}

/** Combines a client of config.xml with its state in the database. `firing`: its firing alerts. */
export function fleetMember(
  client: Pick<Client, 'name' | 'address' | 'labels' | 'groups' | 'state' | 'rules' | 'arrival'>,
  known: ClientStatus | null,
  firing: readonly Alert[],
  { nowMs, everyMs, forecasts }: Present,
): FleetMember {
  const observedAtMs = known?.observedAtMs ?? null;
  return {
    client: client.name,
    address: client.address,
    labels: client.labels,
    groups: client.groups,
    state: stateOf(client, known, nowMs, everyMs),
    known,
    reportAgeMs: observedAtMs === null ? null : Math.max(0, nowMs - observedAtMs),
    openAlerts: firing.length,
    worstAlert: worstOf(firing),
    fullIn: forecasts.get(client.name) ?? null,
    beyond: beyondLimits(client.rules, known),
  };
}

/** Shared objects by their content: a large fleet takes less memory. */
const shared = new Map<string, FleetMember['beyond']>();

function beyondLimits(rules: readonly Rule[], known: ClientStatus | null): FleetMember['beyond'] {
  const cpu = beyondLimit(rules, 'cpu', known?.cpuPercent ?? null);
  const memory = beyondLimit(rules, 'memory', known?.memoryPercent ?? null);
  const disk = beyondLimit(rules, 'disk', known?.diskPercent ?? null);
  const key = `${cpu} ${memory} ${disk}`;
  const beyond = shared.get(key) ?? { cpu, memory, disk };
  shared.set(key, beyond);
  return beyond;
}

function worstOf(firing: readonly Alert[]): Severity | null {
  if (firing.length === 0) return null;
  return firing.some(({ severity }) => severity === 'critical') ? 'critical' : 'warning';
}

function stateOf(
  { state, arrival }: Pick<Client, 'state' | 'arrival'>,
  known: ClientStatus | null,
  nowMs: number,
  everyMs: number,
): ClientState {
  if (state !== 'active') return state;
  if (known === null || known.lastVisitAtMs === null) return 'new';
  if (known.consecutiveFailures > 0) return 'failing';
  const lateMs = lateAfterMs({ arrival }, everyMs);
  return known.lastReportAtMs === null || nowMs - known.lastReportAtMs > lateMs ? 'late' : 'ok';
}

/**
 * Returns the severity of the limit that a value has reached, without regard to the duration; null if it has reached
 * none. Uses the first rule of the type without selectors, as the value is that of the whole client.
 */
export function beyondLimit(rules: readonly Rule[], type: string, value: number | null): Severity | null {
  if (value === null) return null;
  const rule = rules.find((candidate) => candidate.type === type && Object.keys(candidate.selectors).length === 0);
  if (rule === undefined || rule.freeBytes !== null) return null;
  const level = ruleLimits(rule).levelOf(value);
  return level === 'none' ? null : level;
}

/** The values of `--sort`. Figures are sorted greatest first, unknown ones last. */
export type Sorting = 'urgency' | 'name' | 'report' | 'cpu' | 'memory' | 'disk' | 'alerts';

const valueOf: Readonly<Record<Sorting, (member: FleetMember) => number | null>> = {
  urgency,
  name: () => 0,
  report: ({ reportAgeMs }) => reportAgeMs,
  cpu: ({ known }) => known?.cpuPercent ?? null,
  memory: ({ known }) => known?.memoryPercent ?? null,
  disk: ({ known }) => known?.diskPercent ?? null,
  alerts: ({ openAlerts }) => openAlerts,
};

/** Sorts by one value, then by name. */
export function sortMembers(members: readonly FleetMember[], by: Sorting): readonly FleetMember[] {
  const ranked = members.map((member) => ({
    member,
    rank: valueOf[by](member) ?? -Infinity,
    key: nameKey(member.client),
  }));
  ranked.sort((one, other) =>
    one.rank === other.rank
      ? compareText(one.key, other.key) || compareText(one.member.client, other.member.client)
      : other.rank - one.rank,
  );
  return ranked.map(({ member }) => member);
}

const stateUrgency: Readonly<Record<ClientState, number>> = {
  failing: 5,
  late: 4,
  new: 3,
  ok: 2,
  paused: 1,
  retired: 0,
};

/** Forecasts that are further away do not move a client up. */
const nearDays = 30;

/**
 * Returns the rank of a client: critical alerts first, then warnings, then none. Within these: failing, late, new, ok,
 * paused, retired. Within these: the nearest forecasts, then limits reached, then the fullest.
 */
function urgency({ state, worstAlert, known, beyond, fullIn }: FleetMember): number {
  const alerts = worstAlert === null ? 0 : worstAlert === 'critical' ? 2 : 1;
  const rank = 10_000 * alerts + 1000 * stateUrgency[state];
  if (fullIn !== null && fullIn.daysLeft <= nearDays) return rank + 301 + nearDays - fullIn.daysLeft;
  const levels = Object.values(beyond);
  const level = levels.includes('critical') ? 200 : levels.includes('warning') ? 100 : 0;
  return rank + level + Math.max(known?.memoryPercent ?? 0, known?.diskPercent ?? 0);
}
