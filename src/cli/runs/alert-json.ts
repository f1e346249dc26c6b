import type { AlertEvent } from '../../alerter/alert-options.ts';
import { heldBackJson } from '../command/alert-words.ts';
import { faultJson } from '../command/complain.ts';
import { holderJson } from '../command/lock-holder.ts';
import type { Output } from '../terminal/output.ts';
import { jsonTime } from '../terminal/reader-time.ts';
import type { AlertView, AlertViewOptions } from './run-view.ts';

/** Prints one JSON document at the end. docs/json.md describes its fields. */
export function createAlertJsonView(output: Output, { dryRun }: AlertViewOptions): AlertView {
  const mails: unknown[] = [];
  const deliveries: unknown[] = [];
  const faults: unknown[] = [];
  return {
    observe: (event) => {
      switch (event.kind) {
        case 'processed':
        case 'undelivered':
          return;
        case 'composed':
          mails.push(mailJson(event));
          return;
        case 'sent':
        case 'dropped':
        case 'put-off':
        case 'refused':
          deliveries.push({
            recipient: event.recipient,
            message_id: event.messageId,
            result: event.kind.replace('-', '_'),
            where: event.kind === 'sent' ? event.where : null,
            error: 'error' in event ? event.error : null,
          });
          return;
        case 'fault':
          faults.push(faultJson(event.fault));
      }
    },
    end: (result) =>
      output.printJson({
        command: 'alert',
        dry_run: dryRun,
        run_id: result.runId,
        outcome: result.outcome,
        exit_status: result.exitStatus,
        holder: holderJson(result.holder),
        started_at: jsonTime(result.startedAtMs),
        finished_at: jsonTime(result.finishedAtMs),
        reports: result.reports,
        visits: result.visits,
        composed: result.composed,
        sent: result.sent,
        put_off: result.putOff,
        refused: result.refused,
        more: result.more,
        held_back: heldBackJson(result.heldBack),
        mails,
        deliveries,
        faults,
      }),
  };
}

function mailJson({ mail, subject, text }: Extract<AlertEvent, { readonly kind: 'composed' }>): unknown {
  return {
    recipient: mail.recipient,
    severity: mail.severity,
    subject,
    items: mail.items.map((item) => ({
      alert: item.alertId,
      client: item.client,
      rule: item.rule,
      subject: item.subject,
      transition: item.transition,
      severity: item.severity,
    })),
    text,
  };
}
