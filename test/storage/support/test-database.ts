import type { StorageConfig } from '../../../src/config/config.ts';
import type { SqlValue } from '../../../src/storage/sql/database.ts';

/** A kind of database to run the scenarios of onEachDatabase on, with the SQL of its own that tests need. */
export interface TestDatabase {
  /** The folder of its dialect and of its migrations. */
  readonly kind: string;
  /** The name in the titles of tests. */
  readonly title: string;
  /** The reason why its tests are skipped here; false if they run. */
  readonly skip: string | false;
  /** True if the first tier runs all scenarios on it. */
  readonly isCheap: boolean;
  /** Makes a database without tables. */
  readonly create: () => Promise<StorageConfig>;
  /** Makes a migrated database without rows. */
  readonly migrated: () => Promise<StorageConfig>;
  /** Takes back a database of `migrated`. */
  readonly free: (storage: StorageConfig) => void;
  /** A query of the columns of all tables: table `t`, name `c`, `type`, `place` in the primary key or 0, `counter`. */
  readonly columns: string;
  /** A query of the names of all tables and views: `name`. */
  readonly tables: string;
  /** Returns a statement after which `disk_stats` refuses the rows that meet a condition, as `client_not_wanted`. */
  readonly refuseRows: (condition: string) => string;
  /** Returns a statement that removes what a step of a migration created. */
  readonly dropOf: (createSql: string) => string;
  /** The mark of the queries of docs/sql.md that are for it alone. */
  readonly questions: string;
  /** A value that no column of a client's name takes. */
  readonly noClient: SqlValue;
  /** A statement that begins with a reading word, and writes. */
  readonly sneaky: string;
}

/** Returns what a step of a migration creates. `table` is that of an index. */
export function createdBy(createSql: string): { readonly type: string; readonly name: string; readonly table: string } {
  const words = /^CREATE (?:SQL SECURITY INVOKER )?(?:UNIQUE )?(TABLE|VIEW|INDEX) (\w+)(?: ON (\w+))?/.exec(createSql);
  const [, type = '', name = '', table = ''] = words ?? [];
  return { type, name, table };
}
