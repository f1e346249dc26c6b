/**
 * Frames that the collector of a site sends beside sealed reports: the clocks of a report, and visits or a run. Their
 * content is not sealed and comes from another machine, so each value is checked.
 */
import { boundedTime } from '../../report/values/bounded-time.ts';
import { encodeFrame } from '../../report/frames.ts';
import { maxForwardedBytes } from '../../report/wire.ts';
import { sha256 } from '../../seal/push.ts';
import type { RunEnd, RunStart } from '../../storage/store/run.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import { fieldsOf, isText, maxMessageChars, parseRunEnd, parseRunStart, parseVisit } from '../pass/parse-records.ts';
import type { ClockFacts } from '../spool/clock-facts.ts';

/** The time when a report arrived at the site, and the clocks of its client at that time, by the clock of the site. */
export interface ArrivalClocks {
  readonly receivedAtMs: number;
  readonly clock: ClockFacts | null;
}

export type Forwarded =
  | { readonly kind: 'visits'; readonly visits: readonly VisitRecord[] }
  | { readonly kind: 'run'; readonly start: RunStart; readonly end: RunEnd };

/** The number of bytes that acknowledge a frame. */
const digestBytes = 16;
/** The size up to which a frame is filled, small enough for a slow link; a visit has some hundred bytes. */
const filledBytes = 4 * 1024;

export function encodeClocks({ receivedAtMs, clock }: ArrivalClocks): Buffer {
  return encodeFrame('C', Buffer.from(JSON.stringify({ receivedAtMs, clock })));
}

/** Parses the payload of a frame of clocks. Returns null for another form. */
export function parseClocks(payload: Buffer): ArrivalClocks | null {
  const { receivedAtMs: arrivedAtMs, clock } = objectIn(payload);
  const receivedAtMs = boundedTime(arrivedAtMs);
  if (receivedAtMs === null) return null;
  if (clock === null) return { receivedAtMs, clock };
  const { offsetMs, monotonicZeroMs, bootId } = fieldsOf(clock) as Partial<Record<keyof ClockFacts, unknown>>;
  if (!isNumber(offsetMs) || !isNumber(monotonicZeroMs) || !(bootId === null || isText(bootId, 64))) return null;
  return { receivedAtMs, clock: { offsetMs, monotonicZeroMs, bootId } };
}

/** Returns the payloads of frames with these records. */
export function payloadsOf(records: Forwarded): readonly Buffer[] {
  if (records.kind === 'run') return [Buffer.from(JSON.stringify(records))];
  const payloads: Buffer[] = [];
  let some: VisitRecord[] = [];
  let bytes = 0;
  const end = (): void => {
    if (some.length > 0) payloads.push(Buffer.from(JSON.stringify({ kind: 'visits', visits: some })));
    some = [];
    bytes = 0;
  };
  for (const visit of records.visits) {
    const clipped = { ...visit, message: visit.message?.slice(0, maxMessageChars) ?? null };
    const size = Buffer.byteLength(JSON.stringify(clipped));
    if (bytes + size > filledBytes) end();
    if (size > maxForwardedBytes / 2) continue;
    some.push(clipped);
    bytes += size;
  }
  end();
  return payloads;
}

/** Returns the bytes that acknowledge a frame of records. Equal records have equal bytes. */
export function acknowledgementOf(payload: Uint8Array): Buffer {
  return sha256(payload).subarray(0, digestBytes);
}

/** Parses the payload of a frame of records. Returns null for another form. Omits visits of another form. */
export function parseForwarded(payload: Buffer): Forwarded | null {
  const { kind, visits, start, end } = objectIn(payload);
  if (kind === 'visits' && Array.isArray(visits)) {
    return { kind, visits: (visits as readonly unknown[]).flatMap((visit) => visitOfSite(visit) ?? []) };
  }
  if (kind !== 'run') return null;
  const [begun, ended] = [parseRunStart(start), parseRunEnd(end)];
  if (begun === null || ended === null) return null;
  return { kind, start: { ...begun, program: 'collect', collectorId: '' }, end: { ...ended, id: begun.id } };
}

/** Parses a visit of a site's collector, which visits each client itself and shares its clients with no other. */
function visitOfSite(value: unknown): VisitRecord | null {
  const parsed = parseVisit(value);
  if (parsed === null) return null;
  const { epoch: _epoch, ...visit } = parsed;
  return { ...visit, reader: visit.reader === 'push' ? null : visit.reader };
}

function objectIn(payload: Buffer): Readonly<Record<string, unknown>> {
  try {
    return fieldsOf(JSON.parse(payload.toString()));
  } catch {
    return {};
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= 2 ** 53;
}
