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
  help: 'the fleet in a table, the worst first',
  example: "fleet-health status 'web-*' --sort disk",
  parameters: {
    clients: many(text('[client...]', 'only these clients or patterns')),
    group: selection.group,
    label: selection.label,
    ...narrowing,
    sort: withDefault(
      choice('--sort <by>', 'what stands first', ['urgency', 'name', 'report', 'cpu', 'memory', 'disk', 'alerts']),
      'urgency',
    ),
    watch: flag('--watch', 'show it anew after each run, on a terminal, until Ctrl-C'),
    exitStatus: flag(
      '--exit-status',
      'exit with 1 if a client shown is late or failing, an alert fires or a mail is not delivered',
    ),
  },
  run: async (context, options) => (await import('./status.ts')).statusCommand(context, options),
});
