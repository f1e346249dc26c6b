import { importKinds } from '../../import/import-kinds.ts';
import { choice, defineCommand, flag, optionalText, text, withDefault } from '../command/define-command.ts';

export const init = defineCommand({
  name: 'init',
  help: 'write a first config.xml from the answers to five questions',
  example: 'fleet-health init --mail-to ops@example.org --clients web-1,db-1=192.0.2.7',
  parameters: {
    mailTo: text('--mail-to <addresses>', 'who is notified of alerts'),
    smtp: text('--smtp <host>', 'the mail server, HOST or HOST:PORT; none: mails stay in outbox/ (default: localhost)'),
    login: text('--login <account>', 'the account on the machines, or ACCOUNT:PRIVATE_KEY (default: this one)'),
    clients: text('--clients <names>', 'NAME or NAME=ADDRESS, with commas; local; or a file that import wrote'),
    dir: text('--dir <folder>', 'the folder for config.xml (default: for root /etc/fleet-health, else here)'),
  },
  run: async (context, options) => (await import('./init.ts')).initCommand(context, options),
});

export const importCommand = defineCommand({
  name: 'import',
  help: 'clients for config.xml from the list of machines that you have',
  example: 'fleet-health import ansible inventory.yml -o clients.d/ansible.xml',
  parameters: {
    kind: choice('<kind>', 'what the list is', importKinds),
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
  help: 'the lines that start collector and alerter here, or units of systemd',
  example: 'fleet-health crontab --install',
  parameters: {
    install: {
      ...flag('--install', "put them into this account's crontab, which is kept as it was"),
      conflicts: ['remove', 'cronD', 'systemd'],
    },
    remove: { ...flag('--remove', 'take them out of it'), conflicts: ['cronD', 'systemd'] },
    cronD: text('--cron-d <user>', 'lines for a file of /etc/cron.d, which this account runs'),
    systemd: {
      ...optionalText('--systemd [dir]', 'units for systemd instead, as files of this folder or printed'),
      conflicts: ['cronD'],
    },
    mailTo: withDefault(text('--mail-to <address>', 'who gets what prevents a run'), 'root'),
  },
  run: async (context, options) => (await import('./crontab.ts')).crontabCommand(context, options),
});

export const complete = defineCommand({
  name: 'complete',
  help: 'names of config.xml, for the scripts of completion',
  example: 'fleet-health complete clients',
  parameters: { kind: choice('<kind>', 'which names', ['clients', 'groups']) },
  isHidden: true,
  run: async (context, { kind }) => (await import('./complete.ts')).completeCommand(context, kind),
});
