import type { Dialect } from '../dialect.ts';

/** SQL of MariaDB, which knows no alias for the rows of VALUES. */
export const mariadbDialect: Dialect = {
  name: 'mysql',
  now: 'UTC_TIMESTAMP(3)',
  farAhead: '(UTC_TIMESTAMP(3) + INTERVAL 1 HOUR)',
  forUpdate: ' FOR UPDATE',
  onConflict: (_key, assignments) => ` ON DUPLICATE KEY UPDATE ${assignments.join(', ')}`,
  incoming: (column) => `VALUES(${column})`,
  selected: (select) => select,
  foldRows: null,
};

/** SQL of MySQL, which has deprecated the function VALUES(). */
export const mysqlDialect: Dialect = {
  ...mariadbDialect,
  onConflict: (key, assignments) => ` AS incoming${mariadbDialect.onConflict(key, assignments)}`,
  incoming: (column) => `incoming.${column}`,
  selected: (select) => `SELECT * FROM (${select})`,
};
