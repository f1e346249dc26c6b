import type { Dialect } from '../dialect.ts';

/** SQL of SQLite. Transactions lock the whole file, so rows need no lock of their own. */
export const sqliteDialect: Dialect = {
  name: 'sqlite',
  now: "strftime('%Y-%m-%d %H:%M:%f', 'now')",
  farAhead: "strftime('%Y-%m-%d %H:%M:%f', 'now', '+1 hour')",
  forUpdate: '',
  onConflict: (key, assignments) => ` ON CONFLICT (${key}) DO UPDATE SET ${assignments.join(', ')}`,
  incoming: (column) => `excluded.${column}`,
  selected: (select) => select,
  foldRows: (columns) =>
    `json_group_array(json_object(${columns.map((column) => `'${column}', ${column}`).join(', ')}))`,
};
