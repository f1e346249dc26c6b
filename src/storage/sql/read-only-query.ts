import { FleetError } from '../../platform/errors/errors.ts';
import type { Database, SqlRow } from './database.ts';

const readingWords = /^(select|with|explain|show|describe|desc|values|table)\b/i;

/**
 * Runs one statement that reads. The database itself refuses writes: SQLite by a read-only connection, MySQL by a
 * read-only transaction. Throws FleetError `usage` for anything but one reading statement, otherwise a storage fault.
 */
export async function readOnlyQuery(database: Database, sql: string): Promise<readonly SqlRow[]> {
  const { quoted } = await database.read(({ dialect }) => Promise.resolve(dialect));
  const statement = sql.trim().replace(/;+$/, '');
  const code = statement.replace(quoted, ' ').trim();
  if (!readingWords.test(code)) throw usage('a query begins with SELECT, WITH, EXPLAIN, SHOW, DESCRIBE or VALUES');
  if (code.includes(';')) throw usage('a query is one statement');
  return database.readOnly(statement);
}

function usage(message: string): FleetError {
  return new FleetError({ code: 'usage', stage: 'storage', message });
}
