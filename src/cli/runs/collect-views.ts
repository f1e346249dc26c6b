import type { CollectEvent, CollectResult } from '../../collector/collect-options.ts';
import { isOwnFault } from '../../platform/errors/errors.ts';
import type { LogFields } from '../../platform/errors/log.ts';
import { restoredRows } from '../../storage/store/run.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import { adviceFor } from '../../text/advice.ts';
import { complaintText, faultJson } from '../command/complain.ts';
import { holderJson, overlappedFields } from '../command/lock-holder.ts';
import { jsonFields } from '../terminal/json-fields.ts';
import { createOutputLog, type Output } from '../terminal/output.ts';
import type { ReaderTime } from '../terminal/reader-time.ts';
import { skippedLog } from './not-visited.ts';
import type { RunView } from './run-view.ts';

export type CollectView = RunView<CollectEvent, CollectResult>;

/** Returns the view for the output: one JSON document, a progress bar and a table, or lines for a log. */
export async function createCollectView(
  output: Output,
  format: 'table' | 'log' | null,
  time: ReaderTime,
): Promise<CollectView> {
  if (output.json) return jsonView(output);
  const usual = output.attended && output.verbosity === 'normal' ? 'table' : 'log';
  if ((format ?? usual) === 'log' || output.verbosity === 'quiet') return lineView(output);
  // Loaded here, because most runs have no reader, and measuring the columns of a table takes 10 ms to begin with.
  return (await import('./collect-table.ts')).tableView(output, time);
}

/** Prints one JSON document at the end. docs/json.md describes the fields. */
function jsonView(output: Output): CollectView {
  const visits: object[] = [];
  const reports: object[] = [];
  const skipped: object[] = [];
  const quarantined: object[] = [];
  return {
    on: {
      visited: ({ visit }) => void visits.push(visitJson(visit)),
      skipped: ({ client, code, nextAttemptAtMs, reason }) =>
        void skipped.push(jsonFields({ client, code, nextAttemptAtMs, reason })),
      report: ({ report }) => void reports.push(report),
      quarantined: ({ client, code, message }) => void quarantined.push({ client, code, message }),
    },
    end: ({ runId, outcome, exitStatus, startedAtMs, finishedAtMs, clients, succeeded, failed, ...result }) =>
      output.printJson({
        command: 'collect',
        ...jsonFields({ runId, outcome, exitStatus, holder: holderJson(result.holder), startedAtMs, finishedAtMs }),
        ...jsonFields({ clients, succeeded, failed, skipped: result.skipped, reports: result.reports }),
        restored: restoredJson(result.restored),
        skipped_clients: skipped,
        visits,
        quarantined,
        faults: result.faults.map(faultJson),
        ...(reports.length > 0 ? { opened: reports } : {}),
      }),
  };
}

function visitJson(visit: VisitRecord): object {
  const { client, address, ok, stage, code, message, startedAtMs, durationMs, connectMs, uploaded, reader } = visit;
  const advice = visit.advice ?? adviceFor(code, [client]);
  const { bytesIn, bytesOut } = visit;
  return {
    ...jsonFields({ client, address, ok, stage, code, message, advice, startedAtMs, durationMs, connectMs }),
    ...jsonFields({ bytesIn, bytesOut, uploaded, reader }),
  };
}

function restoredJson(restored: CollectResult['restored']): object | null {
  if (restored === null) return null;
  const { reports, records, fromMs, toMs, note } = restored;
  return jsonFields({ reports, records, fromMs, toMs, note });
}

/** Logs a `key=value` line for each event and a summary. If quiet, prints only faults of the run. */
function lineView(output: Output): CollectView {
  const log = createOutputLog(output);
  const skips = skippedLog(log, output.verbosity);
  return {
    on: {
      started: ({ runId, clients, skipped }) => log.event('started', { run: runId, clients, skipped }),
      skipped: skips.log,
      visiting: ({ client }) => log.detail('visiting', { client }),
      visited: ({ visit }) => {
        if (visit.ok) log.event('visited', visitFields(visit));
        // A fault of the run has their number and their reason.
        else if (isOwnFault(visit.code)) log.detail('failed', visitFields(visit));
        else log.problem('failed', visitFields(visit));
      },
      postponed: ({ visit }) => {
        if (isOwnFault(visit.code)) log.detail('postponed', visitFields(visit));
        else log.event('postponed', visitFields(visit));
      },
      report: ({ client, report }) => log.event('report', { client, report: JSON.stringify(report) }),
      quarantined: ({ client, code, message }) => log.problem('quarantined', { client, code, message }),
      note: ({ message }) => log.event('note', { message }),
      // A fault is a line in the format of every other complaint, at every log level.
      fault: ({ fault }) => output.complain(complaintText(fault)),
    },
    end: ({ runId: run, outcome, holder, reports, startedAtMs, finishedAtMs, ...result }) => {
      if (outcome === 'overlapped') {
        log.event('overlapped', overlappedFields(run, holder));
        return;
      }
      skips.end();
      const { clients, succeeded, failed, skipped } = result;
      const restored = restoredRows(result.restored) || undefined;
      const counts = { clients, succeeded, failed, skipped, ...reports, restored };
      log.event('summary', { run, outcome, ...counts, duration_ms: finishedAtMs - startedAtMs });
    },
  };
}

function visitFields({ client, code, stage, message, advice, durationMs, uploaded }: VisitRecord): LogFields {
  return {
    client,
    code: code ?? undefined,
    stage: stage ?? undefined,
    message: message ?? undefined,
    advice: advice ?? adviceFor(code, [client]) ?? undefined,
    duration_ms: durationMs,
    uploaded: uploaded || undefined,
  };
}
