import type { CollectEvent, CollectResult } from '../../collector/collect-options.ts';
import type { Log, LogFields } from '../../log.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import { complaintText } from '../command/complain.ts';
import { overlappedFields } from '../command/lock-holder.ts';
import { createOutputLog, type Output } from '../terminal/output.ts';
import { jsonTime } from '../terminal/reader-time.ts';
import { adviceFor } from './advice.ts';
import type { CollectView } from './run-view.ts';

/** Logs a `key=value` line for each event and one that sums up; quiet, only faults of the run. */
export function createLineView(output: Output): CollectView {
  const log = createOutputLog(output);
  return {
    observe: (event) => {
      // A fault is a line in the format of every other complaint, at every log level.
      if (event.kind === 'fault') output.complain(complaintText(event.fault));
      else logEvent(log, event);
    },
    end: (result) => logEnd(log, result),
  };
}

function logEvent(log: Log, event: Exclude<CollectEvent, { readonly kind: 'fault' }>): void {
  switch (event.kind) {
    case 'started':
      log.event('started', { run: event.runId, clients: event.clients, skipped: event.skipped });
      break;
    case 'skipped': {
      const { client, code, nextAttemptAtMs } = event;
      log.event('skipped', { client, code, next_attempt: jsonTime(nextAttemptAtMs) });
      break;
    }
    case 'visiting':
      log.detail('visiting', { client: event.client });
      break;
    case 'visited':
      if (event.visit.ok) log.event('visited', visitFields(event.visit));
      else log.problem('failed', visitFields(event.visit));
      break;
    case 'postponed':
      log.event('postponed', visitFields(event.visit));
      break;
    case 'report':
      log.event('report', { client: event.client, report: JSON.stringify(event.report) });
      break;
    case 'quarantined':
      log.problem('quarantined', { client: event.client, code: event.code, message: event.message });
      break;
    case 'note':
      log.event('note', { message: event.message });
      break;
  }
}

function logEnd(log: Log, result: CollectResult): void {
  if (result.outcome === 'overlapped') {
    log.event('overlapped', overlappedFields(result.runId, result.holder));
    return;
  }
  const { stored, duplicate, quarantined, waiting } = result.reports;
  log.event('summary', {
    run: result.runId,
    outcome: result.outcome,
    clients: result.clients,
    succeeded: result.succeeded,
    failed: result.failed,
    skipped: result.skipped,
    stored,
    duplicate,
    quarantined,
    waiting,
    duration_ms: result.finishedAtMs - result.startedAtMs,
  });
}

function visitFields(visit: VisitRecord): LogFields {
  return {
    client: visit.client,
    code: visit.code ?? undefined,
    stage: visit.stage ?? undefined,
    message: visit.message ?? undefined,
    advice: visit.advice ?? adviceFor(visit.code, [visit.client]) ?? undefined,
    duration_ms: visit.durationMs,
    uploaded: visit.uploaded || undefined,
  };
}
