import path from 'node:path';

import type { AlertResult } from '../../alerter/alert-options.ts';
import { counted } from '../../text/numbers.ts';
import { describeDuration } from '../../text/durations.ts';
import { escapeControls } from '../../log.ts';
import { outboxName } from '../../notify/file.ts';
import { droppedWords, heldBackText, sentenceCase } from '../command/alert-words.ts';
import { complaintText } from '../command/complain.ts';
import type { Output } from '../terminal/output.ts';
import type { AlertView, AlertViewOptions } from './alert-view.ts';

/** For people: what was told to whom; verbose and in a dry run the mails themselves. */
export function createAlertTextView(output: Output, options: AlertViewOptions): AlertView {
  const { dryRun, outbox } = options;
  const showsMails = dryRun || output.verbosity === 'verbose';
  return {
    observe: (event) => {
      switch (event.kind) {
        case 'judged':
        case 'undelivered':
          return;
        case 'composed':
          output.print(
            `${output.colour('bold', `To ${escapeControls(event.mail.recipient)}`)}: ${escapeControls(event.subject)}`,
          );
          if (showsMails) output.print(`\n${linesOf(event.text)}\n`);
          return;
        case 'sent':
          {
            const where = event.where === outbox ? path.join(outbox, outboxName(event.messageId)) : event.where;
            output.print(escapeControls(`sent to ${event.recipient}: ${where}`));
          }
          return;
        case 'dropped':
          output.print(escapeControls(`dropped for ${event.recipient}: ${droppedWords}`));
          return;
        case 'put-off':
          output.print(
            `${output.colour('yellow', 'put off')} for ${escapeControls(`${event.recipient}: ${event.error}`)}`,
          );
          return;
        case 'refused':
          output.print(
            `${output.colour('red', 'refused')} for ${escapeControls(`${event.recipient}: ${event.error}`)}`,
          );
          return;
        case 'fault':
          output.complain(complaintText(event.fault));
      }
    },
    end: (result) => {
      if (result.outcome === 'overlapped') {
        output.print(escapeControls(`Another alert is running already (${holderText(result)}).`));
        return;
      }
      output.print(summaryText(output, result, options));
    },
  };
}

function holderText({ holder, startedAtMs }: AlertResult): string {
  if (holder === null) return 'here or on another machine';
  const since = holder.startedAtMs === null ? '' : `, since ${describeDuration(startedAtMs - holder.startedAtMs)}`;
  return `process ${holder.pid} on ${holder.host}${since}`;
}

function linesOf(text: string): string {
  return text.trimEnd().split(/\r?\n/).map(escapeControls).join('\n');
}

function summaryText(output: Output, result: AlertResult, { dryRun, outbox, time }: AlertViewOptions): string {
  const { reports, visits, composed, sent, putOff, refused, more, outcome } = result;
  const mails = counted(composed, 'mail');
  const parts = [
    `${counted(reports, 'report')} and ${counted(visits, 'visit')} judged`,
    dryRun ? `${mails} would be sent` : `${mails} due, ${sent} sent`,
    putOff > 0 ? output.colour('yellow', `${putOff} put off`) : '',
    refused > 0 ? output.colour('red', `${refused} refused`) : '',
    outcome === 'interrupted' ? output.colour('red', 'interrupted') : '',
  ].filter((part) => part !== '');
  const sentences = [`${parts.join(', ')} in ${describeDuration(result.finishedAtMs - result.startedAtMs)}.`];
  if (result.heldBack.length > 0) sentences.push(`${sentenceCase(heldBackText(result.heldBack, time))}.`);
  if (dryRun) sentences.push('Nothing was changed.');
  if (more) sentences.push('More rows wait than a dry run looks at.');
  if (outbox !== null) sentences.push(`There is no <smtp>: mails only reach ${escapeControls(outbox)}.`);
  return sentences.join(' ');
}
