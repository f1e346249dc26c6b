import { droppedWords } from '../command/alert-words.ts';
import { createOutputLog } from '../terminal/output-log.ts';
import type { Output } from '../terminal/output.ts';
import type { AlertView } from './alert-view.ts';

/** For cron and logs: one `key=value` line an event and one that sums up; quiet, only what prevented the pass. */
export function createAlertLineView(output: Output, now: () => number): AlertView {
  const log = createOutputLog(output, now);
  return {
    observe: (event) => {
      switch (event.kind) {
        case 'undelivered':
          return;
        case 'judged':
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
        const { pid = null, host = null, startedAtMs = null } = result.holder ?? {};
        log.event('overlapped', {
          run,
          holder_pid: pid,
          holder_host: host,
          holder_since: startedAtMs === null ? null : new Date(startedAtMs).toISOString(),
        });
        return;
      }
      const { reports, visits, composed, sent, putOff, refused } = result;
      const durationMs = result.finishedAtMs - result.startedAtMs;
      const counts = { reports, visits, composed, sent, put_off: putOff, refused };
      log.event('summary', { run, outcome, ...counts, duration_ms: durationMs });
    },
  };
}
