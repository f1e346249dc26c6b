import path from 'node:path';

import type { AlertResult } from '../../alerter/alert-options.ts';
import { escapeControls } from '../../log.ts';
import { outboxName } from '../../notify/file.ts';
import { describeDuration } from '../../text/durations.ts';
import { counted } from '../../text/numbers.ts';
import { droppedWords, heldBackText, sentenceCase } from '../command/alert-words.ts';
import { complaintText } from '../command/complain.ts';
import { overlappedText } from '../command/lock-holder.ts';
import type { Output } from '../terminal/output.ts';
import type { AlertView, AlertViewOptions } from './run-view.ts';

/** Prints for people who was told of what; verbose and in a dry run also the mails. */
export function createAlertTextView(output: Output, options: AlertViewOptions): AlertView {
  const { dryRun, outbox } = options;
  const showsMails = dryRun || output.verbosity === 'verbose';
  return {
    observe: (event) => {
      switch (event.kind) {
        case 'processed':
        case 'undelivered':
          return;
        case 'composed':
          output.print(
            `${output.colour('bold', `To ${escapeControls(event.mail.recipient)}`)}: ${escapeControls(event.subject)}`,
          );
          if (showsMails) output.print(`\n${linesOf(event.text)}\n`);
          return;
        case 'sent': {
          const where = event.where === outbox ? path.join(outbox, outboxName(event.messageId)) : event.where;
          output.print(escapeControls(`sent to ${event.recipient}: ${where}`));
          return;
        }
        case 'dropped':
          output.print(escapeControls(`dropped for ${event.recipient}: ${droppedWords}`));
          return;
        case 'put-off':
        case 'refused': {
          const result =
            event.kind === 'refused' ? output.colour('red', 'refused') : output.colour('yellow', 'put off');
          output.print(`${result} for ${escapeControls(`${event.recipient}: ${event.error}`)}`);
          return;
        }
        case 'fault':
          output.complain(complaintText(event.fault));
      }
    },
    end: (result) => {
      if (result.outcome === 'overlapped') {
        output.print(escapeControls(overlappedText('alert', result.holder, result.startedAtMs)));
        return;
      }
      output.print(summaryText(output, result, options));
    },
  };
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
