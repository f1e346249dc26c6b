import { choice, defineCommand, flag, many, selection, text, withDefault } from '../command/define-command.ts';

export const status = defineCommand({
  name: 'status',
  help: 'the fleet in a table',
  example: "fleet-health status 'web-*' --sort disk",
  parameters: {
    clients: many(text('[client...]', 'only these clients or patterns')),
    group: selection.group,
    sort: withDefault(
      choice('--sort <by>', 'what stands first', ['urgency', 'name', 'report', 'cpu', 'memory', 'disk', 'alerts']),
      'urgency',
    ),
    exitStatus: flag(
      '--exit-status',
      'exit with 1 if a client shown is late or failing, an alert fires or a mail is not delivered',
    ),
  },
  run: async (context, options) => (await import('./status.ts')).statusCommand(context, options),
});
