import { FleetError } from '../../platform/errors/errors.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { claimStateFolder } from '../../state-folder/state-folder.ts';
import { checkMigrations, migrate } from '../../storage/migrate/migrate.ts';
import { printDone } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { loadSettings } from '../command/settings.ts';

/**
 * Runs `migrate`: applies the migrations that the database lacks, and adopts migrations that somebody ran by hand.
 * Throws FleetError `migration-mismatch` if the schema is another one.
 */
export async function migrateCommand(context: Context, options: { readonly check: boolean }): Promise<ExitStatus> {
  const { output, signal } = context;
  const { storage, stateDir } = loadSettings(context);
  if (!options.check && storage.path !== null) claimStateFolder(statePaths(stateDir), []);
  const { pending, problems } = await checkMigrations({ storage, signal });
  if (problems.length > 0) {
    throw new FleetError({
      code: 'migration-mismatch',
      stage: 'storage',
      message: problems.join('; '),
      advice: 'Use the version that made this schema, or give Fleet Health a database of its own.',
    });
  }
  const { adopted = [], notes = [] } = options.check ? {} : await migrate({ storage, signal });
  const applied = pending.filter((name) => !adopted.includes(name));
  const lines = [
    ...(adopted.length > 0 ? [`Adopted, as somebody had run them by hand: ${adopted.join(', ')}`] : []),
    ...(applied.length > 0 ? [`${options.check ? 'To be applied' : 'Applied'}: ${applied.join(', ')}`] : []),
    ...notes,
  ];
  return printDone(
    output,
    () => ({ command: 'migrate', check: options.check, migrations: applied, adopted, notes }),
    () => (lines.length === 0 ? 'The database is up to date.' : lines.join('\n')),
  );
}
