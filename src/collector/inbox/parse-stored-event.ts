import { boundedTime, isStorableText } from '../../report/outside-values.ts';
import { eventStatuses, type NewEvent } from '../../storage/store/event-store.ts';

/** Parses an event of a document. Returns null for another form than this program writes. */
export function parseStoredEvent(given: unknown): NewEvent | null {
  if (typeof given !== 'object' || given === null) return null;
  const { eventId, receivedAtMs, host, service, instance, ...more } = given as Partial<Record<keyof NewEvent, unknown>>;
  const { description, tags, value, ttl, raw, status } = more;
  const atMs = boundedTime(receivedAtMs);
  if (!isText(eventId) || eventId === '' || atMs === null || !isText(host) || !isText(service)) return null;
  if (!isText(instance) || !isText(description) || !Array.isArray(tags) || !tags.every(isText)) return null;
  if (!isNumberOrNull(value) || !isNumberOrNull(ttl) || !(raw === null || isText(raw))) return null;
  const known = eventStatuses.find((one) => one === status) ?? null;
  if (known === null && status !== null) return null;
  return { eventId, receivedAtMs: atMs, host, service, instance, status: known, description, tags, value, ttl, raw };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && isStorableText(value);
}

function isNumberOrNull(value: unknown): value is number | null {
  return value === null || (typeof value === 'number' && Number.isFinite(value));
}
