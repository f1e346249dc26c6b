import { sqliteDialect } from '../../../src/storage/dialects/sqlite/dialect.ts';
import type { Database, Session, SqlRow, SqlValue } from '../../../src/storage/sql/database.ts';

/** A statement that was run, with its values. */
export interface Asked {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

export interface Answering {
  readonly session: Session;
  readonly database: Database;
  /** The queries, in their order. */
  readonly asked: Asked[];
  /** The changes, in their order. */
  readonly changed: Asked[];
}

/** Returns a database in memory: `rowsOf` answers its queries, and each change changes `changes` rows. */
export function answering(rowsOf: (asked: Asked) => readonly SqlRow[] = () => [], changes = 1): Answering {
  const [asked, changed]: [Asked[], Asked[]] = [[], []];
  const session: Session = {
    dialect: sqliteDialect,
    maxBatchBytes: 2 ** 20,
    all: (sql, values = []) => {
      asked.push({ sql, values });
      return Promise.resolve(rowsOf({ sql, values }));
    },
    run: (sql, values = []) => {
      changed.push({ sql, values });
      return Promise.resolve(changes);
    },
  };
  const work = <T>(run: (session: Session) => Promise<T>): Promise<T> => run(session);
  return { session, asked, changed, database: { read: work, write: work } as unknown as Database };
}

/** Returns the rows that were inserted into a table, in their order. */
export function insertedInto(table: string, changed: readonly Asked[]): readonly SqlRow[] {
  return changed.flatMap(({ sql, values }) => {
    const [, into, names = ''] = /^INSERT INTO (\w+) \(([^)]+)\) VALUES/.exec(sql) ?? [];
    if (into !== table) return [];
    const columns = names.split(', ');
    return Array.from({ length: values.length / columns.length }, (_, row) =>
      Object.fromEntries(columns.map((column, at) => [column, values[row * columns.length + at] ?? null])),
    );
  });
}
