import type { RunFact } from '../../storage/store/run.ts';
import { heldBackJson } from '../command/alert-words.ts';
import { jsonFields } from '../terminal/json-fields.ts';
import { jsonTime } from '../terminal/reader-time.ts';
import type { FleetMember, FleetStatus } from '../../look/fleet-status.ts';
import { sealedJson } from './sealed-words.ts';

/** The document of `status`. docs/json.md describes its fields. */
export function statusJson(
  { members, unlisted, lastRun, lastPass, lastIngest, alerting, sealed }: FleetStatus,
  nowMs: number,
): object {
  const { firing, critical, ofFleet, undelivered, held } = alerting;
  return {
    command: 'status',
    at: jsonTime(nowMs),
    last_run: runJson(lastRun, ({ clients, succeeded, failed }) => ({ clients, succeeded, failed })),
    last_pass: runJson(lastPass),
    last_ingest: runJson(lastIngest),
    sealed: sealedJson(sealed),
    alerts: { firing, critical, fleet: ofFleet },
    undelivered: jsonFields(undelivered),
    silences: held.filter(({ silence }) => silence !== null).length,
    held_back: heldBackJson(held),
    unlisted: unlisted.length,
    unlisted_clients: unlisted.map(({ client, lastVisitAtMs, namesake }) => ({
      client,
      last_visit_at: jsonTime(lastVisitAtMs),
      same_address: namesake,
    })),
    clients: members.map(memberJson),
  };
}

function runJson(run: RunFact | null, counts: (run: RunFact) => object = () => ({})): object | null {
  if (run === null) return null;
  const { id: runId, outcome, startedAtMs, finishedAtMs } = run;
  return { ...jsonFields({ runId, outcome, startedAtMs, finishedAtMs }), ...counts(run) };
}

function memberJson({ client, address, state, known, reportAgeMs, ...alerts }: FleetMember): unknown {
  return {
    client,
    address,
    state,
    last_visit_at: jsonTime(known?.lastVisitAtMs ?? null),
    last_report_at: jsonTime(known?.lastReportAtMs ?? null),
    observed_at: jsonTime(known?.observedAtMs ?? null),
    report_age_s: reportAgeMs === null ? null : Math.round(reportAgeMs / 1000),
    next_attempt_at: jsonTime(known?.nextAttemptAtMs ?? null),
    consecutive_failures: known?.consecutiveFailures ?? 0,
    reader: known?.reader ?? null,
    hostname: known?.hostname ?? null,
    os: known?.os ?? null,
    uptime_s: known?.uptimeSeconds ?? null,
    cpu_percent: known?.cpuPercent ?? null,
    memory_percent: known?.memoryPercent ?? null,
    disk_percent: known?.diskPercent ?? null,
    disk_mount: known?.diskMount ?? null,
    load5: known?.load5 ?? null,
    open_alerts: alerts.openAlerts,
    worst_alert: alerts.worstAlert,
    at_limit: alerts.beyond,
    error: typeof known?.errorCode === 'string' ? { code: known.errorCode, message: known.errorMessage } : null,
  };
}
