import { defineCommand } from '../command/define-command.ts';
import { completeWith } from './completion-command.ts';
import { crontabParameters, importParameters, initParameters } from './parameters.ts';

export const init = defineCommand({
  name: 'init',
  help: 'write a first config.xml from the answers to five questions',
  example: 'fleet-health init --mail-to ops@example.org --clients web-1,db-1=192.0.2.7',
  parameters: initParameters,
  run: async (context, options) => (await import('./init.ts')).initCommand(context, options),
});

export const importCommand = defineCommand({
  name: 'import',
  help: 'convert a list of machines to clients for config.xml',
  example: 'fleet-health import ansible inventory.yml -o clients.d/ansible.xml',
  parameters: importParameters,
  run: async (context, options) => (await import('./import.ts')).importHostsCommand(context, options),
});

export const crontab = defineCommand({
  name: 'crontab',
  help: 'print the lines or systemd units that start collector and alerter on this machine',
  example: 'fleet-health crontab --install',
  parameters: crontabParameters,
  run: async (context, options) => (await import('./crontab.ts')).crontabCommand(context, options),
});

export const complete = completeWith(async (kind, context) =>
  (await import('./config-names.ts')).configNames(kind, context),
);
