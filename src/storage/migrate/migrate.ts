/** src/storage/migrate: schema and its steps. */
import { FleetError } from '../../platform/errors/errors.ts';
import { namedUpTo } from '../../text/numbers.ts';
import type { Database, SchemaObject, Session } from '../sql/database.ts';
import { StorageFault } from '../sql/fault.ts';
import { placeholders } from '../sql/insert-rows.ts';
import { createdName } from '../sql/schema-objects.ts';
import { readMigrations, type MigrationFile } from './migration-files.ts';
import { migrationState, readApplied, schemaMajor, throwMismatch } from './migration-state.ts';
import type { AppliedMigration, MigrationState } from './migration-state.ts';
import { makeViews, viewStatements } from './views.ts';
import type { StorageConfig } from '../../config/databases/kinds.ts';
import { driverOf } from '../dialects/drivers.ts';
import { openDatabase, type OpenDatabaseOptions } from '../dialects/open-database.ts';

export interface MigrateOptions {
  readonly storage: StorageConfig;
  readonly signal?: AbortSignal | undefined;
}

// Both databases accept this text. The times are text because nothing is computed with them.
const createMigrationsSql = `CREATE TABLE IF NOT EXISTS migrations (
  number INTEGER NOT NULL, step INTEGER NOT NULL, name VARCHAR(128) NOT NULL, digest VARCHAR(64) NOT NULL,
  major INTEGER NOT NULL, started_at VARCHAR(32) NOT NULL, applied_at VARCHAR(32),
  PRIMARY KEY (number, step))`;

/**
 * Applies the missing migrations and returns the state after them. Throws FleetError `migration-mismatch` or a storage
 * fault.
 */
export async function migrate(options: MigrateOptions): Promise<MigrationState> {
  return withDatabase({ ...options, program: 'change' }, async (database) => {
    const state = await migrateDatabase(database);
    // A view that was not made, because something else had its name, is made once that is gone.
    const notes = new Set([...(state.notes ?? []), ...(await database.migrate(missingViews))]);
    return notes.size === 0 ? state : { ...state, notes: [...notes] };
  });
}

function missingViews(session: Session): Promise<readonly string[]> {
  return makeViews(session, readMigrations(session.dialect.name), true);
}

/** Compares the schema and changes nothing. Creates no absent file. Throws FleetError on a storage fault. */
export async function checkMigrations(options: MigrateOptions): Promise<MigrationState> {
  const { storage } = options;
  if (await driverOf(storage).exists(storage))
    return await withDatabase({ ...options, program: 'read' }, checkDatabase);
  return migrationState([], readMigrations(storage.kind));
}

/** Compares the schema of an open database, as checkMigrations does. Throws StorageFault. */
export function checkDatabase(database: Database): Promise<MigrationState> {
  return database.read(async (session) =>
    migrationState(await readApplied(session), readMigrations(session.dialect.name)),
  );
}

/**
 * Migrates an open database. Default: the files of the package, and at their end the views of figures. Throws
 * StorageFault or FleetError.
 */
export async function migrateDatabase(
  database: Database,
  given?: readonly MigrationFile[],
  onMigrating: () => void = () => undefined,
): Promise<MigrationState> {
  const files = given ?? (await database.read((session) => Promise.resolve(readMigrations(session.dialect.name))));
  const before = migrationState(await database.read(readApplied), files);
  throwMismatch(before, 'pending');
  if (before.pending.length === 0) return before;
  onMigrating();
  return database.migrate(async (session) => {
    let applied = await readApplied(session);
    // Another process may have migrated during the wait for the lock.
    throwMismatch(migrationState(applied, files), 'pending');
    // A database of another program is refused before anything is made in it.
    const views = given === undefined ? viewStatements(session.dialect) : [];
    const adopted = applied.length === 0 ? await adoptableFiles(session, files, views) : [];
    let notes: readonly string[] = [];
    const end = async (): Promise<void> => {
      if (given === undefined) notes = await makeViews(session, files);
    };
    await session.run(createMigrationsSql + session.dialect.tableOptions);
    if (adopted.length > 0) {
      // The last step of all is made again, and the views with it.
      await recordAdopted(session, adopted, adopted.length === files.length);
      applied = await readApplied(session);
    }
    for (const file of files) {
      const known = applied.find(({ number }) => number === file.number);
      await applyFile(session, file, known, file === files.at(-1) ? end : null);
    }
    const applying = migrationState(await readApplied(session), files);
    const state = notes.length === 0 ? applying : { ...applying, notes };
    return adopted.length === 0 ? state : { ...state, adopted: adopted.map(({ name }) => name) };
  });
}

