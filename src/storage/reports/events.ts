import { numberOrNull } from '../store/record-shape.ts';
import type { Database, SqlRow } from '../sql/database.ts';
import { mergeRows } from '../sql/insert-rows.ts';
import { fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import { eventStatuses, maxServices } from '../store/event-store.ts';
import type { EventStore, NewestEvent, NewEvent, StoredEvent } from '../store/event-store.ts';

export function createEventStore(database: Database): EventStore {
  return {
    saveEvents: (events) =>
      database.write(async (session) => {
        await mergeRows(session, 'events', ['event_id'], events.map(rowOf), () => ['event_id = events.event_id']);
      }),
    newestEventsAt: (atMs) =>
      database.read(async (session) =>
        (await session.all(newestBefore('AND received_at <= ?'), [sqlTime(atMs)])).map(newestOf).reverse(),
      ),
    eventsAfter: (sinceMs, rowId, max) =>
      database.read(async (session) => {
        const sql = `SELECT * FROM events WHERE id > ? AND received_at > ? AND service > '' ORDER BY id LIMIT ${max}`;
        const rows = await session.all(sql, [rowId, sqlTime(sinceMs)]);
        return rows.map((row) => ({ ...newestOf(row), rowId: Number(row['id']) }));
      }),
    unprocessedEvents: (max) =>
      database.read(async (session) =>
        (await session.all(`SELECT * FROM events WHERE processed_at IS NULL ORDER BY id LIMIT ${max}`)).map(storedOf),
      ),
    markProcessed: (rowId) =>
      database.write(async (session) => {
        await session.run(`UPDATE events SET processed_at = ${session.dialect.now} WHERE id = ?`, [rowId]);
      }),
    newestEvents: () => database.read(async (session) => (await session.all(newestBefore(''))).map(newestOf).reverse()),
  };
}

const newestBefore = (
  and: string,
): string => `SELECT e.host, e.service, e.instance, e.status, e.description, e.received_at, e.ttl
  FROM (SELECT MAX(id) AS id FROM events WHERE service > '' ${and} GROUP BY service, host, instance) n
  JOIN events e ON e.id = n.id ORDER BY e.id DESC LIMIT ${maxServices}`;

function storedOf(row: SqlRow): StoredEvent {
  const status = eventStatuses.find((known) => known === row['status']) ?? null;
  return {
    ...newestOf(row),
    rowId: Number(row['id']),
    eventId: String(row['event_id']),
    status,
    tags: tagsOf(row['tags']),
    value: numberOrNull(row['value']),
    raw: row['raw'] === null ? null : String(row['raw']),
  };
}

/** Reads the column `tags`. A row that another program wrote keeps no other from being read. */
function tagsOf(value: unknown): readonly string[] {
  try {
    const tags: unknown = JSON.parse(String(value));
    return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [];
  } catch {
    return [];
  }
}

function newestOf(row: SqlRow): NewestEvent {
  return {
    host: String(row['host']),
    service: String(row['service']),
    instance: String(row['instance']),
    status: eventStatuses.find((status) => status === row['status']) ?? 'UNKNOWN',
    description: String(row['description']),
    receivedAtMs: fromSqlTime(row['received_at']) ?? 0,
    ttl: numberOrNull(row['ttl']),
  };
}

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
