import { defineCommand, flag, text } from '../command/define-command.ts';

export const migrate = defineCommand({
  name: 'migrate',
  help: 'bring the database to this version',
  example: 'fleet-health migrate --check',
  parameters: { check: flag('--check', 'only say what would be done') },
  run: async (context, options) => (await import('./migrate.ts')).migrateCommand(context, options),
});

export const prune = defineCommand({
  name: 'prune',
  help: 'roll up and remove what is older than <retention> says; every full collect does a part of it',
  example: 'fleet-health prune --dry-run',
  parameters: {
    dryRun: flag('--dry-run', 'say how much would go, and change nothing'),
    vacuum: flag(
      '--vacuum',
      'also make an SQLite file anew, so that it is as small as can be and shrinks by itself from then on',
    ),
  },
  run: async (context, options) => (await import('./prune.ts')).pruneCommand(context, options),
});

export const backup = defineCommand({
  name: 'backup',
  help: 'copy the embedded database, whole and as of now, while everything goes on',
  example: 'fleet-health backup /backup/fleet-$(date +%F).db',
  parameters: { file: text('<file>', 'what must not be there yet') },
  run: async (context, { file }) => (await import('./backup.ts')).backupCommand(context, file),
});

export const copy = defineCommand({
  name: 'copy',
  help: 'copy the database into another one, MariaDB, MySQL or SQLite, with all that people were notified of',
  example: 'fleet-health copy --to mysql://fleet@db.example.org/fleet --password-file db.password',
  parameters: {
    to: text('--to <database>', 'a URL as <storage url> has it, or a config.xml whose <storage> is meant'),
    passwordFile: text('--password-file <file>', 'the password for a URL; its mode is 0600'),
    overwrite: flag('--overwrite', 'replace silences and acknowledgements that were made in the copy since'),
  },
  run: async (context, options) => (await import('./copy.ts')).copyCommand(context, options),
});
