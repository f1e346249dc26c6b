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
