import { pushIntervalMs } from '../../config/clients/arrival.ts';
import { lateAfterMs } from '../../config/clients/late-after.ts';
import type { Client } from '../../config/config.ts';
import type { ErrorCode } from '../../platform/errors/errors.ts';
import type { ClientFacts, VisitRecord } from '../../storage/store/storage.ts';
import { formatDuration } from '../../text/durations.ts';
import type { CollectorRun } from '../collect-options.ts';
import type { SpooledReport } from '../sealed-reports/sealed-names.ts';
import type { PreparedStorage } from './prepare-storage.ts';
import { ranMeanwhile } from './run-watches.ts';
const silentCode: ErrorCode = 'push-silent';

export interface SilentVisitsOptions {
  readonly run: CollectorRun;
  readonly prepared: Pick<PreparedStorage, 'storage' | 'facts'>;
  /** The reports that wait to be stored. */
  readonly leftovers: readonly SpooledReport[];
}

/**
 * Returns a failed visit for each client that pushes and has been silent for three times its interval. Returns none
 * while the database is away, or if this collector did not run in that interval: no client could have pushed to a
 * machine that was off.
 */
export async function silentVisits({ run, prepared, leftovers }: SilentVisitsOptions): Promise<readonly VisitRecord[]> {
  const { storage, facts } = prepared;
  const { config, start, only } = run;
  const pushing = config.clients.filter(
    ({ name, state, arrival }) => arrival.kind === 'comes' && state !== 'retired' && (only === null || only.has(name)),
  );
  if (storage === null || facts === null || pushing.length === 0) return [];
  const nowMs = start.startedAtMs;
  const arrived = new Map(leftovers.map(({ client, receivedAtMs }) => [client, receivedAtMs]));
  const wasUp = new Map<number, boolean>();
  const silent: VisitRecord[] = [];
  for (const client of pushing) {
    const lastMs = lastHeardMs(facts.get(client.name), arrived.get(client.name) ?? 0);
    const limitMs = lateAfterMs(client, config.collector.everyMs);
    // A clock that went back does not make a client silent.
    if (nowMs - lastMs < limitMs) continue;
    const sinceMs = nowMs - limitMs;
    const byMs = nowMs - limitMs / 2;
    const ran = lastMs === 0 || (wasUp.get(limitMs) ?? (await ranMeanwhile(storage, { run: start, sinceMs, byMs })));
    wasUp.set(limitMs, ran);
    if (ran) silent.push(silentVisit(client, start, lastMs));
  }
  return silent;
}

/** Returns the time of a client's last report or push; 0 if it never pushed. */
function lastHeardMs(facts: ClientFacts | undefined, arrivedMs: number): number {
  // A push with a fault does not count as silence.
  const visitedMs = facts?.failedCode === silentCode ? 0 : (facts?.lastVisitAtMs ?? 0);
  return Math.max(arrivedMs, facts?.lastReportAtMs ?? 0, visitedMs);
}

function silentVisit(client: Client, start: CollectorRun['start'], lastMs: number): VisitRecord {
  const { name } = client;
  const since = lastMs === 0 ? 'has never pushed' : `has not pushed since ${new Date(lastMs).toISOString()}`;
  const message = `${name} ${since}, and should every ${formatDuration(pushIntervalMs(client) ?? 0)}`;
  return { ...failedVisit(client, start), stage: 'connect', code: silentCode, message };
}

/** Returns a client's last push if it failed, for people: its row is stored already. Returns null if it succeeded. */
export function failedPush(
  client: Client,
  start: CollectorRun['start'],
  facts: ClientFacts | undefined,
): VisitRecord | null {
  const { failedCode = null, lastVisitAtMs = null } = facts ?? {};
  // A client that is no longer silent has pushed.
  if (failedCode === null || failedCode === silentCode || lastVisitAtMs === null) return null;
  const message = `the last push of ${client.name}, of ${new Date(lastVisitAtMs).toISOString()}, failed`;
  return { ...failedVisit(client, start), stage: 'report', code: failedCode, message };
}

function failedVisit({ name, address }: Client, { id, startedAtMs }: CollectorRun['start']) {
  return {
    runId: id,
    client: name,
    address,
    startedAtMs,
    durationMs: 0,
    ok: false,
    connectMs: null,
    bytesIn: 0,
    bytesOut: 0,
    uploaded: false,
    reader: null,
    bootId: null,
    nextAttemptAtMs: null,
  } as const;
}
