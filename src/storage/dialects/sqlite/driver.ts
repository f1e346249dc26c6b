import type { SqliteConfig } from '../../../config/databases/sqlite.ts';
import type { DatabaseDriver } from '../../sql/database-driver.ts';

export const sqliteDriver: DatabaseDriver<SqliteConfig> = {
  exists: async ({ path }) => !(await import('./faults.ts')).isFileMissing(path),
  checkPlace: async ({ path }) => (await import('./check-place.ts')).checkPlace(path),
  open: async ({ path }, options) => (await import('./database.ts')).openSqliteDatabase({ path, ...options }),
  backUp: async ({ path: source }, target, signal) =>
    (await import('./back-up.ts')).backUpSqlite({ source, target, signal }),
  vacuumAdvice: null,
  vacuum: async ({ path }, space) => (await import('./vacuum.ts')).vacuum(path, space).freedBytes,
  cannotHold: null,
};
