import { Readable, type Writable } from 'node:stream';

import type { Client } from '../../config/config.ts';
import { asFleetError, FleetError, messageOf } from '../../errors.ts';
import { rememberedWeakly } from '../../platform/remembered.ts';
import { secondMs } from '../../platform/units.ts';
import type { Frame } from '../../report/wire.ts';
import { pushLimits, pushMarker } from '../../seal/push.ts';
import { idFrom, siteId } from '../../state/collector-id.ts';
import type { RunEnd, RunStart } from '../../storage/store/run.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import { takeStream, type ReceivedHello, type ReceivedReport } from '../agent/agent-session.ts';
import { keepForwarded } from '../pass/journal.ts';
import { keepArrived } from '../spool/keep-report.ts';
import { reportTaker } from '../visit/take-report.ts';
import { acknowledgementOf, parseClocks, parseForwarded, type ArrivalClocks, type Forwarded } from './forwarded.ts';
import { spooledFinder } from './kept-reports.ts';
import type { ReceiveVisitOptions } from './receive-visit.ts';

export interface ReceiveSiteOptions extends Omit<ReceiveVisitOptions, 'client'> {
  /** The sender, for which the MAC of a request vouches. */
  readonly site: string;
  readonly input: Readable;
  readonly output: Writable;
}

export interface ReceivedSite {
  readonly acknowledged: number;
  /** The first fault of the stream, of a report, or of what could not be kept; null: all of it is safe. */
  readonly fault: FleetError | null;
}

/** The time limit of waiting for the site altogether. */
const waitMs = 60_000;
/** The clock of a site that is off by less is taken as right: a request takes so long on a slow link. */
const toleratedMs = 30 * secondMs;
const noExit = { status: null, signal: null };

/**
 * Takes one stream of the collector of a site: reports of its clients, each checked, made safe and acknowledged as one
 * that the client pushes, and records of visits and runs, which wait in the journal for the next run. Whatever concerns
 * a client that config.xml does not give to the site is refused. Times are moved by what the clock of the site is off.
 * Never throws for what the site does.
 */
export async function receiveSite(options: ReceiveSiteOptions): Promise<ReceivedSite> {
  const { receiver, config, site, input, output, signal, now, remembered } = options;
  const { keyRing, spool, paths } = receiver;
  const clients = clientsOfSites(config.clients).get(site) ?? new Map<string, Client>();
  const label = `site ${site}`;
  const progress = { sealedTo: new Set<string>(), anomaly: null as FleetError | null };
  const finders = new Map<string, ReturnType<typeof spooledFinder>>();
  let clocks: ArrivalClocks | null = null;

  const isKept = async (client: string, { sealed, header }: ReceivedReport): Promise<boolean> => {
    if (remembered?.has(client, sealed) === true) return true;
    const find = finders.get(client) ?? spooledFinder(spool, paths.encryptedStats, client);
    finders.set(client, find);
    return await find(header.reportId, sealed);
  };

  const keep = async (client: Client, report: ReceivedReport, arrival: ArrivalClocks): Promise<void> => {
    const { sealed, header } = report;
    if (await isKept(client.name, report)) return;
    await keepArrived(spool, { client: client.name, reportId: header.reportId, sealed, ...arrival });
    remembered?.add(client.name, sealed);
  };

  const onReport = async (report: ReceivedReport): Promise<'acknowledge' | 'keep'> => {
    const client = clients.get(report.header.client);
    const arrival = clocks;
    clocks = null;
    if (client === undefined || arrival === null) {
      progress.anomaly ??= foreignFault(label, report.header.client, arrival !== null);
      return 'keep';
    }
    const known = onOurClock(arrival, report.hello);
    return await reportTaker({ client, known: keyRing.known, progress, keep: (one) => keep(client, one, known) })(
      report,
    );
  };

  const onForwarded = async ({ type, payload }: Frame, hello: ReceivedHello): Promise<Buffer | null> => {
    if (type === 'C') {
      clocks = parseClocks(payload);
      return null;
    }
    const records = parseForwarded(payload);
    const acknowledgement = acknowledgementOf(payload);
    try {
      if (records === null) throw new Error('records of a form that this version does not know');
      if (receiver.isJournalFull) throw new Error('too many visits wait to be stored');
      const own = ownRecords(records, { site, clients, hello });
      const id = idFrom(`${site} ${acknowledgement.toString('hex')}`);
      if (own !== null) await keepForwarded(paths.journal, id, own.atMs, own.line);
      return acknowledgement;
    } catch (thrown) {
      const message = `${label}: ${messageOf(thrown)}`;
      const fault = { code: 'spool-full', stage: 'spool', message, cause: thrown } as const;
      progress.anomaly ??= thrown instanceof FleetError ? thrown : new FleetError(fault);
      return null;
    }
  };

  const result = await takeStream({
    channel: { stdin: output, stdout: input, stderr: Readable.from([]), exit: Promise.resolve(noExit) },
    marker: pushMarker,
    limits: { ...pushLimits, forwards: true },
    timeoutMs: waitMs,
    signal,
    client: label,
    kind: 'visit',
    unsealed: 'refuse',
    runId: siteId(site),
    publicKey: keyRing.sealing.publicKey,
    now,
    dryRun: false,
    onReport,
    onForwarded,
  });
  const fault = result.fault ?? progress.anomaly;
  return {
    acknowledged: result.acknowledged,
    fault: fault === null ? null : asFleetError(fault, { code: 'internal', stage: 'spool' }),
  };
}

