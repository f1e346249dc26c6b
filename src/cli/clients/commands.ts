import { defineCommand } from '../command/define-command.ts';
import { authorizeParameters, cleanupParameters, spoolParameters } from './parameters.ts';

export const authorize = defineCommand({
  name: 'authorize',
  help: 'print the authorized_keys line of a key that can only run the agent on a client',
  example: 'fleet-health authorize web-1 --script | ssh root@web-1 sh',
  parameters: authorizeParameters,
  run: async (context, options) => (await import('./authorize.ts')).authorizeCommand(context, options),
});

export const spool = defineCommand({
  name: 'spool',
  help: 'print the crontab line with which a client makes reports while no collector visits it',
  example: 'fleet-health spool web-1 --script | ssh monitor@web-1 sh',
  parameters: spoolParameters,
  run: async (context, options) => (await import('./spool.ts')).spoolCommand(context, options),
});

export const cleanup = defineCommand({
  name: 'cleanup',
  help: 'remove all files of fleet-health from clients',
  example: 'fleet-health cleanup web-1 --yes',
  parameters: cleanupParameters,
  run: async (context, options) => (await import('./cleanup.ts')).cleanupCommand(context, options),
});
