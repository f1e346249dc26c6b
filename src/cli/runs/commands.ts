import { choice, defineCommand, flag, selection, wholeNumber } from '../command/define-command.ts';

export const collect = defineCommand({
  name: 'collect',
  help: 'visit the clients once and store what they report',
  example: 'fleet-health collect --group web --retry 1',
  parameters: {
    clients: selection.clients,
    dryRun: flag('--dry-run', 'visit and print, store and acknowledge nothing'),
    noOpen: flag('--no-open', 'store reports sealed, for `ingest` on the machine that has the private key'),
    group: selection.group,
    label: selection.label,
    concurrency: wholeNumber('--concurrency <n>', 'visits at a time', 1, 10_000),
    format: choice(
      '--format <form>',
      'table, or a log of key=value lines; default: table at a terminal, piped or not',
      ['table', 'log'],
    ),
    retry: wholeNumber('--retry <n>', 'try so often again what may succeed a moment later', 0, 10),
  },
  run: async (context, options) => (await import('./collect.ts')).collectCommand(context, options),
});
