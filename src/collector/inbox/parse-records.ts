/** Visits and runs from outside: of a document of this machine, or of a site. Each value is checked. */
import { printable } from '../agent/agent-faults.ts';
import { errorTable, stages } from '../../platform/errors/errors.ts';
import { parseBeside } from '../../report/beside.ts';
import { boundedTime, isStorableText } from '../../report/check-value.ts';
import {
  programs,
  readerOrNull,
  runEnds,
  type Restored,
  type RunEnd,
  type RunStart,
  type StateAttempt,
  type VisitRecord,
} from '../../storage/store/run.ts';

const maxMessageChars = 1000;

/** Parses a visit. Returns null for another form. Replaces values that are not essential by null. */
export function parseVisit(value: unknown): VisitRecord | null {
  const { runId, client, address, ok, uploaded, epoch, ...rest } = fieldsOf(value) as Unchecked<VisitRecord>;
  const { stage, code, message, reader, bootId, sealedTo, connectMs } = rest;
  const { bytesIn, bytesOut, durationMs } = rest;
  const beside = parseBeside(rest.beside);
  const startedAtMs = boundedTime(rest.startedAtMs);
  if (!isText(runId, 36) || !isText(client, 128) || !isText(address, 255) || startedAtMs === null) return null;
  if (!isCount(durationMs) || !isCount(bytesIn) || !isCount(bytesOut)) return null;
  if (typeof ok !== 'boolean' || typeof uploaded !== 'boolean') return null;
  const ids = Array.isArray(sealedTo) ? (sealedTo as readonly unknown[]).slice(0, 16).filter(isKeyId) : null;
  return {
    ...{ runId, client, address: printable(address), startedAtMs, durationMs, ok, uploaded },
    ...{ bytesIn: Math.round(bytesIn), bytesOut: Math.round(bytesOut) },
    connectMs: isCount(connectMs) ? connectMs : null,
    stage: stages.find((one) => one === stage) ?? (ok ? null : 'run'),
    code: typeof code === 'string' && Object.hasOwn(errorTable, code) ? code : ok ? null : 'internal',
    message: typeof message === 'string' ? oneLine(message.slice(0, maxMessageChars)) : null,
    reader: readerOrNull(reader),
    bootId: isText(bootId, 64) ? printable(bootId) : null,
    sealedTo: ids,
    nextAttemptAtMs: boundedTime(rest.nextAttemptAtMs),
    ...(Number.isSafeInteger(epoch) ? { epoch: epoch as number } : {}),
    ...parseAttempt(rest.state),
    ...(rest.stateSame === true ? { stateSame: true } : {}),
    ...(beside === null ? {} : { beside }),
  };
}

/** Reads a visit of a document whose visits have been parsed before, and are rows. Checks only what says which row. */
export function readStoredVisit(value: unknown): VisitRecord | null {
  const { runId, client, ...rest } = fieldsOf(value) as Unchecked<VisitRecord>;
  const startedAtMs = boundedTime(rest.startedAtMs);
  if (!isText(runId, 36) || !isText(client, 128) || startedAtMs === null) return null;
  return { ...(value as VisitRecord), startedAtMs };
}

function parseAttempt(value: unknown): Pick<VisitRecord, 'state'> {
  const { stamp, runs } = fieldsOf(value) as Unchecked<StateAttempt>;
  if (!isClients(runs)) return {};
  return { state: { stamp: isText(stamp, 64) ? printable(stamp) : null, runs } };
}

/** Parses the start of a run. Returns null for another form. */
export function parseRunStart(value: unknown): RunStart | null {
  const { id, program, collectorId, host, scope, configDigest, ...rest } = fieldsOf(value) as Unchecked<RunStart>;
  const startedAtMs = boundedTime(rest.startedAtMs);
  if (!isText(id, 36) || !isText(host, 255) || startedAtMs === null) return null;
  return {
    id,
    program: programs.find((known) => known === program) ?? 'collect',
    collectorId: isText(collectorId, 64) ? collectorId : '',
    host: printable(host),
    scope: scope === 'full' ? 'full' : 'filtered',
    configDigest: isText(configDigest, 64) && /^[0-9a-f]{64}$/.test(configDigest) ? configDigest : '',
    startedAtMs,
  };
}

/** Parses the end of a run. Returns null for another form. */
export function parseRunEnd(value: unknown): Omit<RunEnd, 'id'> | null {
  const fields = fieldsOf(value) as Unchecked<RunEnd>;
  const { clients, succeeded, failed, skipped, cpuMs, maxRssBytes } = fields;
  const outcome = runEnds.find((known) => known === fields.outcome);
  const finishedAtMs = boundedTime(fields.finishedAtMs);
  if (outcome === undefined || finishedAtMs === null) return null;
  if (!isClients(clients) || !isClients(succeeded) || !isClients(failed) || !isClients(skipped)) return null;
  const use = { cpuMs: isCount(cpuMs) ? cpuMs : 0, maxRssBytes: isCount(maxRssBytes) ? maxRssBytes : 0 };
  const restored = parseRestored(fields.restored);
  return {
    outcome,
    finishedAtMs,
    clients,
    succeeded,
    failed,
    skipped,
    ...use,
    ...(restored === null ? {} : { restored }),
  };
}

/** Parses what a run stored again. Returns null for another form. */
export function parseRestored(value: unknown): Restored | null {
  const { reports, records, fromMs, toMs, note } = fieldsOf(value) as Unchecked<Restored>;
  if (!isClients(reports) || !isClients(records)) return null;
  const words = typeof note === 'string' ? oneLine(note.slice(0, maxMessageChars)) : null;
  return { reports, records, fromMs: boundedTime(fromMs), toMs: boundedTime(toMs), note: words };
}

type Unchecked<T> = Partial<Record<keyof T, unknown>>;

/** Returns the fields of an object; none of another value. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

/** Formats a text as one line without control characters. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufffd\s]+/gu, ' ').trim();
}

/** True if a value is a number from 0 to 2^45, fractions included: milliseconds have them. */
function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 2 ** 45;
}

/** True if a value is a number of clients. */
function isClients(value: unknown): value is number {
  return Number.isInteger(value) && isCount(value) && value < 2 ** 31;
}

function isKeyId(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{16}$/.test(value);
}

/** True if a value is a text that a column of so many characters holds. */
function isText(value: unknown, maxChars: number): value is string {
  return typeof value === 'string' && value.length <= maxChars && isStorableText(value);
}
