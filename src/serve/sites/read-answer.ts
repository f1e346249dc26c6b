import type { FleetMember } from '../../look/fleet-member.ts';
import { dayMs, secondMs } from '../../platform/units.ts';
import { oneLine } from '../../text/plain-text.ts';

/** The most clients that are read from an answer. */
export const mostMembers = 200;
const mostClients = 10_000_000;
const longestName = 256;
const longestText = 500;
const mostLabels = 64;
const longestAgeMs = 36_500 * dayMs;

/** The used part of a site's status. */
export interface SiteAnswer {
  readonly total: number;
  readonly matching: number;
  /** The numbers of clients, by the states of `kinds`. */
  readonly counts: Readonly<Record<string, number>>;
  readonly firing: number;
  /** The time since the newest run of the site's collector ended, by the site's own clock; null: unknown. */
  readonly collectedAgoMs: number | null;
  readonly members: readonly FleetMember[];
}

/** The states of clients that are counted. */
export const kinds = ['critical', 'warning', 'failing', 'late', 'fine', 'new', 'paused'] as const;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads the document of `/api/v1/status?limit=`. Returns null if the text is none, or that of another federation.
 * Implausible values become unknown.
 */
export function readAnswer(text: string): SiteAnswer | null {
  const document = fields(parsed(text));
  const { total, matching, clients, sites } = document;
  const known = whole(total, mostClients);
  const found = whole(matching, known ?? 0);
  if (known === null || found === null || !Array.isArray(clients) || sites !== undefined) return null;
  const members = clients.slice(0, mostMembers).flatMap((client) => memberOf(fields(client)) ?? []);
  const counts = fields(document['counts']);
  const finishedAtMs = time(fields(document['last_run'])['finished_at']);
  const atMs = time(document['at']);
  return {
    total: known,
    matching: found,
    counts: Object.fromEntries(kinds.map((kind) => [kind, whole(counts[kind], known) ?? 0])),
    firing: whole(fields(document['alerts'])['firing'], 100 * mostClients) ?? 0,
    collectedAgoMs: finishedAtMs === null || atMs === null ? null : Math.max(0, atMs - finishedAtMs),
    members: [...new Map(members.map((member) => [member.client, member])).values()],
  };
}

/** Reads a client; null if its name is invalid. */
function memberOf(client: Fields): FleetMember | null {
  const name = client['client'];
  if (typeof name !== 'string' || name === '' || name.length > longestName || /\p{Cs}/u.test(name)) return null;
  const address = words(client['address']) ?? '';
  const limits = fields(client['at_limit']);
  const fullIn = fields(client['full_in']);
  const [daysLeft, mount] = [number(fullIn['days'], 0, 3650), words(fullIn['mount'])];
  const error = fields(client['error']);
  const failures = whole(client['consecutive_failures'], 1e9) ?? 0;
  const ageS = number(client['report_age_s'], 0, longestAgeMs / secondMs);
  return {
    client: name,
    address,
    labels: labelsOf(client['labels']),
    state: oneOf(client['state'], ['ok', 'late', 'failing', 'new', 'paused', 'retired']) ?? 'new',
    known: {
      ...{ client: name, address, consecutiveFailures: failures },
      lastVisitAtMs: time(client['last_visit_at']),
      lastReportAtMs: time(client['last_report_at']),
      observedAtMs: time(client['observed_at']),
      nextAttemptAtMs: time(client['next_attempt_at']),
      reader: oneOf(client['reader'], ['node', 'runtime', 'shell', 'push']),
      hostname: words(client['hostname']),
      os: words(client['os']),
      uptimeSeconds: number(client['uptime_s'], 0, longestAgeMs / secondMs),
      cpuPercent: number(client['cpu_percent'], 0, 100),
      memoryPercent: number(client['memory_percent'], 0, 100),
      diskPercent: number(client['disk_percent'], 0, 100),
      diskMount: words(client['disk_mount']),
      load5: number(client['load5'], 0, 1e6),
      cpus: whole(client['cpus'], 1e6),
      errorCode: words(error['code']),
      errorMessage: words(error['message']),
    },
    reportAgeMs: ageS === null ? null : ageS * secondMs,
    openAlerts: whole(client['open_alerts'], 1e6) ?? 0,
    worstAlert: oneOf(client['worst_alert'], levels),
    fullIn:
      daysLeft === null || mount === null
        ? null
        : { daysLeft, mount, resource: oneOf(fullIn['resource'], ['space', 'inodes']) ?? 'space' },
    beyond: {
      cpu: oneOf(limits['cpu'], levels),
      memory: oneOf(limits['memory'], levels),
      disk: oneOf(limits['disk'], levels),
    },
  };
}

const levels = ['warning', 'critical'] as const;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** Returns a cleaned copy of a text; a slice of a string would keep the whole string in memory. */
function words(value: unknown): string | null {
  if (typeof value !== 'string' || value === '') return null;
  return oneLine(Buffer.from(value.slice(0, longestText)).toString());
}

function number(value: unknown, least: number, most: number): number | null {
  return typeof value === 'number' && value >= least && value <= most ? value : null;
}

function whole(value: unknown, most: number): number | null {
  return Number.isInteger(value) ? number(value, 0, most) : null;
}

function time(value: unknown): number | null {
  const atMs = typeof value === 'string' && value.length <= 40 ? Date.parse(value) : Number.NaN;
  return number(atMs, 0, 200 * 365 * dayMs);
}

function oneOf<Word extends string>(value: unknown, known: readonly Word[]): Word | null {
  return known.find((word) => word === value) ?? null;
}

function labelsOf(value: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(fields(value)).slice(0, mostLabels);
  return Object.fromEntries(entries.flatMap(([name, label]) => [[words(name) ?? '', words(label) ?? '']]));
}
