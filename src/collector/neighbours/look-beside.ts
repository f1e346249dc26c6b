import type { Client } from '../../config/config.ts';
import { startTimedSignal } from '../../platform/deadline.ts';
import { FleetError } from '../../platform/errors/errors.ts';
import { secondMs } from '../../platform/units.ts';
import type { Beside, Look, LookOutcome, UnaskedReason } from '../../report/beside.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import { shortened } from '../../text/shortened.ts';
import type { Connection, PolledConnection } from '../../transport/transport.ts';
import type { CollectorRun } from '../collect-options.ts';
import type { HandshakeLimits } from '../schedule/handshake-limits.ts';
import { runWorkQueue } from '../schedule/work-queue.ts';
import { fullTimeouts } from '../visit/adaptive-timeouts.ts';
import type { VisitContext } from '../visit/context.ts';
import { raceSignal } from '../visit/visit-deadline.ts';
import type { VisitOutcome } from '../visit/visit.ts';
import { askNeighbour } from './ask-neighbour.ts';
import { type Chosen, createChooser, type Placed } from './choose-neighbours.ts';
import {
  addressesHere,
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
/** The time of the collector's own second attempt: that of a connection of a neighbour. */
const againMs = 4 * secondMs;
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
      const ownAddresses = addressesHere();
      let left = maxLost;
      const plans = byImportance(lost, needing).map(({ client, visit, dialled }): Plan => {
        if (dialled === null) return { client, visit, dialled, asked: 'address' };
        // Behind a bastion the address is one of its network.
        const own = chainOf(client).length === 0 ? ownAddresses : noAddresses;
        const why = unaskable({ client, dialled }, { isIsolated, isShared, own }) ?? (left-- > 0 ? null : 'many');
        return { client, visit, dialled, asked: why ?? choose({ client, dialled }) };
      });
      const { seenBy, isLate, isBack } = await askAll({ run, context, limits }, plans);
      for (const { client, visit, dialled, asked } of plans) {
        const from = shortened(chainOf(client).at(-1) ?? start.host, maxFromChars);
        const place = { from, port: dialled?.port ?? 0, isLate };
        const beside =
          typeof asked === 'string'
            ? { unasked: asked }
            : isBack(client)
              ? { unasked: 'back' as const }
              : besideOf({ ...place, seen: asked.clients.map((one) => seenBy(one, client)), near: asked.near });
        record({ ...visit, beside });
      }
    },
  };
}

interface Plan extends LostClient {
  /** The clients to ask, or the reason why none is asked. */
  readonly asked: Chosen | UnaskedReason;
}

/** Asks all clients at once, within the limits of logins. Never rejects. */
async function askAll({ run, context, limits }: Omit<LooksOptions, 'record'>, plans: readonly Plan[]) {
  const byAsked = new Map<Client, Placed[]>();
  for (const { client, dialled, asked } of plans) {
    if (typeof asked === 'string' || dialled === null) continue;
    for (const one of asked.clients) byAsked.set(one, [...(byAsked.get(one) ?? []), { client, dialled }]);
  }
  const outcomes = new Map<string, LookOutcome>();
  const back = new Set<Client>();
  const keyOf = (asked: Client, lost: Client): string => `${asked.name}\0${lost.name}`;
  const { signal, end } = startTimedSignal({ timeoutMs: looksMs, parent: context.signal });
  const tried = plans.filter(({ asked }) => typeof asked !== 'string').map(({ client }) => client);
  const concurrency = Math.max(1, run.concurrency ?? context.config.collector.concurrency);
  const again = startTimedSignal({ timeoutMs: againMs, parent: signal });
  // The same moment counts for the collector and for those beside: the client may have come back since its visit.
  const tryAgain = runWorkQueue({
    items: tried,
    concurrency,
    limitsOf: (client) => limits.of(client, false),
    isSlow: () => false,
    signal: again.signal,
    work: async (client, onLogin) => {
      if (await answers(context, client, again.signal)) back.add(client);
      onLogin();
    },
  });
  try {
    await runWorkQueue({
      items: [...byAsked],
      concurrency,
      limitsOf: ([client]) => limits.of(client, false),
      isSlow: () => false,
      signal,
      work: async ([client, lost], onLogin) => {
        const pairs = lost.map(({ dialled }) => dialled);
        const found = await askNeighbour({ context, client, pairs, signal, onLogin });
        lost.forEach((one, index) => outcomes.set(keyOf(client, one.client), found[index] ?? 'unable'));
      },
    });
    await tryAgain;
  } finally {
    again.end();
    end();
  }
  const seenBy = (asked: Client, lost: Client): Look['seen'][number] => [
    asked.name,
    outcomes.get(keyOf(asked, lost)) ?? 'unable',
  ];
  return { seenBy, isLate: signal.aborted, isBack: (client: Client): boolean => back.has(client) };
}

interface Seen extends Look {
  /** True if the time was over before all had answered. */
  readonly isLate: boolean;
}

function besideOf({ isLate, ...look }: Seen): Beside {
  return isLate && look.seen.every(([, outcome]) => outcome === 'unable') ? { unasked: 'time' } : look;
}

const answeredStages: ReadonlySet<string> = new Set(['login', 'channel']);
const answeredCodes: ReadonlySet<string> = new Set([
  ...['host-key-unknown', 'host-key-changed', 'host-key-revoked', 'no-common-algorithm', 'sshd-rejection'],
]);
const noAddresses: ReadonlySet<string> = new Set();

/** Tries to log in once more to a client that was lost. Returns true if an SSH server answers. */
async function answers(context: VisitContext, client: Client, signal: AbortSignal): Promise<boolean> {
  let connection: Connection | PolledConnection | null = null;
  const connect = async (): Promise<void> => {
    connection = await context.transportFor(client).connect({ ...fullTimeouts(context.config.collector), signal });
    if (signal.aborted) connection.destroy();
  };
  try {
    await raceSignal(connect(), signal);
    return true;
  } catch (thrown) {
    // A refusal by an SSH server is an answer of it.
    return thrown instanceof FleetError && (answeredStages.has(thrown.stage) || answeredCodes.has(thrown.code));
  } finally {
    (connection as Connection | PolledConnection | null)?.destroy();
  }
}
