import type { Client } from '../../config/config.ts';
import { asFleetError, FleetError } from '../../errors.ts';
import { idFrom, siteId } from '../../state/collector-id.ts';
import type { RunEnd, RunStart } from '../../storage/store/run.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import type { ReceivedHello } from '../agent/agent-session.ts';
import type { JournalLine } from '../pass/journal-files.ts';
import { keepForwarded } from '../pass/journal.ts';
import { acknowledgementOf, parseForwarded, type Forwarded } from './forwarded.ts';
import type { Receiver } from './receiver.ts';
import { ourFutureTime, ourTime } from './site-clock.ts';

export interface SiteRecordsOptions {
  readonly receiver: Pick<Receiver, 'paths' | 'journalBytes'>;
  readonly site: string;
  /** The clients of the site, by their names and their former names. */
  readonly clients: ReadonlyMap<string, Client>;
  readonly onFault: (fault: FleetError) => void;
}

/** The most bytes of one site's journals that wait for a run: some 100,000 visits. */
const mostBytesOfSite = 32 * 1024 * 1024;

/** The column has 255 characters: a long host must not cut off the site's name. */
const mostHostChars = 100;

/**
 * Receives the records of visits and runs of one stream and writes them into one file of the journal, for the next run.
 * Journals of a site are never dropped. Therefore accepts no more while `mostBytesOfSite` wait.
 */
export function takeRecords({ receiver, site, clients, onFault }: SiteRecordsOptions) {
  const { paths, journalBytes } = receiver;
  const id = siteId(site);
  const lines: JournalLine[] = [];
  const taken: Buffer[] = [];
  let newestMs = 0;
  const faultOf = (message: string): FleetError =>
    new FleetError({ code: 'spool-full', stage: 'spool', message: `site ${site}: ${message}` });
  return {
    /** Adds the payload of one frame. */
    take: (payload: Buffer, hello: ReceivedHello): void => {
      const records = parseForwarded(payload);
      if (records === null) {
        onFault(faultOf('records of a form that this version does not know'));
        return;
      }
      taken.push(acknowledgementOf(payload));
      newestMs = Math.max(newestMs, timeOf(records));
      const foreign = records.kind === 'visits' ? records.visits.find(({ client }) => !clients.has(client)) : undefined;
      if (foreign !== undefined) onFault(foreignFault(site, foreign.client));
      const own = ownRecords(records, { site, clients, hello });
      if (own !== null) lines.push(own);
    },
    /** Stores all records safely. Returns the acknowledgements: none if the records could not be kept. */
    keep: async (): Promise<readonly Buffer[]> => {
      if (lines.length === 0) return taken;
      const waiting = journalBytes.get(id) ?? 0;
      if (waiting >= mostBytesOfSite) {
        onFault(faultOf(`${waiting} bytes of its visits and runs wait to be stored: look at the runs of collect`));
        return [];
      }
      try {
        const name = idFrom(`${site} ${Buffer.concat(taken).toString('hex')}`);
        const bytes = await keepForwarded({ dir: paths.journal, site: id, newestMs, id: name, lines });
        journalBytes.set(id, waiting + bytes);
        return taken;
      } catch (thrown) {
        onFault(asFleetError(thrown, { code: 'spool-full', stage: 'spool' }));
        return [];
      }
    },
  };
}

/** Returns the fault of a site that sends data about a client of another site. */
export function foreignFault(site: string, client: string): FleetError {
  return new FleetError({
    code: 'report-foreign',
    stage: 'seal',
    message: `site ${site}: config.xml does not give ${JSON.stringify(client)} to it`,
    advice: 'Write transport="forward" and the label site into its <client>, or look at who has the key of the site.',
  });
}

/** Returns the time of the newest of these records by the clock of the site. */
function timeOf(records: Forwarded): number {
  if (records.kind === 'run') return records.start.startedAtMs;
  return records.visits.reduce((newest, { startedAtMs }) => Math.max(newest, startedAtMs), 0);
}

interface OfSite {
  readonly site: string;
  readonly clients: ReadonlyMap<string, Client>;
  readonly hello: ReceivedHello;
}

/**
 * Returns the journal line for the records of a site about its own clients; null if there are none. The ids of its runs
 * are derived from the site, so that it cannot change a run of another collector.
 */
function ownRecords(records: Forwarded, { site, clients, hello }: OfSite): JournalLine | null {
  const ours = (timeMs: number): number => ourTime(timeMs, hello);
  const runId = (id: string): string => idFrom(`${site} ${id}`);
  if (records.kind === 'visits') {
    const visits = records.visits.flatMap((visit): readonly VisitRecord[] => {
      const client = clients.get(visit.client);
      if (client === undefined) return [];
      const { nextAttemptAtMs: nextMs } = visit;
      const nextAttemptAtMs = nextMs === null ? null : ourFutureTime(nextMs, hello);
      const times = { startedAtMs: ours(visit.startedAtMs), nextAttemptAtMs };
      return [{ ...visit, ...times, client: client.name, address: client.address, runId: runId(visit.runId) }];
    });
    return visits.length === 0 ? null : { kind: 'visits', visits };
  }
  const { id, host, startedAtMs } = records.start;
  const start: RunStart = {
    ...records.start,
    id: runId(id),
    collectorId: siteId(site),
    // The host must not look like a collector on this machine.
    host: `${host.slice(0, mostHostChars).replace(/\p{Cs}$/u, '')} (site ${site})`,
    startedAtMs: ours(startedAtMs),
  };
  const end: RunEnd = { ...records.end, id: start.id, finishedAtMs: ours(records.end.finishedAtMs) };
  return { kind: 'forwarded', start, end };
}
