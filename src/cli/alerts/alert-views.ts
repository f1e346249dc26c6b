import path from 'node:path';

import type { AlertEvent, AlertResult, DeliveryEvent } from '../../alerter/alert-options.ts';
import type { PendingNotification } from '../../alerter/dispatch/notification-plan.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import { outboxName } from '../../notify/file.ts';
import type { AppliedReply, ReplyResult } from '../../storage/store/reply-store.ts';
import { describeDuration } from '../../text/durations.ts';
import { counted } from '../../text/numbers.ts';
import { droppedWords, heldBackJson, heldBackText, knownWords, sentenceCase } from '../command/alert-words.ts';
import { complaintText, faultJson } from '../command/complain.ts';
import { holderJson, overlappedFields, overlappedText } from '../command/lock-holder.ts';
import { jsonFields } from '../terminal/json-fields.ts';
import { createOutputLog, type Output } from '../terminal/output.ts';
import { jsonTime, type ReaderTime } from '../terminal/reader-time.ts';
import type { RunView } from '../runs/run-view.ts';

export type AlertView = RunView<AlertEvent, AlertResult>;

interface AlertViewOptions {
  readonly dryRun: boolean;
  /** The folder for mails without <smtp>; null: there is a mail server. */
  readonly outbox: string | null;
  readonly time: ReaderTime;
}

/** Returns the view for the output: one JSON document, text for people, or lines for a log. */
export function createAlertView(output: Output, options: AlertViewOptions): AlertView {
  if (output.json) return jsonView(output, options);
  const forPeople = options.dryRun || (output.attended && output.verbosity !== 'quiet');
  return forPeople ? textView(output, options) : lineView(output, options);
}

/** A failed attempt to deliver a mail. */
type Untaken = Extract<DeliveryEvent, { readonly error: string }>;

/** Prints one JSON document at the end. docs/json.md describes the fields. */
function jsonView(output: Output, { dryRun, outbox }: AlertViewOptions): AlertView {
  const mails: object[] = [];
  const deliveries: object[] = [];
  const faults: object[] = [];
  const replies: object[] = [];
  let written = 0;
  const deliver = (event: DeliveryEvent): void => {
    const { kind, recipient, messageId } = event;
    const where = 'where' in event ? event.where : null;
    const error = 'error' in event ? event.error : null;
    const result = where !== null && where === outbox ? 'written' : kind.replace('-', '_');
    if (result === 'written') written += 1;
    deliveries.push({ recipient, message_id: messageId, result, where, error });
  };
  return {
    on: {
      composed: ({ mail: { recipient, severity, items }, subject, text }) => {
        mails.push({ recipient, severity, subject, items: items.map(itemJson), text });
      },
      sent: deliver,
      known: deliver,
      dropped: deliver,
      'put-off': deliver,
      refused: deliver,
      reply: ({ reply: { from, line, result, count } }) => {
        replies.push({ from, line, result: result.replace('-', '_'), count });
      },
      fault: ({ fault }) => void faults.push(faultJson(fault)),
    },
    end: ({ runId, outcome, exitStatus, startedAtMs, finishedAtMs, ...result }) => {
      const { reports, visits, composed, putOff, refused, more } = result;
      const sent = result.sent - written;
      const [holder, heldBack] = [holderJson(result.holder), heldBackJson(result.heldBack)];
      output.printJson({
        command: 'alert',
        ...jsonFields({ dryRun, runId, outcome, exitStatus, holder, startedAtMs, finishedAtMs }),
        ...jsonFields({ reports, visits, composed, sent, written, putOff, refused, more, heldBack }),
        mails,
        deliveries,
        replies,
        faults,
      });
    },
  };
}

function itemJson({ alertId, client, rule, subject, transition, severity }: PendingNotification): object {
  return { alert: alertId, client, rule, subject, transition, severity };
}

/** Logs a `key=value` line for each event and a summary. If quiet, prints only what prevented the pass. */
function lineView(output: Output, { outbox }: AlertViewOptions): AlertView {
  const log = createOutputLog(output);
  let written = 0;
  const complainOf = ({ kind, recipient, messageId, error }: Untaken): void =>
    log.problem(kind, { recipient, message_id: messageId, message: error });
  return {
    on: {
      processed: ({ reports, visits, more }) => log.event('processed', { reports, visits, more: more || undefined }),
      composed: ({ mail: { recipient, severity, items }, subject }) =>
        log.event('composed', { recipient, severity, items: items.length, subject }),
      sent: ({ recipient, messageId, where }) => {
        const isWritten = where === outbox;
        if (isWritten) written += 1;
        log.event(isWritten ? 'written' : 'sent', { recipient, message_id: messageId, where });
      },
      known: ({ recipient, messageId, sentAtMs }) =>
        log.event('known', { recipient, message_id: messageId, message: knownWords, sent: jsonTime(sentAtMs) }),
      dropped: ({ recipient, messageId }) =>
        log.event('dropped', { recipient, message_id: messageId, message: droppedWords }),
      'put-off': complainOf,
      refused: complainOf,
      reply: ({ reply: { from, line, result, count } }) =>
        log.event('reply', { from, line: line ?? undefined, result, count }),
      fault: ({ fault: { code, message, advice } }) => log.problem('fault', { code, message, advice }),
    },
    end: ({ runId: run, outcome, holder, startedAtMs, finishedAtMs, ...result }) => {
      if (outcome === 'overlapped') {
        log.event('overlapped', overlappedFields(run, holder));
        return;
      }
      const { reports, visits, composed, putOff, refused } = result;
      const sent = result.sent - written;
      const files = written === 0 ? {} : { written };
      const counts = { reports, visits, composed, sent, ...files, put_off: putOff, refused };
      log.event('summary', { run, outcome, ...counts, duration_ms: finishedAtMs - startedAtMs });
    },
  };
}

