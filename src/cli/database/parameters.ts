import { flag, text } from '../command/define-command.ts';

export const pruneParameters = {
  dryRun: flag('--dry-run', 'print how many rows would be removed, and change nothing'),
  vacuum: flag(
    '--vacuum',
    'also rebuild the file of an embedded database, which makes it as small as possible and lets it shrink later',
  ),
} as const;

export const copyParameters = {
  to: text('--to <database>', 'a URL as in <storage url>, or a config.xml with the <storage>'),
  passwordFile: text('--password-file <file>', 'a file of mode 0600 with the password for a URL'),
  overwrite: flag('--overwrite', 'replace silences and acknowledgements that were made in the copy'),
} as const;
