/** src/collector/inbox: documents of records: who may bring what, written, read, stored. */
import type { Client } from '../../config/config.ts';
import { dayMs, hourMs } from '../../platform/units.ts';
import { idFrom, siteId } from '../../state-folder/collector-id.ts';
import type { RunEnd, RunStart, VisitRecord } from '../../storage/store/run.ts';
import { allowances, type Allowance, type Origin, type SiteClients } from './origins.ts';
import { parseDocument, type ParsedDocument, type RecordDocument } from './parse-document.ts';
import { fieldsOf, parseVisit } from './parse-records.ts';

export interface AdmitContext {
  /** The clients that config.xml gives to the site of the document. */
  readonly site: SiteClients | null;
  /** The age beyond which records of another machine are dropped: their rows would be pruned at once. */
  readonly retentionMs: number;
  readonly nowMs: number;
}

/** The part of a document that its origin may bring. The number `dropped` is that of the other records. */
export type Admitted = ParsedDocument;

/** The most that the clock of another machine may be ahead. */
const maxAheadMs = dayMs;
/** The longest pause before the next attempt that a site may say: twice that of a collector. */
const longestPauseMs = 2 * hourMs;
/** The column has 255 characters: a long host must not cut off the site's name. */
const maxHostChars = 100;

/**
 * Parses the part of a document that its origin may bring. Of a site that is one visit of each of its clients: the
 * others, however many, are counted and not parsed.
 */
export function admitDocument(
  origin: Origin['kind'],
  bytes: Buffer,
  context: AdmitContext,
  visit = parseVisit,
): Admitted {
  const { records, isForeign }: Allowance = allowances[origin];
  const { site } = context;
  const choose = (kind: 'visits' | 'events', given: readonly unknown[]): readonly unknown[] => {
    if (!records.includes(kind)) return [];
    return isForeign && kind === 'visits' ? firstOfEach(given, site) : given;
  };
  const document = parseDocument(bytes, { visit, choose });
  const run = records.includes('runs') ? document.run : null;
  const own = isForeign ? ofSite({ ...document, run }, context) : { run };
  const admitted = { ...document, ...own };
  return { ...admitted, dropped: document.dropped + countOf(document) - countOf(admitted) };
}

const nothing = { run: null, visits: [] } as const;

/** Returns the first visit of each client of a site. */
function firstOfEach(visits: readonly unknown[], site: SiteClients | null): readonly unknown[] {
  const seen = new Set<Client>();
  return visits.filter((visit) => {
    const client = site?.clients.get(fieldsOf(visit)['client'] as string);
    if (client === undefined || seen.has(client)) return false;
    seen.add(client);
    return true;
  });
}

function countOf({ run, visits }: Pick<RecordDocument, 'run' | 'visits'>): number {
  return visits.length + (run === null || run.end === null ? 0 : 1);
}

/** Returns the times of a visit that began at a moment: it took a day at most, and the next attempt has a limit too. */
function timesOf(
  { durationMs, connectMs, nextAttemptAtMs: nextMs }: VisitRecord,
  startedAtMs: number,
): Pick<VisitRecord, 'startedAtMs' | 'durationMs' | 'connectMs' | 'nextAttemptAtMs'> {
  const isPause = nextMs !== null && nextMs > startedAtMs && nextMs <= startedAtMs + longestPauseMs;
  return {
    startedAtMs,
    durationMs: Math.min(dayMs, durationMs),
    connectMs: connectMs === null ? null : Math.min(dayMs, connectMs),
    nextAttemptAtMs: isPause ? nextMs : null,
  };
}

/**
 * Returns the records of a site's run by the clients of the site; none if the run is too old, or lies in the future.
 * The id of the run is derived from the site, so that a site cannot change a run of another collector.
 */
function ofSite(
  { run, visits }: Pick<RecordDocument, 'run' | 'visits'>,
  { site: own, retentionMs, nowMs }: AdmitContext,
): Pick<RecordDocument, 'run' | 'visits'> {
  if (own === null || run === null) return nothing;
  const { site, clients } = own;
  const { start, end } = run;
  const { startedAtMs } = start;
  if (startedAtMs < nowMs - retentionMs || startedAtMs > nowMs + maxAheadMs) return nothing;
  const id = idFrom(`${site} ${start.id}`);
  const ofRun = (timeMs: number): number => Math.min(nowMs, startedAtMs + dayMs, Math.max(startedAtMs, timeMs));
  const begun: RunStart = {
    ...start,
    id,
    program: 'collect',
    collectorId: siteId(site),
    // The host must not look like a collector on this machine.
    host: `${start.host.slice(0, maxHostChars).replace(/\p{Cs}$/u, '')} (site ${site})`,
    startedAtMs: Math.min(nowMs, startedAtMs),
  };
  // A site has no database, so its run cannot have looked what one forgot.
  const ended: RunEnd | null =
    end === null ? null : { ...end, id, finishedAtMs: ofRun(end.finishedAtMs), restored: null };
  const ofClients = visits.flatMap((visit): readonly VisitRecord[] => {
    const client = clients.get(visit.client);
    if (client === undefined) return [];
    const { epoch: _epoch, ...rest } = visit;
    // A site visits each client itself: it takes no pushes.
    const reader = visit.reader === 'push' ? null : visit.reader;
    const { name, address } = client;
    const times = timesOf(visit, ofRun(visit.startedAtMs));
    return [{ ...rest, reader, client: name, address, runId: id, ...times }];
  });
  return { run: { start: begun, end: ended }, visits: ofClients };
}
