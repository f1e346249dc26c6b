import type { Client } from '../../config/config.ts';
import { dayMs } from '../../platform/units.ts';
import { idFrom, siteId } from '../../state/collector-id.ts';
import type { RunEnd, RunStart, VisitRecord } from '../../storage/store/run.ts';
import { allowances, type Allowance, type Origin, type SiteClients } from './origins.ts';
import type { ParsedDocument, RecordDocument } from './parse-document.ts';

export interface AdmitContext {
  /** The clients that config.xml gives to the site of the document. */
  readonly site: SiteClients | null;
  /** The age beyond which records of another machine are dropped: their rows would be pruned at once. */
  readonly retentionMs: number;
  readonly nowMs: number;
}

/** The part of a document that its origin may bring. */
export interface Admitted extends RecordDocument {
  /** The number of records that the origin may not bring. */
  readonly dropped: number;
}

/** The most that the clock of another machine may be ahead. */
const maxAheadMs = dayMs;
/** The column has 255 characters: a long host must not cut off the site's name. */
const maxHostChars = 100;

/** Returns the part of a document that its origin may bring. */
export function admitDocument(origin: Origin['kind'], document: ParsedDocument, context: AdmitContext): Admitted {
  const { records, isForeign }: Allowance = allowances[origin];
  const run = records.includes('runs') ? document.run : null;
  const visits = records.includes('visits') ? document.visits : [];
  const events = records.includes('events') ? document.events : [];
  const dropped = countOf(document) - countOf({ run, visits, events });
  if (!isForeign) return { run, visits, events, dropped };
  const own = context.site === null || run === null ? null : ofSite(run, visits, { ...context, site: context.site });
  if (own === null) return { run: null, visits: [], events: [], dropped: countOf(document) };
  return { ...own, events: [], dropped: dropped + visits.length - own.visits.length };
}

function countOf({ run, visits, events }: RecordDocument): number {
  return visits.length + events.length + (run === null || run.end === null ? 0 : 1);
}

interface OfSite extends AdmitContext {
  readonly site: SiteClients;
}

/**
 * Returns the records of a site's run by the clients of the site; null if the run is too old, or lies in the future.
 * The id of the run is derived from the site, so that a site cannot change a run of another collector.
 */
function ofSite(
  { start, end }: NonNullable<RecordDocument['run']>,
  visits: readonly VisitRecord[],
  { site: { site, clients }, retentionMs, nowMs }: OfSite,
): Pick<RecordDocument, 'run' | 'visits'> | null {
  const { startedAtMs } = start;
  if (startedAtMs < nowMs - retentionMs || startedAtMs > nowMs + maxAheadMs) return null;
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
  const seen = new Set<Client>();
  const own = visits.flatMap((visit): readonly VisitRecord[] => {
    const client = clients.get(visit.client);
    if (client === undefined || seen.has(client)) return [];
    seen.add(client);
    const { epoch: _epoch, ...rest } = visit;
    // A site visits each client itself: it takes no pushes.
    const reader = visit.reader === 'push' ? null : visit.reader;
    const { name, address } = client;
    return [{ ...rest, reader, client: name, address, runId: id, startedAtMs: ofRun(visit.startedAtMs) }];
  });
  return { run: { start: begun, end: ended }, visits: own };
}
