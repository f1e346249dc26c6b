import { placeholders } from '../../sql/insert-rows.ts';
import type { Dialect } from '../../sql/database.ts';
import { dropViewsFirst } from '../../sql/schema-objects.ts';

/** The SQL of SQLite. Transactions lock the whole file, so rows need no lock of their own. */
export const sqliteDialect: Dialect = {
  name: 'sqlite',
  now: "strftime('%Y-%m-%d %H:%M:%f', 'now')",
  farAhead: "strftime('%Y-%m-%d %H:%M:%f', 'now', '+1 hour')",
  unixSeconds: (column) => `unixepoch(${column})`,
  quotient: (dividend, divisor) => `${dividend} / ${divisor}`,
  spanOf: (span, column) => (span === 'day' ? `substr(${column}, 1, 10)` : `substr(${column}, 1, 13) || ':00:00'`),
  dayBefore: (time) => `strftime('%Y-%m-%d %H:%M:%f', ${time}, '-1 day')`,
  tableOptions: '',
  replaceView: (name, select) => [`DROP VIEW IF EXISTS ${name}`, `CREATE VIEW ${name} AS ${select}`],
  forUpdate: '',
  onConflict: (key, assignments) => ` ON CONFLICT (${key}) DO UPDATE SET ${assignments.join(', ')}`,
  incoming: (column) => `excluded.${column}`,
  selected: (select) => select,
  schema: async (session, names) => {
    const sql = `SELECT name, type, sql FROM sqlite_master
      WHERE type <> 'trigger' AND name IN (${placeholders(names.length)}) ORDER BY name`;
    return (await session.all(sql, names)).map((row) => ({
      name: String(row['name']),
      kind: row['type'] === 'view' || row['type'] === 'index' ? row['type'] : 'table',
      definition: String(row['sql'])
        .replace(/\s+/g, ' ')
        .replace(/ ?([(),]) ?/g, '$1'),
    }));
  },
  drop: dropViewsFirst,
  counter: async (session, table) => {
    const [row] = await session.all('SELECT seq FROM sqlite_sequence WHERE name = ?', [table]);
    return Number(row?.['seq'] ?? 0) + 1;
  },
  setCounter: async (session, table, next) => {
    await session.run('DELETE FROM sqlite_sequence WHERE name = ?', [table]);
    await session.run('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)', [table, next - 1]);
  },
  quoted: /'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g,
};
