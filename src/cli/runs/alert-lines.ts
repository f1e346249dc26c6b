import { droppedWords } from '../command/alert-words.ts';
import { overlappedFields } from '../command/lock-holder.ts';
import { createOutputLog, type Output } from '../terminal/output.ts';
import type { AlertView } from './run-view.ts';

/** Logs a `key=value` line for each event and one that sums up; quiet, only what prevented the pass. */
export function createAlertLineView(output: Output): AlertView {
  const log = createOutputLog(output);
  return {
    observe: (event) => {
      switch (event.kind) {
        case 'undelivered':
          return;
        case 'processed':
          log.event('judged', { reports: event.reports, visits: event.visits, more: event.more || undefined });
          return;
        case 'composed': {
          const { recipient, severity, items } = event.mail;
          log.event('composed', { recipient, severity, items: items.length, subject: event.subject });
          return;
        }
        case 'sent':
          log.event('sent', { recipient: event.recipient, message_id: event.messageId, where: event.where });
          return;
        case 'dropped':
          log.event('dropped', { recipient: event.recipient, message_id: event.messageId, message: droppedWords });
          return;
        case 'put-off':
        case 'refused':
          log.problem(event.kind, { recipient: event.recipient, message_id: event.messageId, message: event.error });
          return;
        case 'fault':
          log.problem('fault', { code: event.fault.code, message: event.fault.message, advice: event.fault.advice });
      }
    },
    end: (result) => {
      const { runId: run, outcome } = result;
      if (outcome === 'overlapped') {
        log.event('overlapped', overlappedFields(run, result.holder));
        return;
      }
      const { reports, visits, composed, sent, putOff, refused } = result;
      const durationMs = result.finishedAtMs - result.startedAtMs;
      const counts = { reports, visits, composed, sent, put_off: putOff, refused };
      log.event('summary', { run, outcome, ...counts, duration_ms: durationMs });
    },
  };
}
