import { defineCommand, flag, text } from '../command/define-command.ts';

export const migrate = defineCommand({
  name: 'migrate',
  help: 'upgrade the schema of the database to this version',
  example: 'fleet-health migrate --check',
  parameters: { check: flag('--check', 'print the steps, and change nothing') },
  run: async (context, options) => (await import('./migrate.ts')).migrateCommand(context, options),
});

export const prune = defineCommand({
  name: 'prune',
  help: 'roll up and remove rows older than <retention>; every full collect does a part of this',
  example: 'fleet-health prune --dry-run',
  parameters: {
    dryRun: flag('--dry-run', 'print how many rows would be removed, and change nothing'),
    vacuum: flag(
      '--vacuum',
      'also rebuild the file of an embedded database, which makes it as small as possible and lets it shrink later',
    ),
  },
  run: async (context, options) => (await import('./prune.ts')).pruneCommand(context, options),
});

export const backup = defineCommand({
  name: 'backup',
  help: 'copy the embedded database into a file, while other programs use it',
  example: 'fleet-health backup /backup/fleet-$(date +%F).db',
  parameters: { file: text('<file>', 'the new file, which must not exist') },
  run: async (context, { file }) => (await import('./backup.ts')).backupCommand(context, file),
});

export const copy = defineCommand({
  name: 'copy',
  help: 'copy the database into another one of any kind, with alerts and notifications',
  example: 'fleet-health copy --to mysql://fleet@db.example.org/fleet --password-file db.password',
  parameters: {
    to: text('--to <database>', 'a URL as in <storage url>, or a config.xml with the <storage>'),
    passwordFile: text('--password-file <file>', 'a file of mode 0600 with the password for a URL'),
    overwrite: flag('--overwrite', 'replace silences and acknowledgements that were made in the copy'),
  },
  run: async (context, options) => (await import('./copy.ts')).copyCommand(context, options),
});
