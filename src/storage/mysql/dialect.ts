import type { Dialect } from '../dialect.ts';

/** SQL of MySQL and MariaDB. VALUES() stands here because MariaDB knows no row alias and MySQL still takes it. */
export const mysqlDialect: Dialect = {
  name: 'mysql',
  now: 'UTC_TIMESTAMP(3)',
  farAhead: '(UTC_TIMESTAMP(3) + INTERVAL 1 HOUR)',
  forUpdate: ' FOR UPDATE',
  onConflict: (_key, assignments) => ` ON DUPLICATE KEY UPDATE ${assignments.join(', ')}`,
  incoming: (column) => `VALUES(${column})`,
  foldRows: null,
};