/** Prints for people who was notified of what. If verbose, and in a dry run, prints the mails too. */
function textView(output: Output, options: AlertViewOptions): AlertView {
  const { dryRun, outbox } = options;
  let written = 0;
  const showsMails = dryRun || output.verbosity === 'verbose';
  const complainOf = ({ kind, recipient, error }: Untaken): void => {
    const result = kind === 'refused' ? output.colour('red', 'refused') : output.colour('yellow', 'put off');
    output.print(`${result} for ${escapeControls(`${recipient}: ${error}`)}`);
  };
  return {
    on: {
      composed: ({ mail, subject, text }) => {
        output.print(`${output.colour('bold', `To ${escapeControls(mail.recipient)}`)}: ${escapeControls(subject)}`);
        if (showsMails) output.print(`\n${text.trimEnd().split(/\r?\n/).map(escapeControls).join('\n')}\n`);
      },
      sent: ({ recipient, messageId, where }) => {
        const isWritten = where === outbox;
        if (isWritten) written += 1;
        const file = path.join(where, outboxName(messageId));
        output.print(
          escapeControls(isWritten ? `written for ${recipient}: ${file}` : `sent to ${recipient}: ${where}`),
        );
      },
      known: ({ recipient }) => output.print(escapeControls(`not sent to ${recipient}: ${knownWords}`)),
      dropped: ({ recipient }) => output.print(escapeControls(`dropped for ${recipient}: ${droppedWords}`)),
      'put-off': complainOf,
      refused: complainOf,
      reply: ({ reply }) => output.print(escapeControls(replyText(reply))),
      fault: ({ fault }) => output.complain(complaintText(fault)),
    },
    end: (result) => {
      const { outcome, holder, startedAtMs } = result;
      const isOverlapped = outcome === 'overlapped';
      output.print(
        isOverlapped
          ? escapeControls(overlappedText('alert', holder, startedAtMs))
          : summaryText(output, { ...result, sent: result.sent - written, written }, options),
      );
    },
  };
}

const replyResults: Readonly<Record<Exclude<ReplyResult, 'acknowledged' | 'silenced'>, string>> = {
  automatic: 'ignored, a program sent it',
  unknown: 'ignored, no mail has its token',
  expired: 'ignored, its mail is older than 14 days',
  'not-understood': 'not understood; write ack, ack 4h or silence 1d as the first line',
  'nothing-open': 'nothing to do, nothing of its mail fires, or it has got worse since',
  over: 'nothing to do, the time that it names is over',
};

function replyText({ from, line, result, count }: AppliedReply): string {
  const outcome =
    result === 'acknowledged'
      ? `${counted(count, 'alert')} acknowledged`
      : result === 'silenced'
        ? `${counted(count, 'silence')} added`
        : replyResults[result];
  return `reply of ${from}${line === null ? '' : ` (${line})`}: ${outcome}`;
}

interface Summary extends AlertResult {
  /** The number of mails that were written to files, because there is no <smtp>. */
  readonly written: number;
}

function summaryText(output: Output, result: Summary, { dryRun, outbox, time }: AlertViewOptions): string {
  const { reports, visits, composed, sent, written, putOff, refused, more, outcome } = result;
  const mails = counted(composed, 'mail');
  const parts = [
    `${counted(reports, 'report')} and ${counted(visits, 'visit')} processed`,
    dryRun ? `${mails} would be ${outbox === null ? 'sent' : 'made'}` : `${mails} due`,
    dryRun || (sent === 0 && written > 0) ? '' : `${sent} sent`,
    written > 0 ? output.colour('yellow', `${written} written to files`) : '',
    putOff > 0 ? output.colour('yellow', `${putOff} put off`) : '',
    refused > 0 ? output.colour('red', `${refused} refused`) : '',
    outcome === 'interrupted' ? output.colour('red', 'interrupted') : '',
  ].filter((part) => part !== '');
  const sentences = [`${parts.join(', ')} in ${describeDuration(result.finishedAtMs - result.startedAtMs)}.`];
  if (result.heldBack.length > 0) sentences.push(`${sentenceCase(heldBackText(result.heldBack, time))}.`);
  sentences.push(
    dryRun
      ? 'Nothing was changed.'
      : 'This was a pass, which sends mails; `fleet-health alerts` lists the open alerts.',
  );
  if (more) sentences.push('More rows wait than a dry run looks at.');
  if (outbox !== null)
    sentences.push(`There is no <smtp>: mails only reach ${escapeControls(outbox)}, and nobody is sent them.`);
  return sentences.join(' ');
}
