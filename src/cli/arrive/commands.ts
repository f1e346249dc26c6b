import { importKinds } from '../../import/import-kinds.ts';
import { choice, defineCommand, flag, optionalText, text, withDefault } from '../command/define-command.ts';
import { completeWith } from './completion-command.ts';

export const init = defineCommand({
  name: 'init',
  help: 'write a first config.xml from the answers to five questions',
  example: 'fleet-health init --mail-to ops@example.org --clients web-1,db-1=192.0.2.7',
  parameters: {
    mailTo: text('--mail-to <addresses>', 'the recipients of alerts'),
    smtp: text(
      '--smtp <host>',
      'the mail server, HOST or HOST:PORT; none: mails become files in outbox/ (default: localhost)',
    ),
    login: text('--login <account>', 'the account on the machines, or ACCOUNT:PRIVATE_KEY (default: this one)'),
    clients: text('--clients <names>', 'NAME or NAME=ADDRESS, separated by commas; local; or a file that import wrote'),
    dir: text(
      '--dir <folder>',
      'the folder for config.xml (default: /etc/fleet-health for root, otherwise the current folder)',
    ),
  },
  run: async (context, options) => (await import('./init.ts')).initCommand(context, options),
});

export const importCommand = defineCommand({
  name: 'import',
  help: 'convert a list of machines to clients for config.xml',
  example: 'fleet-health import ansible inventory.yml -o clients.d/ansible.xml',
  parameters: {
    kind: choice('<kind>', 'the kind of the list', importKinds),
    file: text('[file]', 'the list (default, or -: standard input)'),
    out: text('-o, --out <file>', 'write a new file for <include> instead; never overwrite a file'),
    update: {
      ...text('--update <file>', 'print what is new, removed and changed since this file, and write nothing'),
      conflicts: ['out'],
    },
  },
  run: async (context, options) => (await import('./import.ts')).importHostsCommand(context, options),
});

export const crontab = defineCommand({
  name: 'crontab',
  help: 'print the lines or systemd units that start collector and alerter on this machine',
  example: 'fleet-health crontab --install',
  parameters: {
    install: {
      ...flag('--install', "add the lines to this account's crontab, and keep its other lines"),
      conflicts: ['remove', 'cronD', 'systemd'],
    },
    remove: { ...flag('--remove', "remove the lines from this account's crontab"), conflicts: ['cronD', 'systemd'] },
    cronD: text('--cron-d <user>', 'print lines for a file in /etc/cron.d, run by this account'),
    systemd: {
      ...optionalText('--systemd [dir]', 'write systemd units into this folder instead, or print them'),
      conflicts: ['cronD'],
    },
    mailTo: withDefault(text('--mail-to <address>', 'the recipient of faults that prevent a run'), 'root'),
  },
  run: async (context, options) => (await import('./crontab.ts')).crontabCommand(context, options),
});

export const complete = completeWith(async (kind, context) =>
  (await import('./config-names.ts')).configNames(kind, context),
);
