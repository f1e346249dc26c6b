import { adviceFor } from './advice.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import type { CollectView } from './collect-view.ts';
import type { Output } from '../terminal/output.ts';
import { jsonTime } from '../terminal/reader-time.ts';

/** For programs: one document at the end; its fields are described in docs/json.md. */
export function createJsonView(output: Output): CollectView {
  const visits: VisitRecord[] = [];
  const reports: unknown[] = [];
  const skipped: unknown[] = [];
  const quarantined: unknown[] = [];
  return {
    observe: (event) => {
      if (event.kind === 'visited') visits.push(event.visit);
      if (event.kind === 'skipped') {
        const { client, code, nextAttemptAtMs } = event;
        skipped.push({ client, code, next_attempt_at: jsonTime(nextAttemptAtMs) });
      }
      if (event.kind === 'report') reports.push(event.report);
      if (event.kind === 'quarantined') {
        quarantined.push({ client: event.client, code: event.code, message: event.message });
      }
    },
    end: (result) =>
      output.printJson({
        command: 'collect',
        run_id: result.runId,
        outcome: result.outcome,
        exit_status: result.exitStatus,
        holder: result.holder === null ? null : { pid: result.holder.pid, since: jsonTime(result.holder.startedAtMs) },
        started_at: new Date(result.startedAtMs).toISOString(),
        finished_at: new Date(result.finishedAtMs).toISOString(),
        clients: result.clients,
        succeeded: result.succeeded,
        failed: result.failed,
        skipped: result.skipped,
        reports: result.reports,
        skipped_clients: skipped,
        visits: visits.map(visitJson),
        quarantined,
        faults: result.faults.map(({ code, stage, message, advice }) => ({ code, stage, message, advice })),
        ...(reports.length > 0 ? { opened: reports } : {}),
      }),
  };
}

function visitJson(visit: VisitRecord): unknown {
  const { code } = visit;
  return {
    client: visit.client,
    address: visit.address,
    ok: visit.ok,
    stage: visit.stage,
    code,
    message: visit.message,
    advice: visit.advice ?? adviceFor(code, [visit.client]),
    started_at: new Date(visit.startedAtMs).toISOString(),
    duration_ms: visit.durationMs,
    connect_ms: visit.connectMs,
    bytes_in: visit.bytesIn,
    bytes_out: visit.bytesOut,
    uploaded: visit.uploaded,
    reader: visit.reader,
  };
}
