import type { Client } from '../../config/config.ts';
import { startTimedSignal } from '../../platform/deadline.ts';
import { secondMs } from '../../platform/units.ts';
import type { Beside, LookOutcome, UnaskedReason } from '../../report/beside.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import type { Dialled } from '../../transport/transport.ts';
import type { CollectorRun } from '../collect-options.ts';
import type { HandshakeLimits } from '../schedule/handshake-limits.ts';
import { runWorkQueue } from '../schedule/work-queue.ts';
import type { VisitContext } from '../visit/context.ts';
import type { VisitOutcome } from '../visit/visit.ts';
import { askNeighbour } from './ask-neighbour.ts';
import { createChooser, type Placed } from './choose-neighbours.ts';
import {
  byImportance,
  createSharing,
  failedOnTheWay,
  isLost,
  type LostClient,
  maxLost,
  unaskable,
} from './lost-clients.ts';

export interface LooksOptions {
  readonly run: Pick<CollectorRun, 'config' | 'concurrency' | 'dryRun' | 'only' | 'start'>;
  readonly context: VisitContext;
  readonly limits: HandshakeLimits;
  /** Called once for the visit of each lost client. */
  readonly record: (visit: VisitRecord) => void;
}

/** The time of all looks of a run. */
const looksMs = 10 * secondMs;
/** The least number of visits that allows a conclusion, and the part of them that an isolated collector misses. */
const [minVisits, nearlyAll] = [3, 0.9];

/**
 * Collects the clients that a run has lost, and those that may be asked about them. Does nothing in runs whose failures
 * begin no alert, and while the database is away.
 */
export function createLooks({ run, context, limits, record }: LooksOptions) {
  const { config, dryRun, only, start } = run;
  const { facts } = context;
  const isOff = dryRun || only !== null || facts === null || !config.clients.some(({ neighbours }) => neighbours);
  const lost: LostClient[] = [];
  const reached: Placed[] = [];
  const counts = { visits: 0, missed: 0 };
  const chainOf = (client: Client): readonly string[] => [...limits.bastionsOf(client)];
  return {
    /** Notes the end of a visit. Returns true if its row waits for a look at the client. */
    saw: (client: Client, { record: visit, dialled }: VisitOutcome): boolean => {
      if (isOff) return false;
      counts.visits += 1;
      if (failedOnTheWay(visit)) counts.missed += 1;
      if (visit.ok && dialled !== null) reached.push({ client, dialled });
      if (!isLost({ client, visit }, facts.get(client.name), config.collector.everyMs)) return false;
      lost.push({ client, visit, dialled });
      return true;
    },
    /** Asks about the lost clients, and records their visits. */
    look: async (): Promise<void> => {
      if (lost.length === 0) return;
      const isIsolated = counts.visits >= minVisits && counts.missed >= nearlyAll * counts.visits;
      const isShared = createSharing(config.clients);
      const choose = createChooser({ reached, chainOf, isRestricted: (client) => context.restricted.has(client) });
      const needing = new Set(config.needs.map(({ name }) => name));
      const plans = byImportance(lost, needing).map(({ client, visit, dialled }, place): Plan => {
        if (dialled === null) return { client, visit, dialled, asked: 'address' };
        const why = unaskable({ client, dialled }, { isIsolated, isShared }) ?? (place < maxLost ? null : 'many');
        return { client, visit, dialled, asked: why ?? choose({ client, dialled }) };
      });
      const seen = await askAll({ run, context, limits }, plans);
      for (const { client, visit, dialled, asked } of plans) {
        const [from, port] = [chainOf(client).at(-1) ?? start.host, dialled?.port ?? 0];
        record({ ...visit, beside: besideOf({ from, port, asked }, seen.of(client), seen.isLate) });
      }
    },
  };
}

interface Plan extends LostClient {
  /** The clients to ask, or the reason why none is asked. */
  readonly asked: readonly Client[] | UnaskedReason;
}

/** Asks all clients at once, within the limits of logins. Never rejects. */
async function askAll({ run, context, limits }: Omit<LooksOptions, 'record'>, plans: readonly Plan[]) {
  const byAsked = new Map<Client, { readonly client: Client; readonly dialled: Dialled }[]>();
  for (const { client, dialled, asked } of plans) {
    if (typeof asked === 'string' || dialled === null) continue;
    for (const one of asked) byAsked.set(one, [...(byAsked.get(one) ?? []), { client, dialled }]);
  }
  const outcomes = new Map<Client, Map<Client, LookOutcome>>();
  const { signal, end } = startTimedSignal({ timeoutMs: looksMs, parent: context.signal });
  try {
    await runWorkQueue({
      items: [...byAsked],
      concurrency: Math.max(1, run.concurrency ?? context.config.collector.concurrency),
      limitsOf: ([client]) => limits.of(client, false),
      isSlow: () => false,
      signal,
      work: async ([asked, pairs], onLogin) => {
        const found = await askNeighbour({
          ...{ context, client: asked, signal, onLogin },
          pairs: pairs.map(({ dialled }) => dialled),
        });
        pairs.forEach(({ client }, index) => {
          const own = outcomes.get(client) ?? new Map<Client, LookOutcome>();
          outcomes.set(client, own.set(asked, found[index] ?? 'unable'));
        });
      },
    });
    return { isLate: signal.aborted, of: (client: Client) => outcomes.get(client) };
  } finally {
    end();
  }
}

function besideOf(
  { from, port, asked }: Pick<Plan, 'asked'> & { readonly from: string; readonly port: number },
  outcomes: ReadonlyMap<Client, LookOutcome> | undefined,
  isLate: boolean,
): Beside {
  if (typeof asked === 'string') return { unasked: asked };
  const seen = asked.map((client): [string, LookOutcome] => [client.name, outcomes?.get(client) ?? 'unable']);
  return isLate && seen.every(([, outcome]) => outcome === 'unable') ? { unasked: 'time' } : { from, port, seen };
}
