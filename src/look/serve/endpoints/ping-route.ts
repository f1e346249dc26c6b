import { minuteMs } from '../../../platform/units.ts';
import { forwarderIds } from '../../../config/clients/arrival.ts';
import { words } from '../answer.ts';
import { type FleetReader, isAway, NothingStored } from '../fleet-reader.ts';
import { inTime } from '../look-answer.ts';
import { routeOf, type ServedRoute } from '../routes.ts';
import type { CommandAnswer } from './own-command.ts';

interface PingOptions {
  readonly reader: Pick<FleetReader, 'read' | 'hasClients'>;
  readonly onFault: (thrown: unknown) => void;
  /** Runs a user-defined check; null if there is none. */
  readonly own: (() => Promise<CommandAnswer>) | null;
}

/** The time for which requests share one query of the database. */
const keptMs = 2_000;
/** The collector has stopped if none of its runs has finished for this many times `every`. */
const lateRuns = 3;

/**
 * Returns the route `GET /ping`, which monitors this monitor without a token. Answers `OK` if the database answers and
 * the collector runs, as far as there are clients; else 500 with a line about the reason.
 */
export function pingRoute({ reader, onFault, own }: PingOptions): ServedRoute {
  let asked: { readonly atMs: number; readonly fault: Promise<string | null> } | null = null;
  const answer = async () => {
    const now = performance.now();
    if (asked === null || now - asked.atMs >= keptMs) {
      asked = {
        atMs: now,
        fault: inTime(() => faultOf(reader)).catch((thrown: unknown) => faultOfThrown(thrown, { reader, onFault })),
      };
    }
    const fault = (await asked.fault) ?? (await own?.())?.fault ?? null;
    return words(fault === null ? 200 : 500, `${fault ?? 'OK'}\n`, { 'Cache-Control': 'no-store' });
  };
  return routeOf('ping', answer);
}

async function faultOf(reader: PingOptions['reader']): Promise<string | null> {
  return reader.read(async (storage, { clients, collector }) => {
    const [nowMs, run] = [await storage.nowMs(), await storage.figures.lastFinished('collect', forwarderIds(clients))];
    if (clients.length === 0) return null;
    if (run === null) return 'No run of the collector has finished yet.';
    const agoMs = nowMs - run.finishedAtMs;
    if (agoMs <= lateRuns * collector.everyMs) return null;
    return `No run of the collector has finished for ${Math.floor(agoMs / minuteMs)} minutes.`;
  });
}

/** Returns the reason why the database could not be read. A server without clients has none before its first event. */
function faultOfThrown(thrown: unknown, { reader, onFault }: Omit<PingOptions, 'own'>): string | null {
  if (thrown instanceof NothingStored) return reader.hasClients ? 'No run of the collector has finished yet.' : null;
  if (isAway(thrown)) return 'The database does not answer.';
  onFault(thrown);
  return 'The log of the server says why it does not work.';
}
