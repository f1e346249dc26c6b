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
  /** The sender, authenticated by the MAC of the request. */
  readonly site: string;
}

export interface ReceivedSite {
  /** The marker, and the acknowledgements of each report and each frame of records that is safe. */
  readonly answer: Buffer;
  /** The first fault: of the stream, of a report, or of data that could not be kept; null if all data is safe. */
  readonly fault: FleetError | null;
}

/** The time limit of waiting for the site in total. */
const waitMs = 60_000;
/** The reports written at a time: each waits for the disk twice. Reports of one client are written one by one. */
const mostWritten = 16;

interface Arrived {
  readonly client: Client;
  readonly report: ReceivedReport;
  readonly arrival: ArrivalClocks;
}

/**
 * Receives one stream of the collector of a site: reports of its clients, each checked, stored safely and acknowledged
 * as if the client had pushed it, and records of visits and runs, which wait in the journal for the next run. Refuses
 * data about clients that config.xml does not assign to the site. Corrects times by the offset of the site's clock.
 * Never throws for the site's behaviour.
 */
export async function receiveSite(options: ReceiveSiteOptions): Promise<ReceivedSite> {
  return await new SiteStream(options).receive();
}

class SiteStream {
  readonly #options: ReceiveSiteOptions;
  readonly #label: string;
  readonly #clients: ReadonlyMap<string, Client>;
  readonly #progress = { sealedTo: new Set<string>(), anomaly: null as FleetError | null };
  readonly #records: ReturnType<typeof takeRecords>;
  readonly #finders = new Map<string, ReturnType<typeof spooledFinder>>();
  readonly #arrived: Arrived[] = [];
  readonly #answers: Buffer[] = [];
  #clocks: ArrivalClocks | null = null;

  constructor(options: ReceiveSiteOptions) {
    const { receiver, config, site } = options;
    this.#options = options;
    this.#label = `site ${site}`;
    this.#clients = clientsOfSites(config.clients).get(site) ?? new Map<string, Client>();
    const onFault = (fault: FleetError): void => this.#onFault(fault);
    this.#records = takeRecords({ receiver, site, clients: this.#clients, onFault });
  }

  async receive(): Promise<ReceivedSite> {
    const result = await this.#takeFrames();
    await this.#keepArrived();
    this.#answers.push(...(await this.#records.keep()));
    const fault = result.fault ?? this.#progress.anomaly;
    return {
      answer: Buffer.concat(this.#answers),
      fault: fault === null ? null : asFleetError(fault, { code: 'internal', stage: 'spool' }),
    };
  }

  #takeFrames(): ReturnType<typeof takeStream> {
    const { receiver, site, input, signal, now } = this.#options;
    const stdin = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.#answers.push(chunk);
        done();
      },
    });
    return takeStream({
      channel: { stdin, stdout: input, stderr: Readable.from([]), exit: Promise.resolve(noExit) },
      marker: pushMarker,
      limits: { ...pushLimits, forwards: true },
      timeoutMs: waitMs,
      signal,
      client: this.#label,
      kind: 'visit',
      unsealed: 'refuse',
      runId: siteId(site),
      publicKey: receiver.keyRing.sealing.publicKey,
      now,
      dryRun: false,
      onReport: (report) => this.#onReport(report),
      onForwarded: (frame, hello) => this.#onForwarded(frame, hello),
    });
  }

  #onReport(report: ReceivedReport): Promise<'keep'> {
    const client = this.#clients.get(report.header.client);
    const arrival = this.#clocks;
    this.#clocks = null;
    if (client === undefined || arrival === null) {
      const { site } = this.#options;
      this.#onFault(arrival === null ? clocksMissing(this.#label) : foreignFault(site, report.header.client));
    } else this.#arrived.push({ client, report, arrival: onOurClock(arrival, report.hello) });
    return Promise.resolve('keep');
  }

  #onForwarded({ type, payload }: Frame, hello: ReceivedHello): void {
    if (type === 'C') this.#clocks = parseClocks(payload);
    else this.#records.take(payload, hello);
  }

  #onFault(fault: FleetError): void {
    this.#progress.anomaly ??= fault;
  }

  async #keepArrived(): Promise<void> {
    const { keyRing } = this.#options.receiver;
    const progress = this.#progress;
    await runWorkQueue({
      items: this.#arrived,
      concurrency: mostWritten,
      limitsOf: ({ client }) => [{ key: client.name, most: 1 }],
      isSlow: () => false,
      signal: this.#options.signal,
      work: async ({ client, report, arrival }) => {
        const keep = (one: ReceivedReport): Promise<void> => this.#keep(client, one, arrival);
        const taken = reportTaker({ client, known: keyRing.known, progress, keep });
        if ((await taken(report)) === 'acknowledge')
          this.#answers.push(Buffer.from(report.header.reportId.replaceAll('-', ''), 'hex'));
      },
    });
  }

  async #keep(client: Client, report: ReceivedReport, arrival: ArrivalClocks): Promise<void> {
    const { receiver, remembered } = this.#options;
    const { sealed, header } = report;
    if (await this.#isKept(client.name, report)) return;
    await keepArrived(receiver.spool, { client: client.name, reportId: header.reportId, sealed, ...arrival });
    remembered?.add(client.name, sealed);
  }

  async #isKept(client: string, { sealed, header }: ReceivedReport): Promise<boolean> {
    const { receiver, remembered } = this.#options;
    const { spool, paths } = receiver;
    if (remembered?.has(client, sealed) === true) return true;
    const find = this.#finders.get(client) ?? spooledFinder(spool, paths.encryptedStats, client);
    this.#finders.set(client, find);
    return await find(header.reportId, sealed);
  }
}

/** The clients of each site, by their names and their former names. */
const clientsOfSites = rememberedWeakly((clients: readonly Client[]) => {
  const sites = new Map<string, Map<string, Client>>();
  for (const client of clients) {
    const { arrival, name, was, state } = client;
    if (arrival.kind !== 'site' || state === 'retired') continue;
    const own = sites.get(arrival.site) ?? new Map<string, Client>();
    sites.set(arrival.site, own);
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
