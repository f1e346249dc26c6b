import type { VisitRecord } from '../../storage/store/storage.ts';
import { faultJson } from '../command/complain.ts';
import { holderJson } from '../command/lock-holder.ts';
import type { Output } from '../terminal/output.ts';
import { jsonTime } from '../terminal/reader-time.ts';
import { adviceFor } from './advice.ts';
import type { CollectView } from './run-view.ts';

/** Prints one JSON document at the end. docs/json.md describes its fields. */
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
        holder: holderJson(result.holder),
        started_at: jsonTime(result.startedAtMs),
        finished_at: jsonTime(result.finishedAtMs),
        clients: result.clients,
        succeeded: result.succeeded,
        failed: result.failed,
        skipped: result.skipped,
        reports: result.reports,
        skipped_clients: skipped,
        visits: visits.map(visitJson),
        quarantined,
        faults: result.faults.map(faultJson),
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
    started_at: jsonTime(visit.startedAtMs),
    duration_ms: visit.durationMs,
    connect_ms: visit.connectMs,
    bytes_in: visit.bytesIn,
    bytes_out: visit.bytesOut,
    uploaded: visit.uploaded,
    reader: visit.reader,
  };
}
