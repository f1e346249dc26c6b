import { importKinds } from '../../import/import.ts';
import { defineCommand, flag, text, withDefault } from '../command/define-command.ts';

export const importCommand = defineCommand({
  name: 'import',
  help: 'clients for config.xml from the list of machines that you have',
  example: 'fleet-health import ansible inventory.yml -o clients.d/ansible.xml',
  parameters: {
    kind: text('<kind>', `what the list is: ${importKinds.join(', ')}`),
    file: text('[file]', 'the list; - or nothing: standard input'),
    out: text('-o, --out <file>', 'write a file for <include> instead; one that exists is left alone'),
    update: {
      ...text('--update <file>', 'say what is new, gone and changed since this file, and write nothing'),
      conflicts: ['out'],
    },
  },
  run: async (context, options) => (await import('./import.ts')).importHostsCommand(context, options),
});

export const crontab = defineCommand({
  name: 'crontab',
  help: 'the lines that start collector and alerter here',
  example: 'fleet-health crontab --install',
  parameters: {
    install: {
      ...flag('--install', "put them into this account's crontab, which is kept as it was"),
      conflicts: ['remove', 'cronD'],
    },
    remove: { ...flag('--remove', 'take them out of it'), conflicts: ['cronD'] },
    cronD: text('--cron-d <user>', 'lines for a file of /etc/cron.d, which this account runs'),
    mailTo: withDefault(text('--mail-to <address>', 'who gets what prevents a run'), 'root'),
  },
  run: async (context, options) => (await import('./crontab.ts')).crontabCommand(context, options),
});
