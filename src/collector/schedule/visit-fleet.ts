import type { Client } from '../../config/config.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import type { CollectEvent, CollectOptions } from '../collect-options.ts';
import { createDeadSubnets } from './dead-subnets.ts';
import { createHandshakeLimits } from './handshake-limits.ts';
import { isSuspect, patienceAmongTheDead, patienceFor } from '../visit/patience.ts';
import type { Patience } from '../visit/patience.ts';
import { createRuntimeQueue } from './runtime-queue.ts';
import { runSchedule } from './schedule.ts';
import type { Limit } from './schedule.ts';
import { visit } from '../visit/visit.ts';
import type { VisitContext } from '../visit/context.ts';

export interface VisitFleetOptions {
  readonly context: VisitContext;
  /** In the order of their visits. */
  readonly clients: readonly Client[];
  /** As `CollectOptions` has it. */
  readonly wayTo: NonNullable<CollectOptions['wayTo']>;
  readonly concurrency: number;
  readonly retries: number;
  readonly observe: (event: CollectEvent) => void;
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
 * Visits all clients, and those that failed retryably again at the end, while the context's signal allows. What a server
 * turned away for the number of logins is always tried again, once: it was these visits that were too many.
 */
export async function visitFleet(options: VisitFleetOptions): Promise<FleetOutcome> {
  const { context, clients, observe } = options;
  const { config, facts } = context;
  const limits = createHandshakeLimits(config, options.wayTo);
  const dead = createDeadSubnets();
  const failures: VisitRecord[] = [];
  /** The last outcome of those that are to be tried again: it counts when there is no time for that. */
  let postponed = new Map<Client, VisitRecord>();
  let succeeded = 0;

  const settle = (record: VisitRecord): void => {
    if (record.ok) succeeded++;
    else failures.push(record);
    options.record(record);
    observe({ kind: 'visited', visit: record, done: succeeded + failures.length, clients: clients.length });
  };

  const limitsOf = (client: Client): readonly Limit[] => limits.of(client, isSlow(client));
  const runtimes = createRuntimeQueue({ context, limitsOf, observe, settle });

  const isSlow = (client: Client): boolean => isSuspect(facts?.get(client.name)) || dead.has(client);
  const patienceWith = (client: Client): Patience => {
    const remembered = facts?.get(client.name);
    if (!isSuspect(remembered) && dead.has(client)) return patienceAmongTheDead(config);
    return patienceFor(remembered, config);
  };

  const round = (number: number, items: readonly Client[], later: Map<Client, VisitRecord>) =>
    runSchedule({
      items,
      concurrency: options.concurrency,
      limitsOf,
      isSlow,
      signal: context.signal,
      work: async (client, leave) => {
        observe({ kind: 'visiting', client: client.name });
        const { record, fault, runtime } = await visit(context, client, {
          patience: patienceWith(client),
          onLogin: leave,
        });
        dead.note(client, record);
        const turnedAway = fault !== null && limits.lower(client, fault);
        const mostRounds = turnedAway ? Math.max(1, options.retries) : options.retries;
        if (fault === null || !fault.retryable || number >= mostRounds || context.signal.aborted) {
          if (!runtimes.take(client, record, runtime)) settle(record);
          return;
        }
        later.set(client, record);
        observe({ kind: 'postponed', visit: record });
      },
    });

  const unreached = await round(0, clients, postponed);
  for (let number = 1; postponed.size > 0; number++) {
    const later = new Map<Client, VisitRecord>();
    const notBegun = await round(number, [...postponed.keys()], later);
    for (const client of notBegun) {
      const record = postponed.get(client);
      if (record !== undefined) settle(record);
    }
    postponed = later;
  }
  await runtimes.bring();
  return { succeeded, failures, unreached: unreached.length };
}
