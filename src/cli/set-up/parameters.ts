import { importKinds } from '../import/import-kinds.ts';
import { anyText, choice, flag, optionalText, text, withDefault } from '../command/define-command.ts';

export const initParameters = {
  mailTo: text('--mail-to <addresses>', 'the recipients of alerts'),
  smtp: text(
    '--smtp <host>',
    'the mail server, HOST or HOST:PORT; none: mails become files in outbox/ (default: localhost)',
  ),
  login: text('--login <account>', 'the account on the machines, or ACCOUNT:PRIVATE_KEY (default: this one)'),
  clients: text(
    '--clients <names>',
    'NAME or NAME=ADDRESS, also with :PORT, separated by commas; local; or a file that import wrote',
  ),
  dir: text(
    '--dir <folder>',
    'the folder for config.xml (default: /etc/fleet-health for root, otherwise the current folder)',
  ),
} as const;

export const importParameters = {
  kind: choice('<kind>', 'the kind of the list', importKinds),
  file: text('[file]', 'the list, or its web address (default, or -: standard input)'),
  out: text('-o, --out <file>', 'write a new file for <include> instead; never overwrite a file'),
  update: {
    ...text('--update <file>', 'print what is new, removed and changed since this file, and write nothing'),
    conflicts: ['out'],
  },
  passwordFile: text('--password-file <file>', 'a file of mode 0600 with the password for https://NAME@HOST/'),
} as const;

export const crontabParameters = {
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
  mailTo: withDefault(anyText('--mail-to <address>', 'the recipient of faults that prevent a run'), 'root'),
} as const;
