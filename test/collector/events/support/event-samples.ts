import type { NewEvent } from '../../../../src/storage/store/event-store.ts';

/** Returns an event of a backup that went well. */
export function madeEvent(eventId: string, changes: Partial<NewEvent> = {}): NewEvent {
  return {
    eventId,
    receivedAtMs: Date.now(),
    host: 'web-1',
    service: 'backup',
    instance: '',
    status: 'OK',
    description: 'done',
    tags: [],
    value: null,
    ttl: null,
    raw: null,
    ...changes,
  };
}
