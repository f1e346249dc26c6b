import type { Database, Session } from './sql/database.ts';
import { tables } from './sql/tables.ts';
import { checkDatabase } from './migrate/migrate.ts';
import { counted, namedUpTo } from '../text/numbers.ts';
import { readMigrations } from './migrate/migration-files.ts';
import { migrationState, throwMismatch } from './migrate/migration-state.ts';
import { missingViewNotes } from './migrate/views.ts';
import type { StorageConfig } from '../config/databases/kinds.ts';
import { driverOf } from './dialects/drivers.ts';
import { openDatabase } from './dialects/open-database.ts';

export interface TryStorageOptions {
  readonly storage: StorageConfig;
  /** False for a collector that stores reports sealed, whose account may have fewer rights. */
  readonly open: boolean;
  readonly signal?: AbortSignal | undefined;
}

type Change = 'INSERT' | 'UPDATE' | 'DELETE';

/** The changes that a collector that stores reports sealed makes to each table. */
const sealedChanges: ReadonlyMap<string, readonly Change[]> = new Map([
  ['runs', ['INSERT', 'UPDATE']],
  ['visits', ['INSERT', 'UPDATE']],
  ['clients', ['INSERT', 'UPDATE']],
  ['sealed_reports', ['INSERT']],
]);
const allChanges: readonly Change[] = ['INSERT', 'UPDATE', 'DELETE'];

/** Statements that create and remove objects, to test the rights that migrations need. */
const schemaTrial = (tableOptions: string): readonly string[] => [
  `CREATE TABLE fleet_health_trial (id INTEGER NOT NULL PRIMARY KEY)${tableOptions}`,
  'ALTER TABLE fleet_health_trial ADD COLUMN other INTEGER NULL',
  'CREATE INDEX fleet_health_trial_other ON fleet_health_trial (other)',
  'CREATE VIEW fleet_health_trial_view AS SELECT id FROM fleet_health_trial',
];
const schemaTrialEnd = ['DROP VIEW IF EXISTS fleet_health_trial_view', 'DROP TABLE IF EXISTS fleet_health_trial'];

/**
 * Tests the rights that `collect` and `alert` need in the database: its schema, and each kind of change to each table,
 * without changing a row. Leaves nothing behind, and does not create an absent file. Returns sentences about
 * settings of the database that may be a surprise. Throws FleetError.
 */
export async function tryStorage(options: TryStorageOptions): Promise<readonly string[]> {
  const { storage } = options;
  const driver = driverOf(storage);
  if (!(await driver.exists(storage))) {
    await driver.checkPlace(storage);
    throwMismatch(migrationState([], readMigrations(storage.kind)), storage.migrate ? 'pending' : 'none');
    return [];
  }
  const database = await openDatabase({ ...options, program: 'collect' });
  try {
    const { isMigrated, notes } = await tryDatabase(database, options);
    // The account of a collector that stores reports sealed may not see them.
    const views = isMigrated && options.open ? await database.read(missingViewNotes) : [];
    return [...((await database.notes?.()) ?? []), ...notes, ...views];
  } finally {
    await database.close();
  }
}

/** Returns whether no migration is pending, and sentences about the tables. */
async function tryDatabase(
  database: Database,
  { storage, open }: TryStorageOptions,
): Promise<{ readonly isMigrated: boolean; readonly notes: readonly string[] }> {
  const state = await checkDatabase(database);
  throwMismatch(state, storage.migrate ? 'pending' : 'none');
  if (state.pending.length > 0) await database.migrate(trySchema);
  let unrecorded: readonly string[] = [];
  const undo = new Error('undone');
  const trial = database.write(async (session) => {
    const changed = tables.flatMap(({ name, key: [column = ''] }) => {
      const changes = open ? allChanges : sealedChanges.get(name);
      return changes === undefined ? [] : [{ name, column, changes }];
    });
    // The account of a collector that stores reports sealed may not see the schema of the others.
    const there = await session.dialect.schema(
      session,
      changed.map(({ name }) => name),
    );
    const names = new Set(there.map(({ name }) => name));
    if (state.applied.length === 0) unrecorded = [...names];
    for (const { name, column, changes } of changed.filter((table) => names.has(table.name))) {
      for (const change of changes) await session.run(changeOfNothing(change, name, column));
    }
    // SQLite records a table's first number even if no row is inserted.
    throw undo;
  });
  await trial.catch((thrown: unknown) => {
    if (thrown !== undo) throw thrown;
  });
  return { isMigrated: state.pending.length === 0, notes: unrecordedNotes(unrecorded) };
}

/** Returns a sentence about tables that no migration has made, as half of a restored dump is. */
function unrecordedNotes(names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  const tablesThere = `the database has ${counted(names.length, 'table')} of Fleet Health, ${namedUpTo(3, names)}`;
  return [
    `${tablesThere}, and no record of a migration: if it is half of a restored one, drop it and restore it again; ` +
      '`fleet-health migrate` takes over tables that are whole',
  ];
}

async function trySchema(session: Session): Promise<void> {
  for (const sql of schemaTrialEnd) await session.run(sql);
  try {
    for (const sql of schemaTrial(session.dialect.tableOptions)) await session.run(sql);
  } finally {
    for (const sql of schemaTrialEnd) await session.run(sql);
  }
}

/**
 * Returns a statement that changes no row. The database checks the rights for it, and whether it accepts changes at
 * all.
 */
function changeOfNothing(change: Change, table: string, column: string): string {
  const none = 'WHERE 1 = 0';
  if (change === 'INSERT') return `INSERT INTO ${table} SELECT * FROM ${table} ${none}`;
  return change === 'UPDATE' ? `UPDATE ${table} SET ${column} = ${column} ${none}` : `DELETE FROM ${table} ${none}`;
}
