import { compareText } from '../../text/compare-text.ts';
import type { Database } from '../sql/database.ts';
import { forChunks } from '../sql/insert-rows.ts';
import { sqlTime } from '../sql/sql-time.ts';
import { type ChangeStore, changeTime, type StoredChange, storedChange, storedPackage } from '../store/digest-store.ts';

const changesSql = `SELECT ${storedChange.columns} FROM changes WHERE latest_at >= ?`;
const newest = 'ORDER BY latest_at DESC LIMIT ?';
/** Selects the clients that have a package. Value: its name. */
export const havingSql = `SELECT ${storedPackage.columns} FROM packages WHERE name = ? ORDER BY client, version`;
const whenSql = (marks: string): string => `SELECT DISTINCT c.client, x.earliest_at, x.latest_at
  FROM state_clients c JOIN state_changes x ON x.client_id = c.id JOIN state_items i ON i.id = x.item_id
  WHERE x.latest_at >= ? AND c.client IN (${marks}) AND i.kind IN ('package', 'unit', 'file')`;
const knownSql = `SELECT c.client FROM state_sections s JOIN state_clients c ON c.id = s.client_id
  WHERE s.kind = 'package' AND s.digest <> ''`;

export function createChangeStore(database: Database): ChangeStore {
  return {
    changes: async (clients, sinceMs, limit) => {
      const since = sqlTime(sinceMs);
      const rows = await database.read((session) =>
        clients === null
          ? session.all(`${changesSql} ${newest}`, [since, String(limit)])
          : forChunks([...new Set(clients)], (chunk, marks) =>
              session.all(`${changesSql} AND client IN (${marks}) ${newest}`, [since, ...chunk, String(limit)]),
            ),
      );
      return rows.map(storedChange.read).sort(inTime).slice(-limit);
    },
    whenChanged: async (clients, sinceMs) => {
      const rows = await database.read((session) =>
        forChunks(clients, (chunk, marks) => session.all(whenSql(marks), [sqlTime(sinceMs), ...chunk])),
      );
      return rows.map(changeTime.read);
    },
    havingPackage: async (name) =>
      (await database.read((session) => session.all(havingSql, [name]))).map(storedPackage.read),
    withPackages: async () =>
      (await database.read((session) => session.all(knownSql))).map(({ client }) => String(client)),
  };
}

function inTime(one: StoredChange, other: StoredChange): number {
  return (
    one.latestAtMs - other.latestAtMs ||
    compareText(one.kind, other.kind) ||
    compareText(one.item, other.item) ||
    compareText(one.client, other.client)
  );
}
