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
  /** The number of records that were not chosen. */
  readonly dropped: number;
}

export interface ParseOptions {
  /** Parses a visit, which is most of the work. Default: parseVisit. */
  readonly visit?: typeof parseVisit;
  /** Returns the records of a list that are parsed. Default: all. */
  readonly choose?: (kind: 'visits' | 'events', records: readonly unknown[]) => readonly unknown[];
}

const chooseAll: NonNullable<ParseOptions['choose']> = (_kind, records) => records;

const nothing = { run: null, visits: [], events: [], dropped: 0 } as const;

/** Parses a document. Omits and counts records of another form than this program writes, and those not chosen. */
export function parseDocument(
  bytes: Buffer,
  { visit = parseVisit, choose = chooseAll }: ParseOptions = {},
): ParsedDocument {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    return { ...nothing, strange: 1 };
  }
  const fields = fieldsOf(value);
  if (!['run', 'visits', 'events'].some((key) => Object.hasOwn(fields, key))) return { ...nothing, strange: 1 };
  const run = parseRun(fields['run']);
  const visits = parseEach(fields['visits'], visit, (records) => choose('visits', records));
  const events = parseEach(fields['events'], parseStoredEvent, (records) => choose('events', records));
  const isStrangeRun = run === null && (fields['run'] ?? null) !== null;
  const strange = Number(isStrangeRun) + visits.strange + events.strange;
  return { run, visits: visits.parsed, events: events.parsed, strange, dropped: visits.dropped + events.dropped };
}

function parseRun(value: unknown): RecordDocument['run'] {
  const { start, end } = fieldsOf(value);
  const begun = parseRunStart(start);
  if (begun === null) return null;
  const ended = parseRunEnd(end);
  return { start: begun, end: ended === null ? null : { ...ended, id: begun.id } };
}

interface Parsed<T> extends Pick<ParsedDocument, 'strange' | 'dropped'> {
  readonly parsed: readonly T[];
}

function parseEach<T>(
  value: unknown,
  parse: (record: unknown) => T | null,
  choose: (records: readonly unknown[]) => readonly unknown[],
): Parsed<T> {
  if (!Array.isArray(value)) return { parsed: [], strange: value === undefined ? 0 : 1, dropped: 0 };
  const records: readonly unknown[] = value;
  const chosen = choose(records);
  const parsed = chosen.flatMap((one) => parse(one) ?? []);
  return { parsed, strange: chosen.length - parsed.length, dropped: records.length - chosen.length };
}
