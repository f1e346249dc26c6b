import type { DatabaseSettings } from '../../config/databases/kinds.ts';
import type { DatabaseDriver } from '../sql/database-driver.ts';
import { mysqlDriver } from './mysql/driver.ts';
import { sqliteDriver } from './sqlite/driver.ts';

/** The driver of each database that `<storage>` may name: a line for each. */
export const drivers: {
  readonly [Name in DatabaseSettings['kind']]: DatabaseDriver<Extract<DatabaseSettings, { kind: Name }>>;
} = {
  mysql: mysqlDriver,
  sqlite: sqliteDriver,
};
