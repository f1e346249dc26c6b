import * as v from 'valibot';

import { ofForm } from '../../platform/parse-json.ts';
import { boundedTime, isStorableText } from '../../report/check-value.ts';
import { eventStatuses, type NewEvent } from '../../storage/store/event-store.ts';

const text = v.pipe(v.string(), v.check(isStorableText));
const numberOrNull = v.nullable(v.pipe(v.number(), v.finite()));

const storedEvent = v.object({
  eventId: v.pipe(text, v.nonEmpty()),
  receivedAtMs: v.pipe(v.unknown(), v.transform(boundedTime), v.number()),
  ...{ host: text, service: text, instance: text },
  status: v.nullable(v.picklist(eventStatuses)),
  description: text,
  tags: v.array(text),
  ...{ value: numberOrNull, ttl: numberOrNull },
  raw: v.nullable(text),
});

/** Parses an event of a document. Returns null for another form than this program writes. */
export function parseStoredEvent(given: unknown): NewEvent | null {
  return ofForm(storedEvent, given);
}
