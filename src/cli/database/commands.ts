import { defineCommand, flag, text } from '../command/define-command.ts';
import { copyParameters, pruneParameters } from './parameters.ts';

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
  parameters: pruneParameters,
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
  example: 'fleet-health copy --to mysql://fleet@db-1/fleet --password-file db.password',
  parameters: copyParameters,
  run: async (context, options) => (await import('./copy.ts')).copyCommand(context, options),
});
