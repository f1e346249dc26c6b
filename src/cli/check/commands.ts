import { defineCommand } from '../command/define-command.ts';
import { checkParameters } from './parameters.ts';

export const check = defineCommand({
  name: 'check',
  help: 'validate config.xml, and print who is notified of what',
  example: 'fleet-health check --connect',
  parameters: checkParameters,
  run: async (context, options) =>
    options.clients.length > 0
      ? (await import('./check-routes.ts')).checkRoutesCommand(context, options)
      : (await import('./check.ts')).checkCommand(context, options),
});
