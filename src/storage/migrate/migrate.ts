import type { StorageConfig } from '../../config/config.ts';
import { FleetError } from '../../errors.ts';
import { adoptSchema } from './adopt-schema.ts';
import type { Database, Session } from '../sql/database.ts';
import { StorageFault } from '../sql/fault.ts';
import { readMigrations, type MigrationFile } from './migration-files.ts';
import {
  migrationState,
  readApplied,
  schemaMajor,
  throwMismatch,
  type AppliedMigration,
  type MigrationState,
} from './migration-state.ts';
import { openDatabase } from '../dialects/open-database.ts';
import { isFileMissing } from '../dialects/sqlite/faults.ts';

export interface MigrateOptions {
  readonly storage: StorageConfig;
  readonly signal?: AbortSignal | undefined;
}

// Both databases take this text; the times are text because nothing is computed with them.
const createMigrationsSql = `CREATE TABLE IF NOT EXISTS migrations (
  number INTEGER NOT NULL, step INTEGER NOT NULL, name VARCHAR(128) NOT NULL, digest VARCHAR(64) NOT NULL,
  major INTEGER NOT NULL, started_at VARCHAR(32) NOT NULL, applied_at VARCHAR(32),
  PRIMARY KEY (number, step))`;

/**
 * Applies what is missing and returns the state after it. Throws FleetError `migration-mismatch` or a storage fault.
 */
export async function migrate(options: MigrateOptions): Promise<MigrationState> {
  return withDatabase(options, migrateDatabase);
}

/** Compares the schema and changes nothing; an absent SQLite file is not made. Throws FleetError on a storage fault. */
export async function checkMigrations(options: MigrateOptions): Promise<MigrationState> {
  const { kind, path } = options.storage;
  const missing = path !== null && isFileMissing(path);
  return missing ? migrationState([], readMigrations(kind)) : await withDatabase(options, checkDatabase);
}

/** checkMigrations of a database that is open; throws StorageFault. */
export function checkDatabase(database: Database): Promise<MigrationState> {
  return database.read(async (session) =>
    migrationState(await readApplied(session), readMigrations(session.dialect.name)),
  );
}

/** migrate of a database that is open; throws StorageFault or FleetError. The files are those of the package. */
export async function migrateDatabase(
  database: Database,
  ofPackage?: readonly MigrationFile[],
  onMigrating: () => void = () => undefined,
): Promise<MigrationState> {
  const files = ofPackage ?? (await database.read((session) => Promise.resolve(readMigrations(session.dialect.name))));
  const before = migrationState(await database.read(readApplied), files);
  throwMismatch(before, 'pending');
  if (before.pending.length === 0) return before;
  onMigrating();
  return database.migrate(async (session) => {
    await session.run(createMigrationsSql);
    let applied = await readApplied(session);
    // Somebody else may have migrated while the lock was waited for.
    throwMismatch(migrationState(applied, files), 'pending');
    const adopted = applied.length === 0 ? await adoptSchema(session, files) : [];
    if (adopted.length > 0) applied = await readApplied(session);
    for (const file of files) {
      const known = applied.find(({ number }) => number === file.number);
      await applyFile(session, file, known);
    }
    const state = migrationState(await readApplied(session), files);
    return adopted.length === 0 ? state : { ...state, adopted: adopted.map(({ name }) => name) };
  });
}

async function applyFile(session: Session, file: MigrationFile, known: AppliedMigration | undefined): Promise<void> {
  const { now } = session.dialect;
  const beginSql = `INSERT INTO migrations (number, step, name, digest, major, started_at)
    VALUES (?, ?, ?, ?, ?, ${now})`;
  const endSql = `UPDATE migrations SET applied_at = ${now} WHERE number = ? AND step = ?`;
  const done = known?.steps ?? 0;
  for (const [index, statement] of file.steps.entries()) {
    const step = index + 1;
    if (step <= done) continue;
    const begunBefore = known?.interrupted === true && step === done + 1;
    if (!begunBefore) await session.run(beginSql, [file.number, step, file.name, file.digest, schemaMajor]);
    try {
      await session.run(statement);
    } catch (thrown) {
      if (!(thrown instanceof StorageFault) || thrown.kind !== 'exists') throw thrown;
      // MySQL commits DDL by itself, and a crash may have come between it and the record that it was done.
      if (!begunBefore) throw await foreignSchema(session, file, step, thrown);
    }
    await session.run(endSql, [file.number, step]);
  }
}

async function foreignSchema(
  session: Session,
  file: MigrationFile,
  step: number,
  fault: StorageFault,
): Promise<FleetError> {
  // The table is somebody else's, and must not be taken for ours the next time.
  await session.run('DELETE FROM migrations WHERE number = ? AND step = ?', [file.number, step]);
  return new FleetError({
    code: 'migration-mismatch',
    stage: 'storage',
    message: `${file.name}, step ${step}: ${fault.message}, and it was not made by a migration`,
    advice: 'Give Fleet Health a database of its own.',
    cause: fault,
  });
}

async function withDatabase<T>(options: MigrateOptions, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase({ ...options, program: 'read' });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}
