import type { MysqlConfig } from '../../../config/databases/mysql.ts';
import { usageError } from '../../../platform/errors/errors.ts';
import type { DatabaseDriver } from '../../sql/database-driver.ts';

export const mysqlDriver: DatabaseDriver<MysqlConfig> = {
  exists: () => Promise.resolve(true),
  checkPlace: () => Promise.resolve(),
  open: async (storage, options) => (await import('./database.ts')).openMysqlDatabase({ storage, ...options }),
  backUp: ({ database }) => {
    const program = `mysqldump --single-transaction --no-tablespaces ${database}`;
    throw usageError('the database is a server of its own', `Run: ${program} (docs/operations.md).`);
  },
  vacuumAdvice: 'There, space that is free inside of a table is used for new rows; OPTIMIZE TABLE gives it back.',
  vacuum: () => Promise.resolve(0),
  cannotHold: 'MariaDB takes texts that differ by a space at the end for the same',
};
