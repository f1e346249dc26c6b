import type { Client } from '../../config/config.ts';
import { startTimedSignal } from '../../platform/deadline.ts';
import { secondMs } from '../../platform/units.ts';
import type { Beside, Look, LookOutcome, UnaskedReason } from '../../report/beside.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import { shortened } from '../../text/shortened.ts';
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
/** The most characters of the machine that dialled: a host name may be longer than all else of a look. */
const maxFromChars = 100;
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
      const isShared = createSharing({ clients: config.clients, visited: [...reached, ...lost], chainOf });
      const choose = createChooser({ reached, chainOf, isRestricted: (client) => context.restricted.has(client) });
      const needing = new Set(config.needs.map(({ name }) => name));
      let left = maxLost;
      const plans = byImportance(lost, needing).map(({ client, visit, dialled }): Plan => {
        if (dialled === null) return { client, visit, dialled, asked: 'address' };
        const why = unaskable({ client, dialled }, { isIsolated, isShared }) ?? (left-- > 0 ? null : 'many');
        return { client, visit, dialled, asked: why ?? choose({ client, dialled }) };
      });
      const { seenBy, isLate } = await askAll({ run, context, limits }, plans);
      for (const { client, visit, dialled, asked } of plans) {
        const from = shortened(chainOf(client).at(-1) ?? start.host, maxFromChars);
        const seen = typeof asked === 'string' ? asked : asked.map((one) => seenBy(one, client));
        record({ ...visit, beside: besideOf({ from, port: dialled?.port ?? 0, seen, isLate }) });
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
  const byAsked = new Map<Client, Placed[]>();
  for (const { client, dialled, asked } of plans) {
    if (typeof asked === 'string' || dialled === null) continue;
    for (const one of asked) byAsked.set(one, [...(byAsked.get(one) ?? []), { client, dialled }]);
  }
  const outcomes = new Map<string, LookOutcome>();
  const keyOf = (asked: Client, lost: Client): string => `${asked.name}\0${lost.name}`;
  const { signal, end } = startTimedSignal({ timeoutMs: looksMs, parent: context.signal });
  try {
    await runWorkQueue({
      items: [...byAsked],
      concurrency: Math.max(1, run.concurrency ?? context.config.collector.concurrency),
      limitsOf: ([client]) => limits.of(client, false),
      isSlow: () => false,
      signal,
      work: async ([client, lost], onLogin) => {
        const pairs = lost.map(({ dialled }) => dialled);
        const found = await askNeighbour({ context, client, pairs, signal, onLogin });
        lost.forEach((one, index) => outcomes.set(keyOf(client, one.client), found[index] ?? 'unable'));
      },
    });
  } finally {
    end();
  }
  const seenBy = (asked: Client, lost: Client): Look['seen'][number] => [
    asked.name,
    outcomes.get(keyOf(asked, lost)) ?? 'unable',
  ];
  return { seenBy, isLate: signal.aborted };
}

interface Seen extends Pick<Look, 'from' | 'port'> {
  /** The answers, or the reason why nobody was asked. */
  readonly seen: Look['seen'] | UnaskedReason;
  /** True if the time was over before all had answered. */
  readonly isLate: boolean;
}

function besideOf({ from, port, seen, isLate }: Seen): Beside {
  if (typeof seen === 'string') return { unasked: seen };
  return isLate && seen.every(([, outcome]) => outcome === 'unable') ? { unasked: 'time' } : { from, port, seen };
}
