import type { NewEvent } from '../../storage/store/event-store.ts';
import type { RunEnd, RunStart, VisitRecord } from '../../storage/store/run.ts';
import { fieldsOf, parseRunEnd, parseRunStart, parseVisit } from './parse-records.ts';
import { parseStoredEvent } from './parse-stored-event.ts';

/** A document of the inbox: records of a run, visits that clients began, or events. */
export interface RecordDocument {
  /** The run of the visits. Its end is null while it runs, and where only the visits are to be stored. */
  readonly run: { readonly start: RunStart; readonly end: RunEnd | null } | null;
  readonly visits: readonly VisitRecord[];
  readonly events: readonly NewEvent[];
}

export interface ParsedDocument extends RecordDocument {
  /** The number of records of another form than this program writes. */
  readonly strange: number;
}

const nothing = { run: null, visits: [], events: [] } as const;

/**
 * Parses a document. Omits and counts records of another form than this program writes. `visit` parses a visit, which
 * is most of the work.
 */
export function parseDocument(bytes: Buffer, visit = parseVisit): ParsedDocument {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    return { ...nothing, strange: 1 };
  }
  const fields = fieldsOf(value);
  if (!['run', 'visits', 'events'].some((key) => Object.hasOwn(fields, key))) return { ...nothing, strange: 1 };
  const run = parseRun(fields['run']);
  const visits = parseEach(fields['visits'], visit);
  const events = parseEach(fields['events'], parseStoredEvent);
  const isStrangeRun = run === null && (fields['run'] ?? null) !== null;
  const strange = Number(isStrangeRun) + visits.strange + events.strange;
  return { run, visits: visits.parsed, events: events.parsed, strange };
}

function parseRun(value: unknown): RecordDocument['run'] {
  const { start, end } = fieldsOf(value);
  const begun = parseRunStart(start);
  if (begun === null) return null;
  const ended = parseRunEnd(end);
  return { start: begun, end: ended === null ? null : { ...ended, id: begun.id } };
}

function parseEach<T>(list: unknown, parse: (value: unknown) => T | null): { parsed: readonly T[]; strange: number } {
  if (!Array.isArray(list)) return { parsed: [], strange: list === undefined ? 0 : 1 };
  const parsed = (list as readonly unknown[]).flatMap((one) => parse(one) ?? []);
  return { parsed, strange: list.length - parsed.length };
}
