/** src/storage/alerts: the alerter's statements. */
import { groupBy } from '../../platform/group-by.ts';
import { secondMs } from '../../platform/units.ts';
import type { Database, SqlRow, SqlValue } from '../sql/database.ts';
import { forChunks } from '../sql/insert-rows.ts';
import { fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import { type CauseStore, type ChangeSpan, knownSection, otherChange, storedChange } from '../store/digest-store.ts';

const changesSql = `SELECT c.client, i.kind, i.item, b.value AS old_value, a.value AS new_value, x.earliest_at, x.latest_at,
    x.item_id, x.after_id
  FROM state_clients c JOIN state_changes x ON x.client_id = c.id JOIN state_items i ON i.id = x.item_id
  LEFT JOIN state_values b ON b.id = x.before_id LEFT JOIN state_values a ON a.id = x.after_id
  WHERE c.client = ? AND x.latest_at > ? AND x.latest_at <= ? ORDER BY x.latest_at DESC, x.id DESC LIMIT ?`;
const itemsSql = `SELECT c.client, x.item_id, x.after_id, x.earliest_at
  FROM state_changes x JOIN state_clients c ON c.id = x.client_id WHERE x.latest_at > ? AND x.latest_at <= ?`;
const holdersSql = `SELECT c.client, s.value_id AS id FROM state_clients c JOIN state s ON s.client_id = c.id`;
const itemHoldersSql = `SELECT DISTINCT c.client, v.item_id AS id
  FROM state_values v JOIN state s ON s.value_id = v.id JOIN state_clients c ON c.id = s.client_id`;
const sectionsSql = `SELECT c.client, s.kind, CASE WHEN s.digest <> '' THEN s.observed_at END AS observed_at, s.error
  FROM state_clients c JOIN state_sections s ON s.client_id = c.id`;
/** Selects the times of changes of clients. */
const timesSql = `SELECT DISTINCT c.client, x.latest_at FROM state_clients c JOIN state_changes x ON x.client_id = c.id`;
/** Selects the same without those of items that changed on many days. */
const calmTimesSql = (marks: string): string => `${timesSql}
  LEFT JOIN (SELECT y.client_id, y.item_id FROM state_clients d JOIN state_changes y ON y.client_id = d.id
    WHERE d.client IN (${marks}) AND y.latest_at > ? AND y.latest_at <= ?
    GROUP BY y.client_id, y.item_id HAVING COUNT(DISTINCT substr(y.latest_at, 1, 10)) >= ?) r
    ON r.client_id = x.client_id AND r.item_id = x.item_id
  WHERE r.item_id IS NULL AND c.client IN (${marks}) AND x.latest_at > ? AND x.latest_at <= ?`;
const itemTimesSql = `SELECT x.item_id, x.latest_at FROM state_clients c JOIN state_changes x ON x.client_id = c.id
  WHERE c.client = ? AND x.latest_at > ? AND x.latest_at <= ?`;
const firstSql = `SELECT MIN(s.since) AS first FROM state_clients c JOIN state s ON s.client_id = c.id WHERE c.client = ?`;
const rowsSql = `SELECT observed_at, uptime_s FROM stats WHERE client = ? AND observed_at <= ?
  ORDER BY observed_at DESC LIMIT ?`;

export function createCauseStore(database: Database): CauseStore {
  const all = (sql: string, values: readonly SqlValue[]): Promise<readonly SqlRow[]> =>
    database.read((session) => session.all(sql, values));
  /** Runs a statement for each pair of a chunk of ids and a chunk of clients. */
  const forPairs = (
    sql: string,
    ids: readonly number[],
    clients: readonly string[],
    { column, values = [] }: { readonly column: string; readonly values?: readonly SqlValue[] },
  ): Promise<readonly SqlRow[]> =>
    forChunks(ids, (idChunk, idMarks) =>
      forChunks(clients, (chunk, marks) => {
        const where = `${column} IN (${idMarks}) AND c.client IN (${marks})`;
        return all(`${sql} ${values.length === 0 ? 'WHERE' : 'AND'} ${where}`, [...values, ...idChunk, ...chunk]);
      }),
    );
  return {
    changesOf: async (client, span, limit) =>
      (await all(changesSql, [client, ...boundsOf(span), String(limit)])).map((row) => ({
        ...storedChange.read(row),
        ...otherChange.read(row),
      })),
    changesOfItems: async (itemIds, clients, span) =>
      (await forPairs(itemsSql, itemIds, clients, { column: 'x.item_id', values: boundsOf(span) })).map(
        otherChange.read,
      ),
    holders: async (valueIds, clients) =>
      clientsById(await forPairs(holdersSql, valueIds, clients, { column: 's.value_id' })),
    itemHolders: async (itemIds, clients) =>
      clientsById(await forPairs(itemHoldersSql, itemIds, clients, { column: 'v.item_id' })),
    sections: async (clients) =>
      (await forChunks(clients, (chunk, marks) => all(`${sectionsSql} WHERE c.client IN (${marks})`, chunk))).map(
        knownSection.read,
      ),
    changeTimes: async (clients, span, restlessDays) => {
      const bounds = boundsOf(span);
      const rows = await forChunks(clients, (chunk, marks) =>
        restlessDays === null
          ? all(`${timesSql} WHERE c.client IN (${marks}) AND x.latest_at > ? AND x.latest_at <= ?`, [
              ...chunk,
              ...bounds,
            ])
          : all(calmTimesSql(marks), [...chunk, ...bounds, restlessDays, ...chunk, ...bounds]),
      );
      return timesBy(rows, ({ client }) => String(client));
    },
    itemTimes: async (client, itemIds, span) => {
      const rows = await forChunks(itemIds, (chunk, marks) =>
        all(`${itemTimesSql} AND x.item_id IN (${marks})`, [client, ...boundsOf(span), ...chunk]),
      );
      return timesBy(rows, (row) => Number(row['item_id']));
    },
    rowsUntil: async (client, untilMs, limit) =>
      (await all(rowsSql, [client, sqlTime(untilMs), String(limit)])).map((row) => ({
        atMs: fromSqlTime(row['observed_at']) ?? 0,
        uptimeMs: row['uptime_s'] === null ? null : Number(row['uptime_s']) * secondMs,
      })),
    firstLook: async (client) => fromSqlTime((await all(firstSql, [client]))[0]?.['first']),
  };
}

function boundsOf({ afterMs, untilMs }: ChangeSpan): readonly string[] {
  return [sqlTime(afterMs), sqlTime(untilMs)];
}

function clientsById(rows: readonly SqlRow[]): ReadonlyMap<number, ReadonlySet<string>> {
  const byId = groupBy(rows, ({ id }) => Number(id));
  return new Map([...byId].map(([id, own]) => [id, new Set(own.map(({ client }) => String(client)))]));
}

function timesBy<Key>(rows: readonly SqlRow[], keyOf: (row: SqlRow) => Key): ReadonlyMap<Key, readonly number[]> {
  return new Map(
    [...groupBy(rows, keyOf)].map(([key, own]) => [
      key,
      own.map((row) => fromSqlTime(row['latest_at']) ?? 0).sort((one, other) => one - other),
    ]),
  );
}
