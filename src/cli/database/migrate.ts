import { FleetError } from '../../errors.ts';
import { statePaths } from '../../state/paths.ts';
import { claimStateFolder } from '../../state/state-folder.ts';
import { checkMigrations, migrate } from '../../storage/migrate/migrate.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { loadSettings } from '../command/settings.ts';

export interface MigrateCommandOptions {
  /** Only say what would be done. */
  readonly check: boolean;
}

/** `migrate`: applies what the database lacks, and adopts what was made by running its files by hand. Throws FleetError `migration-mismatch` when the schema is another. */
export async function migrateCommand(context: Context, options: MigrateCommandOptions): Promise<ExitStatus> {
  const { output, signal } = context;
  const { storage, stateDir } = loadSettings(context);
  if (!options.check && storage.kind === 'sqlite') claimStateFolder(statePaths(stateDir), []);
  const { pending, problems } = await checkMigrations({ storage, signal });
  if (problems.length > 0) {
    throw new FleetError({
      code: 'migration-mismatch',
      stage: 'storage',
      message: problems.join('; '),
      advice: 'Use the version that made this schema, or give Fleet Health a database of its own.',
    });
  }
  const { adopted = [] } = options.check ? {} : await migrate({ storage, signal });
  const applied = pending.filter((name) => !adopted.includes(name));
  if (output.json) output.printJson({ command: 'migrate', check: options.check, migrations: applied, adopted });
  else if (output.verbosity !== 'quiet') {
    if (adopted.length > 0) output.print(`Adopted, as somebody had run them by hand: ${adopted.join(', ')}`);
    if (applied.length > 0 || adopted.length === 0) output.print(sentence(options.check, applied));
  }
  return 0;
}

function sentence(check: boolean, pending: readonly string[]): string {
  if (pending.length === 0) return 'The database is up to date.';
  return `${check ? 'To be applied' : 'Applied'}: ${pending.join(', ')}`;
}
