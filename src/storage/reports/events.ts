import type { Database } from '../sql/database.ts';
import { mergeRows } from '../sql/insert-rows.ts';
import { sqlTime } from '../sql/sql-time.ts';
import { type EventStore, maxServices, newestEvent, type NewEvent, storedEvent } from '../store/event-store.ts';

export function createEventStore(database: Database): EventStore {
  return {
    saveEvents: (events) =>
      database.write(async (session) => {
        await mergeRows(session, 'events', ['event_id'], events.map(rowOf), () => ['event_id = events.event_id']);
      }),
    newestEventsAt: (atMs) =>
      database.read(async (session) =>
        (await session.all(newestBefore('AND received_at <= ?'), [sqlTime(atMs)])).map(newestEvent.read).reverse(),
      ),
    eventsAfter: (sinceMs, rowId, max) =>
      database.read(async (session) => {
        const sql = `SELECT * FROM events WHERE id > ? AND received_at > ? AND service > '' ORDER BY id LIMIT ${max}`;
        const rows = await session.all(sql, [rowId, sqlTime(sinceMs)]);
        return rows.map((row) => ({ ...newestEvent.read(row), rowId: Number(row['id']) }));
      }),
    unprocessedEvents: (max) =>
      database.read(async (session) => (await session.all(`${unprocessedSql} LIMIT ${max}`)).map(storedEvent.read)),
    markProcessed: (rowId) =>
      database.write(async (session) => {
        await session.run(`UPDATE events SET processed_at = ${session.dialect.now} WHERE id = ?`, [rowId]);
      }),
    newestEvents: () =>
      database.read(async (session) => (await session.all(newestBefore(''))).map(newestEvent.read).reverse()),
  };
}

const unprocessedSql = 'SELECT id AS row_id, events.* FROM events WHERE processed_at IS NULL ORDER BY id';

const newestBefore = (
  and: string,
): string => `SELECT e.host, e.service, e.instance, e.status, e.description, e.received_at, e.ttl
  FROM (SELECT MAX(id) AS id FROM events WHERE service > '' ${and} GROUP BY service, host, instance) n
  JOIN events e ON e.id = n.id ORDER BY e.id DESC LIMIT ${maxServices}`;

function rowOf(event: NewEvent) {
  const { eventId, receivedAtMs, host, service, instance, status, description, tags, value, ttl, raw } = event;
  return {
    event_id: eventId,
    received_at: sqlTime(receivedAtMs),
    host,
    service,
    instance,
    status,
    description,
    tags: JSON.stringify(tags),
    value,
    ttl,
    raw,
  };
}
