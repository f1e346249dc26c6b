/** src/cli/trust: `trust`. */
import { defineCommand } from '../command/define-command.ts';
import { trustParameters } from './parameters.ts';

export const trust = defineCommand({
  name: 'trust',
  help: 'fetch host keys, show their fingerprints, and store them after a question',
  example: 'fleet-health trust web-1 web-2',
  parameters: trustParameters,
  run: async (context, options) => (await import('./trust.ts')).trustCommand(context, options),
});
