import { choice, defineCommand, flag, selection, wholeNumber } from '../command/define-command.ts';

export const collect = defineCommand({
  name: 'collect',
  help: 'visit the clients once, and store their reports',
  example: 'fleet-health collect --group web --retry 1',
  parameters: {
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
  },
  run: async (context, options) => (await import('./collect.ts')).collectCommand(context, options),
});