/** Applies the missing steps of a file. `end` runs before the last step is recorded, so that no crash skips it. */
async function applyFile(
  session: Session,
  file: MigrationFile,
  known: AppliedMigration | undefined,
  end: (() => Promise<void>) | null,
): Promise<void> {
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
      // MySQL commits DDL by itself, and a crash may have come between the DDL and its record.
      if (!begunBefore) throw await foreignSchema(session, file, step, thrown);
    }
    if (step === file.steps.length) await end?.();
    await session.run(endSql, [file.number, step]);
  }
}

async function foreignSchema(
  session: Session,
  file: MigrationFile,
  step: number,
  fault: StorageFault,
): Promise<FleetError> {
  // The table belongs to another program, and must not count as ours the next time.
  await session.run('DELETE FROM migrations WHERE number = ? AND step = ?', [file.number, step]);
  return new FleetError({
    code: 'migration-mismatch',
    stage: 'storage',
    message: `${file.name}, step ${step}: ${fault.message}, and it was not made by a migration`,
    advice: 'Give Fleet Health a database of its own.',
    cause: fault,
  });
}

/** The prefix of names of copies, which exist while they are compared with the tables. */
const copyPrefix = 'adopting_';

/**
 * Returns the files whose statements somebody has run by hand, in order, on a database without records of migrations:
 * none in a database without tables of these names. Runs the files, and then the statements of the views, again under
 * other names and compares both results. Throws FleetError `migration-mismatch` if the tables differ.
 */
async function adoptableFiles(
  session: Session,
  files: readonly MigrationFile[],
  views: readonly string[],
): Promise<readonly MigrationFile[]> {
  const parts = [...files.map(({ steps }) => steps), views];
  const names = [...new Set(parts.flat().flatMap((step) => createdName(step) ?? []))];
  const { dialect } = session;
  const there = await dialect.schema(session, names);
  if (there.length === 0) return [];
  const copies = names.map((name) => `${copyPrefix}${name}`);
  const pattern = new RegExp(`\\b(${names.join('|')})\\b`, 'g');
  let adopted: readonly MigrationFile[] = [];
  let fewest: readonly string[] | null = null;
  await dialect.drop(session, await dialect.schema(session, copies));
  try {
    for (const [index, steps] of parts.entries()) {
      for (const step of steps) await session.run(step.replace(pattern, `${copyPrefix}$1`));
      const different = differences(there, (await dialect.schema(session, copies)).map(renamedBack));
      if (different.length === 0) adopted = files.slice(0, index + 1);
      if (fewest === null || different.length <= fewest.length) fewest = different;
    }
  } finally {
    await dialect.drop(session, await dialect.schema(session, copies));
  }
  if (adopted.length === 0) throw otherTables(files, fewest ?? []);
  return adopted;
}

function renamedBack({ name, kind, definition }: SchemaObject): SchemaObject {
  const back = (text: string): string => text.replaceAll(copyPrefix, '');
  return { name: back(name), kind, definition: back(definition) };
}

function differences(there: readonly SchemaObject[], wanted: readonly SchemaObject[]): readonly string[] {
  const definitions = new Map(wanted.map(({ name, definition }) => [name, definition]));
  const known = new Set(there.map(({ name }) => name));
  return [
    ...there.flatMap(({ name, definition }) => {
      const other = definitions.get(name);
      return other === definition ? [] : [`${name} is ${other === undefined ? 'too much' : 'another'}`];
    }),
    ...wanted.flatMap(({ name }) => (known.has(name) ? [] : [`${name} is missing`])),
  ];
}

/**
 * Records every step in one statement: a crash leaves all of them or none. `isOpen`: the last step is recorded as begun
 * alone.
 */
async function recordAdopted(session: Session, files: readonly MigrationFile[], isOpen: boolean): Promise<void> {
  const rows = files.flatMap(({ number, name, digest, steps }) =>
    steps.map((_, index) => [number, index + 1, name, digest, schemaMajor]),
  );
  const { now } = session.dialect;
  const row = (at: number): string =>
    `(${placeholders(5)}, ${now}, ${isOpen && at === rows.length - 1 ? 'NULL' : now})`;
  await session.run(
    `INSERT INTO migrations (number, step, name, digest, major, started_at, applied_at)
     VALUES ${rows.map((_, at) => row(at)).join(', ')}`,
    rows.flat(),
  );
}

function otherTables(files: readonly MigrationFile[], different: readonly string[]): FleetError {
  const range = `${files[0]?.name ?? ''} to ${files.at(-1)?.name ?? ''}`;
  return new FleetError({
    code: 'migration-mismatch',
    stage: 'storage',
    message:
      `the tables were not made by a migration, and not by the files ${range} in order: ` + namedUpTo(5, different),
    advice: 'Give Fleet Health a database of its own.',
  });
}

async function withDatabase<T>(options: OpenDatabaseOptions, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(options);
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}
