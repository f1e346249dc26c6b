import { Readable, Writable } from 'node:stream';

import type { Client } from '../../config/config.ts';
import { asFleetError, FleetError } from '../../errors.ts';
import { rememberedWeakly } from '../../platform/remembered.ts';
import type { Frame } from '../../report/wire.ts';
import { pushLimits, pushMarker } from '../../seal/push.ts';
import { siteId } from '../../state/collector-id.ts';
import { noExit } from '../../transport/transport.ts';
import { takeStream, type ReceivedHello, type ReceivedReport } from '../agent/agent-session.ts';
import { keepArrived } from '../spool/keep-report.ts';
import { runWorkQueue } from '../schedule/work-queue.ts';
import { reportTaker } from '../visit/take-report.ts';
import { parseClocks, type ArrivalClocks } from './forwarded.ts';
import { spooledFinder } from './kept-reports.ts';
import type { ReceiveVisitOptions } from './receive-visit.ts';
import type { Receiver } from './receiver.ts';
import { onOurClock } from './site-clock.ts';
import { foreignFault, takeRecords } from './site-records.ts';

export interface ReceiveSiteOptions extends Omit<ReceiveVisitOptions, 'client' | 'output' | 'receiver'> {
  readonly receiver: Receiver;
  /** The sender, for which the MAC of a request vouches. */
  readonly site: string;
}

export interface ReceivedSite {
  /** The marker, and what acknowledges each report and each frame of records that is safe. */
  readonly answer: Buffer;
  /** The first fault of the stream, of a report, or of what could not be kept; null: all of it is safe. */
  readonly fault: FleetError | null;
}

/** The time limit of waiting for the site altogether. */
const waitMs = 60_000;
/** The reports that are written at a time: each waits for the disk twice. One client's go one after the other. */
const mostWritten = 16;

interface Arrived {
  readonly client: Client;
  readonly report: ReceivedReport;
  readonly arrival: ArrivalClocks;
}

/**
 * Takes one stream of the collector of a site: reports of its clients, each checked, made safe and acknowledged as one
 * that the client pushes, and records of visits and runs, which wait in the journal for the next run. Whatever concerns
 * a client that config.xml does not give to the site is refused. Times are moved by what the clock of the site is off.
 * Never throws for what the site does.
 */
export async function receiveSite(options: ReceiveSiteOptions): Promise<ReceivedSite> {
  const { receiver, config, site, input, signal, now, remembered } = options;
  const { keyRing, spool, paths } = receiver;
  const clients = clientsOfSites(config.clients).get(site) ?? new Map<string, Client>();
  const label = `site ${site}`;
  const progress = { sealedTo: new Set<string>(), anomaly: null as FleetError | null };
  const onFault = (fault: FleetError): void => void (progress.anomaly ??= fault);
  const records = takeRecords({ receiver, site, clients, onFault });
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

  const arrived: Arrived[] = [];
  const onReport = (report: ReceivedReport): Promise<'keep'> => {
    const client = clients.get(report.header.client);
    const arrival = clocks;
    clocks = null;
    if (client === undefined || arrival === null)
      onFault(arrival === null ? clocksMissing(label) : foreignFault(site, report.header.client));
    else arrived.push({ client, report, arrival: onOurClock(arrival, report.hello) });
    return Promise.resolve('keep');
  };

  const onForwarded = ({ type, payload }: Frame, hello: ReceivedHello): void => {
    if (type === 'C') clocks = parseClocks(payload);
    else records.take(payload, hello);
  };

  const answers: Buffer[] = [];
  const stdin = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      answers.push(chunk);
      done();
    },
  });
  const result = await takeStream({
    channel: { stdin, stdout: input, stderr: Readable.from([]), exit: Promise.resolve(noExit) },
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
  await runWorkQueue({
    items: arrived,
    concurrency: mostWritten,
    limitsOf: ({ client }) => [{ key: client.name, most: 1 }],
    isSlow: () => false,
    signal,
    work: async ({ client, report, arrival }) => {
      const taken = reportTaker({ client, known: keyRing.known, progress, keep: (one) => keep(client, one, arrival) });
      if ((await taken(report)) === 'acknowledge')
        answers.push(Buffer.from(report.header.reportId.replaceAll('-', ''), 'hex'));
    },
  });
  answers.push(...(await records.keep()));
  const fault = result.fault ?? progress.anomaly;
  return {
    answer: Buffer.concat(answers),
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

function clocksMissing(label: string): FleetError {
  return new FleetError({
    code: 'report-foreign',
    stage: 'seal',
    message: `${label}: a report came without its clocks`,
    advice: 'Give the site the version of Fleet Health that runs here.',
  });
}
