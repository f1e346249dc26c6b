/**
 * Frames that the collector of a site sends beside sealed reports: the clocks of a report, and visits or a run. Their
 * content is not sealed and comes from another machine, so each value is checked.
 */
import { printable } from '../agent/agent-faults.ts';
import { errorTable } from '../../errors.ts';
import { encodeFrame } from '../../report/frames.ts';
import { maxForwardedBytes } from '../../report/wire.ts';
import { sha256 } from '../../seal/push.ts';
import type { RunEnd, RunStart } from '../../storage/store/run.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
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
const maxMessageChars = 1000;

export function encodeClocks({ receivedAtMs, clock }: ArrivalClocks): Buffer {
  return encodeFrame('C', Buffer.from(JSON.stringify({ receivedAtMs, clock })));
}

/** Parses the payload of a frame of clocks. Returns null for another form. */
export function parseClocks(payload: Buffer): ArrivalClocks | null {
  const { receivedAtMs, clock } = objectIn(payload);
  if (!isTime(receivedAtMs)) return null;
  if (clock === null) return { receivedAtMs, clock };
  const { offsetMs, monotonicZeroMs, bootId } = (clock ?? {}) as Unchecked<ClockFacts>;
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
    return { kind, visits: (visits as readonly unknown[]).flatMap((visit) => parseVisit(visit) ?? []) };
  }
  if (kind !== 'run') return null;
  const run = parseRun(start, end);
  return run === null ? null : { kind, ...run };
}

const stages = [
  'resolve',
  'connect',
  'handshake',
  'login',
  'channel',
  'upload',
  'agent',
  'report',
  'seal',
  'spool',
  'run',
];
const readers = ['node', 'runtime', 'shell', 'spoke'] as const;

function parseVisit(value: unknown): VisitRecord | null {
  if (typeof value !== 'object' || value === null) return null;
  const { runId, client, address, startedAtMs, durationMs, ok, connectMs, ...rest } = value as Unchecked<VisitRecord>;
  const { bytesIn, bytesOut, uploaded, stage, code, message, reader, bootId, sealedTo, nextAttemptAtMs } = rest;
  if (!isText(runId, 64) || !isText(client, 128) || !isText(address, 255)) return null;
  if (!isTime(startedAtMs) || !isCount(durationMs) || !isCount(bytesIn) || !isCount(bytesOut)) return null;
  if (typeof ok !== 'boolean' || typeof uploaded !== 'boolean') return null;
  const ids = Array.isArray(sealedTo) ? (sealedTo as readonly unknown[]).slice(0, 16).filter(isKeyId) : null;
  return {
    ...{ runId, client, address: printable(address), startedAtMs, durationMs, ok, bytesIn, bytesOut, uploaded },
    connectMs: isCount(connectMs) ? connectMs : null,
    stage: stages.find((one) => one === stage) ?? (ok ? null : 'run'),
    code: typeof code === 'string' && Object.hasOwn(errorTable, code) ? code : ok ? null : 'internal',
    message: isText(message, maxMessageChars) ? oneLine(message) : null,
    reader: readers.find((one) => one === reader) ?? null,
    bootId: isText(bootId, 64) ? printable(bootId) : null,
    sealedTo: ids,
    nextAttemptAtMs: isTime(nextAttemptAtMs) ? nextAttemptAtMs : null,
  };
}

const outcomes = ['finished', 'failed', 'overlapped', 'interrupted'] as const;

function parseRun(one: unknown, other: unknown): { readonly start: RunStart; readonly end: RunEnd } | null {
  const { id, host, scope, configDigest, startedAtMs } = (one ?? {}) as Unchecked<RunStart>;
  const {
    outcome: ended,
    finishedAtMs,
    clients,
    succeeded,
    failed,
    skipped,
    cpuMs,
    maxRssBytes,
  } = (other ?? {}) as Unchecked<RunEnd>;
  const outcome = outcomes.find((known) => known === ended);
  if (!isText(id, 64) || !isText(host, 255) || outcome === undefined) return null;
  if (!isTime(startedAtMs) || !isTime(finishedAtMs)) return null;
  if (!isCount(clients) || !isCount(succeeded) || !isCount(failed) || !isCount(skipped)) return null;
  const digest = isText(configDigest, 64) && /^[0-9a-f]{64}$/.test(configDigest) ? configDigest : '';
  const start: RunStart = {
    ...{ id, host: printable(host), startedAtMs, configDigest: digest },
    ...{ program: 'collect', collectorId: '', scope: scope === 'full' ? 'full' : 'filtered' },
  };
  const use = { cpuMs: isCount(cpuMs) ? cpuMs : 0, maxRssBytes: isCount(maxRssBytes) ? maxRssBytes : 0 };
  return { start, end: { id, outcome, finishedAtMs, clients, succeeded, failed, skipped, ...use } };
}

type Unchecked<T> = Partial<Record<keyof T, unknown>>;

function objectIn(payload: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(payload.toString());
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}

/** Formats a text as one line without control characters. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\ufffd\s]+/gu, ' ').trim();
}

/** The latest accepted time: the year 3000. */
const latestMs = Date.UTC(3000, 0, 1);

function isTime(value: unknown): value is number {
  return isCount(value) && value <= latestMs;
}

/**
 * True if a value is a number from 0 to 2^45, fractions included: milliseconds have them. The counts of a visit do not
 * reach the bound of a 32-bit column.
 */
function isCount(value: unknown): value is number {
  return isNumber(value) && value >= 0 && value <= 2 ** 45;
}

function isKeyId(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{16}$/.test(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && Math.abs(value) <= 2 ** 53;
}

function isText(value: unknown, maxChars: number): value is string {
  return typeof value === 'string' && value.length <= maxChars;
}
