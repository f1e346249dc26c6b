import type { Dialect, SchemaObject, Session } from '../../sql/database.ts';
import { placeholders } from '../../sql/insert-rows.ts';
import { dropViewsFirst } from '../../sql/schema-objects.ts';
import { StorageFault } from '../../sql/fault.ts';

/** The SQL of MariaDB, which has no alias for the rows of VALUES. */
export const mariadbDialect: Dialect = {
  name: 'mysql',
  now: 'UTC_TIMESTAMP(3)',
  farAhead: '(UTC_TIMESTAMP(3) + INTERVAL 1 HOUR)',
  unixSeconds: (column) => `TIMESTAMPDIFF(SECOND, '1970-01-01', ${column})`,
  quotient: (dividend, divisor) => `${dividend} DIV ${divisor}`,
  spanOf: (span, column) =>
    span === 'day' ? `DATE(${column})` : `CAST(DATE(${column}) AS DATETIME) + INTERVAL HOUR(${column}) HOUR`,
  dayBefore: (time) => `${time} - INTERVAL 1 DAY`,
  tableOptions: ' ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin',
  replaceView: (name, select) => [`CREATE OR REPLACE SQL SECURITY INVOKER VIEW ${name} AS ${select}`],
  forUpdate: ' FOR UPDATE',
  onConflict: (_key, assignments) => ` ON DUPLICATE KEY UPDATE ${assignments.join(', ')}`,
  incoming: (column) => `VALUES(${column})`,
  selected: (select) => select,
  schema: describeSchema,
  drop: dropViewsFirst,
  counter: async (session, table) => {
    const [shown] = await session.all(`SHOW CREATE TABLE ${table}`);
    return Number(/ AUTO_INCREMENT=(\d+)/.exec(String(shown?.['Create Table']))?.[1] ?? 1);
  },
  setCounter: async (session, table, next) => {
    await session.run(`ALTER TABLE ${table} AUTO_INCREMENT = ${next}`);
  },
  // A comment that begins with an exclamation mark is run.
  quoted: /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`[^`]*`|#[^\n]*|--(?=\s|$)[^\n]*|\/\*(?!M?!)[\s\S]*?\*\//g,
};

/** The SQL of MySQL, which has deprecated the function VALUES(). */
export const mysqlDialect: Dialect = {
  ...mariadbDialect,
  onConflict: (key, assignments) => ` AS incoming${mariadbDialect.onConflict(key, assignments)}`,
  incoming: (column) => `incoming.${column}`,
  selected: (select) => `SELECT * FROM (${select})`,
};

async function describeSchema(session: Session, names: readonly string[]): Promise<readonly SchemaObject[]> {
  const chosen = `table_schema = DATABASE() AND table_name IN (${placeholders(names.length)}) ORDER BY table_name`;
  const columns = 'table_name AS name, security_type AS security, view_definition AS definition';
  const views = await session.all(`SELECT ${columns} FROM information_schema.views WHERE ${chosen}`, names);
  const objects = views.map(({ name, security, definition }): SchemaObject => {
    // The character set is that of the session that created the view.
    const alike = String(definition).replace(/(\bas char)[^()]*(?=\))/gi, '$1');
    // MySQL names an expression by its text, or by a number if it creates the view again.
    const text = `${String(security)} ${alike.replace(/ AS `(?:Name_exp_\d+|\w+ IS NOT NULL)`/g, '')}`;
    return { name: String(name), kind: 'view', definition: text };
  });
  const ofTables = `SELECT table_name AS name, table_type AS type FROM information_schema.tables
    WHERE table_type <> 'VIEW' AND ${chosen}`;
  for (const { name, type } of await session.all(ofTables, names)) {
    const kind = type === 'SEQUENCE' ? 'sequence' : 'table';
    const [shown] = await session.all(`SHOW CREATE TABLE ${String(name)}`);
    const definition = String(shown?.['Create Table']).replace(/ (?:AUTO_INCREMENT=\d+|ROW_FORMAT=DYNAMIC)/g, '');
    objects.push({ name: String(name), kind, definition });
  }
  return objects;
}

/** The oldest versions that are supported, as [major, minor]. */
const oldest = { MariaDB: [10, 6], MySQL: [8, 0] } as const;

/** The first MySQL with an alias for the rows of VALUES: 8.0.19. */
const aliasedSince = [8, 0, 19] as const;

/**
 * Returns the SQL of a server by its variable `version`, like `10.11.14-MariaDB-0+deb12u2` or `9.7.4-2`. Throws
 * StorageFault `too-old` for a server below MariaDB 10.6 or MySQL 8.0. A version in another form counts as new enough.
 */
export function dialectOf(version: string, where: string): Dialect {
  const numbers = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(version)?.slice(1).map(Number) ?? [];
  const product = /mariadb/i.test(version) ? 'MariaDB' : 'MySQL';
  if (isBefore(numbers, oldest[product])) {
    const wanted = `${product} ${oldest[product].join('.')}`;
    throw new StorageFault('too-old', `${where}: the server is ${product} ${version}; at least ${wanted} is needed`);
  }
  return product === 'MariaDB' || isBefore(numbers, aliasedSince) ? mariadbDialect : mysqlDialect;
}

function isBefore(version: readonly number[], other: readonly number[]): boolean {
  for (const [index, wanted] of other.entries()) {
    const number = version[index] ?? wanted;
    if (number !== wanted) return number < wanted;
  }
  return false;
}
