/**
 * A site without a database: `collect` pushes its reports and records to the collector that has one.
 * Guarantees: a sealed report is on a disk of the site until that collector has acknowledged it, and so is a record of
 * a visit or run. This run's reports and records are sent first, then the waiting ones, oldest first, as long as there
 * is time.
 */
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { asFleetError, FleetError } from '../../errors.ts';
import { secondMs } from '../../platform/units.ts';
import type { SpooledReport } from '../spool/sealed-spool.ts';
import { ForwardStreams, type Acknowledgeable, type StreamSource } from './forward-stream.ts';
import type { SiteLink } from './site-link.ts';

export interface ForwardOptions extends StreamSource {
  readonly link: SiteLink;
  /** The number of consecutive failed streams before. Each halves the streams, because the link may be slow. */
  readonly failures: number;
  /** The time by `performance.now()` after which no stream begins. Answers may take little longer. */
  readonly endsAt: number;
  readonly signal: AbortSignal;
  readonly remove: (report: SpooledReport) => void;
  /** The time after which a report that was sent alone in vain counts as too large for the link. Default: 30 s. */
  readonly slowAfterMs?: number;
}

export interface Forwarding {
  /** The number of acknowledged reports and frames of records. */
  readonly reports: number;
  readonly records: number;
  /** The number of reports that wait for the next run. */
  readonly left: number;
  /** The clients whose reports were refused, while others were accepted. */
  readonly refused: readonly string[];
  /** The client of a report that is too large for the link; null if none is known. */
  readonly slow: string | null;
  /** True if the link works and the other collector accepted nothing. */
  readonly isRefused: boolean;
  /** The reason why nothing more was sent; null if everything was sent, or the time was over. */
  readonly fault: FleetError | null;
}

/** The pause if the other collector is busy: it accepts one stream of a site a second. */
const busyMs = 2 * secondMs;
const mostBusy = 10;
/**
 * The number of refused streams after which the other collector counts as accepting nothing, for example because its
 * disk is full.
 */
const mostRefused = 3;

/** Sends one stream after the other, and removes acknowledged reports and records. Never throws. */
export async function forward(options: ForwardOptions): Promise<Forwarding> {
  const { link, endsAt, signal, remove, slowAfterMs = 30 * secondMs } = options;
  const streams = new ForwardStreams(options, options.failures);
  const sums = { reports: 0, records: 0 };
  let fault: FleetError | null = null;
  let slow = null as string | null;
  let refusedInARow = 0;
  const settle = (entries: ReadonlyMap<string, Acknowledgeable>, known: ReadonlySet<string>): void => {
    for (const entry of streams.settle(entries, known)) {
      if (entry.kind === 'report') {
        remove(entry.report);
        sums.reports += 1;
        continue;
      }
      sums.records += 1;
      entry.journal.left -= 1;
      if (entry.journal.left === 0) rmSync(entry.journal.file, { force: true });
    }
  };
  try {
    while (!signal.aborted && performance.now() < endsAt) {
      const stream = await streams.next();
      if (stream === null) break;
      const sentAt = performance.now();
      const known = await sendWithRetries(link, stream.body, { signal, endsAt }).catch((thrown: unknown) => {
        if (performance.now() - sentAt >= slowAfterMs) slow = soleClient(stream.entries);
        throw thrown;
      });
      settle(stream.entries, known);
      refusedInARow = [...stream.entries.keys()].some((id) => known.has(id)) ? 0 : refusedInARow + 1;
      if (refusedInARow >= mostRefused && sums.reports + sums.records === 0) break;
    }
  } catch (thrown) {
    if (!signal.aborted) fault = asFleetError(thrown, { code: 'push-failed', stage: 'run' });
  }
  if (fault !== null && slow !== null && sums.reports + sums.records > 0) fault = slowFault(slow, fault);
  const isRefused = fault === null && refusedInARow > 0 && sums.reports + sums.records === 0;
  if (isRefused) fault = refusal(link);
  return { ...sums, left: streams.left(), refused: streams.refused(), slow, isRefused, fault };
}

/** Sends a stream, and repeats it while the other collector is busy. */
async function sendWithRetries(
  link: SiteLink,
  body: () => Buffer,
  { signal, endsAt }: Pick<ForwardOptions, 'signal' | 'endsAt'>,
): Promise<ReadonlySet<string>> {
  for (let busy = 0; ; busy += 1) {
    const answer = await link.send(body(), signal, endsAt - performance.now());
    if (answer.kind === 'taken') return answer.acknowledged;
    if (busy >= mostBusy || performance.now() + busyMs >= endsAt) throw answer.fault;
    await sleep(busyMs, undefined, { signal });
  }
}

/** Returns the client if a stream holds a single report; otherwise null. */
function soleClient(entries: ReadonlyMap<string, Acknowledgeable>): string | null {
  const [only, another] = entries.values();
  return only?.kind === 'report' && another === undefined ? only.client : null;
}

function slowFault(client: string, cause: FleetError): FleetError {
  const { code, stage } = cause;
  const message = `a report of ${client} did not get across, and smaller ones did: ${cause.message}`;
  const advice = 'The link is too slow for it, or a proxy cuts it off. Other clients go first from the next run on.';
  return new FleetError({ code, stage, message, advice, cause });
}

function refusal({ url }: SiteLink): FleetError {
  return new FleetError({
    code: 'push-failed',
    stage: 'run',
    message: `${url} acknowledged nothing`,
    advice: 'Look at push-refused in the log of `fleet-health serve` there, and at the disk of its state folder.',
  });
}
