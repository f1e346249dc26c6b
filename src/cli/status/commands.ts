import {
  choice,
  defineCommand,
  flag,
  many,
  narrowing,
  selection,
  text,
  withDefault,
} from '../command/define-command.ts';

export const status = defineCommand({
  name: 'status',
  help: 'print the fleet as a table, the worst first',
  example: "fleet-health status 'web-*' --sort disk",
  parameters: {
    clients: many(text('[client...]', 'only these clients or patterns')),
    group: selection.group,
    label: selection.label,
    ...narrowing,
    sort: withDefault(
      choice('--sort <by>', 'the order', ['urgency', 'name', 'report', 'cpu', 'memory', 'disk', 'alerts']),
      'urgency',
    ),
    watch: flag('--watch', 'refresh the table on the terminal after each run, until Ctrl-C'),
    exitStatus: flag(
      '--exit-status',
      'exit with 1 if a listed client is late or failing, an alert fires or a mail is undelivered',
    ),
  },
  run: async (context, options) => (await import('./status.ts')).statusCommand(context, options),
});
