import { greatest } from '../../platform/group-by.ts';
import { FleetError } from '../../platform/errors/errors.ts';
import { StorageFault } from '../sql/fault.ts';
import type { MigrationFile } from './migration-files.ts';
import type { Session } from '../sql/database.ts';

/** The result of `migrate --check`, by names of files without `.sql`. */
export interface MigrationState {
  readonly pending: readonly string[];
  readonly applied: readonly string[];
  /** Migrations that somebody had made by hand, just recorded as applied. Default: none. */
  readonly adopted?: readonly string[];
  /** A sentence for each view of figures that was not made. Default: none. */
  readonly notes?: readonly string[];
  /** The reasons why this program cannot use the schema, or cannot migrate it; one sentence each. */
  readonly problems: readonly string[];
}

/** A migration as the database records it. */
export interface AppliedMigration {
  readonly number: number;
  readonly name: string;
  readonly digest: string;
  readonly major: number;
  /** The number of finished steps, without a step that was only begun. */
  readonly steps: number;
  /** True if a step was begun and never recorded as done: program or server ended in between. */
  readonly interrupted: boolean;
}

/**
 * The major version of the schema. Migrations of one major version only add, so that an older program works beside a
 * newer one. A change that breaks an older program raises this number.
 */
export const schemaMajor = 1;

const selectSql = 'SELECT number, step, name, digest, major, applied_at FROM migrations ORDER BY number, step';

/** Reads the migrations that the database has, in order; none in a new database. */
export async function readApplied(session: Session): Promise<readonly AppliedMigration[]> {
  const rows = await session.all(selectSql).catch((thrown: unknown) => {
    if (thrown instanceof StorageFault && thrown.kind === 'schema') return [];
    throw thrown;
  });
  const numbers = [...new Set(rows.map((row) => Number(row['number'])))];
  return numbers.map((number) => {
    const steps = rows.filter((row) => Number(row['number']) === number);
    const done = steps.filter((row) => row['applied_at'] !== null);
    return {
      number,
      name: String(steps[0]?.['name']),
      digest: String(steps[0]?.['digest']),
      major: greatest(steps.map((row) => Number(row['major']))),
      steps: done.length,
      interrupted: done.length < steps.length,
    };
  });
}

/** Compares the migrations of the database with the files of this program. */
export function migrationState(applied: readonly AppliedMigration[], files: readonly MigrationFile[]): MigrationState {
  const names = applied.map(({ name }) => name);
  const newer = applied.find(({ major }) => major > schemaMajor);
  if (newer !== undefined) {
    const problem = `the schema is of major version ${newer.major} (${newer.name}), this program knows ${schemaMajor}`;
    return { pending: [], applied: names, problems: [problem] };
  }
  const newest = greatest([0, ...applied.map(({ number }) => number)]);
  const byNumber = new Map(applied.map((migration) => [migration.number, migration]));
  const pending = files.filter(({ number, steps }) => byNumber.get(number)?.steps !== steps.length);
  const problems = files.flatMap((file) => problemOf(file, byNumber.get(file.number), newest));
  return {
    pending: pending.map(({ name }) => name),
    applied: names.filter((name) => !pending.some((file) => file.name === name)),
    problems,
  };
}

/**
 * Throws FleetError `migration-mismatch` if there is a problem, or if migrations are pending although `allowed` is
 * `none`.
 */
export function throwMismatch(state: MigrationState, allowed: 'pending' | 'none'): void {
  const [pending] = state.pending;
  const missing = allowed === 'none' && pending !== undefined ? [`the schema lacks the migration ${pending}`] : [];
  const problems = [...state.problems, ...missing];
  if (problems.length === 0) return;
  throw new FleetError({
    code: 'migration-mismatch',
    stage: 'storage',
    message: problems.join('; '),
    ...(state.problems.length === 0
      ? { advice: 'Run `fleet-health migrate` as an account that may change the schema.' }
      : {}),
  });
}

function problemOf(file: MigrationFile, known: AppliedMigration | undefined, newest: number): readonly string[] {
  if (known === undefined) {
    return file.number < newest ? [`the migration ${file.name} is missing before newer ones`] : [];
  }
  if (known.name !== file.name) return [`the migration ${file.number} is ${known.name} there and ${file.name} here`];
  return known.digest === file.digest ? [] : [`the file ${file.name}.sql differs from what was applied`];
}
