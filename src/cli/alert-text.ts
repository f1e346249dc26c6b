import type { AlertResult } from '../alerter/alert-options.ts';
import { escapeControls } from '../log.ts';
import type { AlertView, AlertViewOptions } from './alert.ts';
import { complaintText } from './complain.ts';
import { describeDuration } from './duration.ts';
import type { Output } from './output.ts';

/** For people: what was told to whom; in a dry run the mails themselves. */
export function createAlertTextView(output: Output, options: AlertViewOptions): AlertView {
  return {
    observe: (event) => {
      switch (event.kind) {
        case 'judged':
          return;
        case 'composed':
          output.print(
            `${output.colour('bold', `To ${escapeControls(event.mail.recipient)}`)}: ${escapeControls(event.subject)}`,
          );
          if (options.dryRun) output.print(`\n${linesOf(event.text)}\n`);
          return;
        case 'sent':
          output.print(escapeControls(`sent to ${event.recipient}: ${event.where}`));
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
        output.print('Another alert is running already, here or on another machine.');
        return;
      }
      output.print(summaryText(output, result, options));
    },
  };
}

function linesOf(text: string): string {
  return text.trimEnd().split(/\r?\n/).map(escapeControls).join('\n');
}

function summaryText(output: Output, result: AlertResult, { dryRun, toOutboxOnly }: AlertViewOptions): string {
  const { reports, visits, composed, sent, putOff, refused, more, outcome } = result;
  const mails = `${composed} ${composed === 1 ? 'mail' : 'mails'}`;
  const parts = [
    `${reports} reports and ${visits} visits judged`,
    dryRun ? `${mails} would be sent` : `${mails} due, ${sent} sent`,
    putOff > 0 ? output.colour('yellow', `${putOff} put off`) : '',
    refused > 0 ? output.colour('red', `${refused} refused`) : '',
    outcome === 'interrupted' ? output.colour('red', 'interrupted') : '',
  ].filter((part) => part !== '');
  const sentences = [`${parts.join(', ')} in ${describeDuration(result.finishedAtMs - result.startedAtMs)}.`];
  if (dryRun) sentences.push('Nothing was changed.');
  if (more) sentences.push('More rows wait than a dry run looks at.');
  if (toOutboxOnly) sentences.push('There is no <smtp>: mails only reach outbox/ in the state folder.');
  return sentences.join(' ');
}
