import type { Client } from '../../config/config.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import type { PassOptions } from '../collect-options.ts';
import { createHandshakeLimits } from './handshake-limits.ts';
import { isSuspect, timeoutsFor, timeoutsInDeadSubnet } from '../visit/adaptive-timeouts.ts';
import { subnetOf } from './order.ts';
import { createRuntimeUploads } from './runtime-uploads.ts';
import { runWorkQueue, type Limit } from './work-queue.ts';
import { visit } from '../visit/visit.ts';
import type { VisitContext } from '../visit/context.ts';

export interface VisitFleetOptions {
  readonly pass: Pick<PassOptions, 'jumpsTo' | 'concurrency' | 'retries' | 'observe'>;
  readonly context: VisitContext;
  /** The clients in the order of their visits. */
  readonly clients: readonly Client[];
  /** Called once for every client that was visited, with the outcome that counts. */
  readonly record: (visit: VisitRecord) => void;
}

export interface FleetOutcome {
  readonly succeeded: number;
  readonly failures: readonly VisitRecord[];
  /** Clients whose turn did not come before the run ended. */
  readonly unreached: number;
}

/**
 * Visits all clients, and those that failed retryably again at the end, until the context's signal is aborted. A client
 * that sshd rejected for the number of logins is always tried again, once: these visits were too many.
 */
export async function visitFleet(options: VisitFleetOptions): Promise<FleetOutcome> {
  const { context, clients } = options;
  const { observe, retries, jumpsTo } = options.pass;
  const { facts } = context;
  const config = context.config.collector;
  const limits = createHandshakeLimits(config, jumpsTo);
  const dead = createDeadSubnets();
  const failures: VisitRecord[] = [];
  let succeeded = 0;

  const settle = (record: VisitRecord): void => {
    if (record.ok) succeeded++;
    else failures.push(record);
    options.record(record);
    observe({ kind: 'visited', visit: record, done: succeeded + failures.length, clients: clients.length });
  };

  const limitsOf = (client: Client): readonly Limit[] => limits.of(client, isSlow(client));
  const runtimes = createRuntimeUploads({ context, limitsOf, observe, settle });

  const isSlow = (client: Client): boolean => isSuspect(facts?.get(client.name)) || dead.has(client);
  const round = (number: number, items: readonly Client[], later: Map<Client, VisitRecord>) =>
    runWorkQueue({
      items,
      concurrency: Math.max(1, options.pass.concurrency ?? config.concurrency),
      limitsOf,
      isSlow,
      signal: context.signal,
      work: async (client, leave) => {
        observe({ kind: 'visiting', client: client.name });
        const last = facts?.get(client.name);
        const inDeadSubnet = !isSuspect(last) && dead.has(client);
        const timeouts = inDeadSubnet ? timeoutsInDeadSubnet(config) : timeoutsFor(last, config);
        const { record, fault, runtime } = await visit(context, client, { timeouts, onLogin: leave });
        dead.note(client, record);
        const isRejection = fault !== null && limits.lower(client, fault);
        const mostRounds = isRejection ? Math.max(1, retries) : retries;
        if (fault === null || !fault.retryable || number >= mostRounds || context.signal.aborted) {
          if (!runtimes.take(client, record, runtime)) settle(record);
          return;
        }
        later.set(client, record);
        observe({ kind: 'postponed', visit: record });
      },
    });

  let unreached = 0;
  /** The last outcome of the clients that are visited again. It counts if there is no time for that. */
  let postponed: ReadonlyMap<Client, VisitRecord> = new Map();
  let items = clients;
  for (let number = 0; items.length > 0; number++) {
    const later = new Map<Client, VisitRecord>();
    for (const client of await round(number, items, later)) {
      const record = postponed.get(client);
      if (record !== undefined) {
        settle(record);
        continue;
      }
      unreached++;
      observe({ kind: 'skipped', client: client.name, reason: 'unreached', code: null, nextAttemptAtMs: null });
    }
    postponed = later;
    items = [...later.keys()];
  }
  await runtimes.run();
  return { succeeded, failures, unreached };
}

/** A subnet is dead after so many clients without an answer and none with one. */
const enough = 8;
const unanswered: readonly string[] = ['connect-timeout', 'connect-failed'];

/** Watches for subnets that turn out to be dead during a run: a rack without power, a lost route. */
export function createDeadSubnets() {
  /** The clients without an answer; null if one answered. */
  const silent = new Map<string, number | null>();
  const keyOf = ({ address, ssh }: Client): string | null => (ssh.proxyJump === null ? subnetOf(address) : null);
  return {
    note: (client: Client, { code, stage }: Pick<VisitRecord, 'code' | 'stage'>): void => {
      const key = keyOf(client);
      const before = key === null ? null : silent.get(key);
      if (key === null || before === null) return;
      const isSilent = stage === 'connect' && code !== null && unanswered.includes(code);
      silent.set(key, isSilent ? (before ?? 0) + 1 : null);
    },
    has: (client: Client): boolean => (silent.get(keyOf(client) ?? '') ?? 0) >= enough,
  };
}