/** The clients of each site, by their names and their former names. */
const clientsOfSites = rememberedWeakly((clients: readonly Client[]) => {
  const sites = new Map<string, Map<string, Client>>();
  for (const client of clients) {
    const { forwardedBy, name, was, state } = client;
    if (forwardedBy === null || state === 'retired') continue;
    const own = sites.get(forwardedBy) ?? new Map<string, Client>();
    sites.set(forwardedBy, own);
    if (was !== null && !own.has(was)) own.set(was, client);
    own.set(name, client);
  }
  return sites;
});

function foreignFault(label: string, client: string, hasClocks: boolean): FleetError {
  const why = hasClocks
    ? `config.xml does not give ${JSON.stringify(client)} to it`
    : 'a report came without its clocks';
  const advice =
    'Write transport="forward" and the label site into its <client>, or look at who has the key of the site.';
  return new FleetError({ code: 'report-foreign', stage: 'seal', message: `${label}: ${why}`, advice });
}

/** Returns what the clock of the site is ahead of ours. */
function aheadMs({ offsetMs }: ReceivedHello): number {
  return Math.abs(offsetMs) < toleratedMs ? 0 : offsetMs;
}

/** Returns when a report arrived by our clock. Nothing has arrived in the future. */
function onOurClock({ receivedAtMs, clock }: ArrivalClocks, hello: ReceivedHello): ArrivalClocks {
  const ahead = aheadMs(hello);
  return {
    receivedAtMs: Math.max(0, Math.min(receivedAtMs - ahead, hello.receivedAtMs)),
    clock:
      clock === null
        ? null
        : { ...clock, offsetMs: clock.offsetMs + ahead, monotonicZeroMs: clock.monotonicZeroMs - ahead },
  };
}

interface OfSite {
  readonly site: string;
  readonly clients: ReadonlyMap<string, Client>;
  readonly hello: ReceivedHello;
}

/**
 * Returns the line of the journal for what a site has recorded of its own clients; null: nothing of it is. The ids of
 * its runs follow from the site, so that it can change no run of another collector.
 */
function ownRecords(records: Forwarded, { site, clients, hello }: OfSite) {
  const ahead = aheadMs(hello);
  const ours = (timeMs: number): number => Math.max(0, Math.min(timeMs - ahead, hello.receivedAtMs));
  const runId = (id: string): string => idFrom(`${site} ${id}`);
  if (records.kind === 'visits') {
    const visits = records.visits.flatMap((visit): readonly VisitRecord[] => {
      const client = clients.get(visit.client);
      if (client === undefined) return [];
      const { nextAttemptAtMs: nextMs } = visit;
      const times = { startedAtMs: ours(visit.startedAtMs), nextAttemptAtMs: nextMs === null ? null : nextMs - ahead };
      return [{ ...visit, ...times, client: client.name, address: client.address, runId: runId(visit.runId) }];
    });
    const [first] = visits;
    return first === undefined ? null : { atMs: first.startedAtMs, line: { kind: 'visits', visits } as const };
  }
  const { id, host, startedAtMs } = records.start;
  const start: RunStart = {
    ...records.start,
    id: runId(id),
    collectorId: siteId(site),
    // It must not pass for a collector on this machine.
    host: `${host} (site ${site})`,
    startedAtMs: ours(startedAtMs),
  };
  const end: RunEnd = { ...records.end, id: start.id, finishedAtMs: ours(records.end.finishedAtMs) };
  return { atMs: start.startedAtMs, line: { kind: 'forwarded', start, end } as const };
}
