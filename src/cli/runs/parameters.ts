import { choice, flag, selection, text, wholeNumber } from '../command/define-command.ts';

export const collectParameters = {
  clients: selection.clients,
  dryRun: flag('--dry-run', 'visit and print, but store and acknowledge nothing'),
  noOpen: flag('--no-open', 'store reports sealed, for `ingest` on the machine that has the private key'),
  group: selection.group,
  label: selection.label,
  concurrency: wholeNumber('--concurrency <n>', 'the number of simultaneous visits', 1, 10_000),
  format: choice(
    '--format <form>',
    'table, or a log of key=value lines (default: table on a terminal or in its pipe)',
    ['table', 'log'],
  ),
  retry: wholeNumber('--retry <n>', 'the number of retries after faults that may pass', 0, 10),
  every: text(
    '--every <duration>',
    'keep running, and begin a run at this interval, where there is no cron: 10s to 1d',
  ),
} as const;
