/**
 * Databases with the schema of all migrations, copied from the first one that any process of this `npm test` migrated.
 * Migrating takes ten times as long, and most tests do not depend on it. `migrated.test.ts` compares the two.
 */
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { StorageConfig } from '../../../src/config/config.ts';
import type { MysqlConfig } from '../../../src/config/databases/mysql.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { readMigrations } from '../../../src/storage/migrate/migration-files.ts';
import { migrateDatabase } from '../../../src/storage/migrate/migrate.ts';
import { viewStatements } from '../../../src/storage/migrate/views.ts';
import type { Database } from '../../../src/storage/sql/database.ts';
import { serverName } from './mariadb.ts';
import { compiledTests, isCompiledTest } from '../programs/program-args.ts';

/** Gives an empty database its schema. Does not change a database with tables, or an existing file. */
export async function makeMigrated(storage: StorageConfig): Promise<void> {
  if (storage.kind === 'mysql') await copyTables(storage);
  if (storage.kind === 'sqlite' && !existsSync(storage.path)) await copyFile(storage.path);
}

let migratedFile: string | null = null;

/** Returns a migrated file: that of the process that was first, or of this one where tests are not compiled. */
async function makeFile(): Promise<string> {
  const kept = path.join(compiledTests, 'migrated.db');
  if (isCompiledTest && existsSync(kept)) return kept;
  const dir = mkdtempSync(path.join(tmpdir(), 'fleet-migrated-'));
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
  const made = path.join(dir, 'fleet.db');
  const storage: StorageConfig = { kind: 'sqlite', path: made, migrate: true };
  const database = await openDatabase({ storage, program: 'change' });
  try {
    await migrateDatabase(database);
  } finally {
    await database.close();
  }
  if (!isCompiledTest) return made;
  const copy = `${kept}.${process.pid}`;
  copyFileSync(made, copy);
  renameSync(copy, kept);
  return kept;
}

async function copyFile(file: string): Promise<void> {
  migratedFile ??= await makeFile();
  // The link creates the whole file at once and replaces none: a test may end the process, or another may have made the
  // file.
  const copy = `${file}.${process.pid}`;
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    copyFileSync(migratedFile, copy);
    linkSync(copy, file);
  } catch {
    // The next one to open the file makes it, or reports why it cannot.
  } finally {
    rmSync(copy, { force: true });
  }
}

let statements: readonly string[] | null = readStatements();

/** Returns the file in which the processes of one `npm test` keep the statements of the first one that migrated. */
function statementsFile(): string {
  return path.join(compiledTests, `migrated-${serverName}.json`);
}

function readStatements(): readonly string[] | null {
  const file = statementsFile();
  return isCompiledTest && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as string[]) : null;
}

function keepStatements(made: readonly string[]): void {
  if (!isCompiledTest) return;
  const file = statementsFile();
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(made));
  renameSync(`${file}.${process.pid}`, file);
}

async function copyTables(storage: MysqlConfig): Promise<void> {
  const database = await openDatabase({ storage, program: 'change' });
  try {
    if ((await database.readOnly('SHOW TABLES')).length > 0) return;
    const known = statements;
    if (known === null) {
      await migrateDatabase(database);
      statements = await statementsOf(database);
      keepStatements(statements);
      return;
    }
    await database.migrate(async (session) => {
      for (const statement of known) await session.run(statement);
    });
  } finally {
    await database.close();
  }
}

/** Returns the statements that make the tables, views and records of migrations of a database. */
async function statementsOf(database: Database): Promise<readonly string[]> {
  const tables: string[] = [];
  for (const row of await database.readOnly("SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'")) {
    const [made] = await database.readOnly(`SHOW CREATE TABLE ${String(Object.values(row)[0])}`);
    tables.push(String(made?.['Create Table']));
  }
  const views = new Map<string, string>();
  const figures = await database.read(({ dialect }) => Promise.resolve(viewStatements(dialect)));
  for (const step of [...readMigrations('mysql').flatMap(({ steps }) => steps), ...figures]) {
    const [, name = ''] = /^(?:CREATE|DROP)[A-Z ]* VIEW (?:IF EXISTS )?(\w+)/.exec(step) ?? [];
    views.delete(name);
    if (name !== '' && step.startsWith('CREATE')) views.set(name, step);
  }
  const rows = await database.readOnly('SELECT * FROM migrations');
  const literals = rows.map(
    (row) =>
      `(${Object.values(row)
        .map((value) => `'${String(value)}'`)
        .join(', ')})`,
  );
  const records = `INSERT INTO migrations VALUES ${literals.join(', ')}`;
  return ['SET foreign_key_checks = 0', ...tables, ...views.values(), records];
}
