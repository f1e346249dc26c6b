/** src/cli/status: `status`. */
import { defineCommand } from '../command/define-command.ts';
import { statusParameters } from './parameters.ts';

export const status = defineCommand({
  name: 'status',
  help: 'print the fleet as a table, the worst first',
  example: "fleet-health status 'web-*' --sort disk",
  parameters: statusParameters,
  run: async (context, options) => (await import('./status.ts')).statusCommand(context, options),
});
