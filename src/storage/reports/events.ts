import type { Database } from '../sql/database.ts';
import { insertRows } from '../sql/insert-rows.ts';
import { sqlTime } from '../sql/sql-time.ts';
import type { EventStore, NewEvent } from '../store/event-store.ts';

export function createEventStore(database: Database): EventStore {
  return {
    saveEvents: (events) =>
      database.write(async (session) => {
        const known = session.dialect.onConflict('event_id', ['event_id = events.event_id']);
        await insertRows(session, 'events', events.map(rowOf), known);
      }),
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
