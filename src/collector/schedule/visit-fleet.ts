import type { Client } from '../../config/config.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import type { CollectorRun } from '../collect-options.ts';
import type { HandshakeLimits } from './handshake-limits.ts';
import { isSuspect, timeoutsFor, timeoutsInDeadSubnet } from '../visit/adaptive-timeouts.ts';
import { subnetOf } from './order.ts';
import { runWorkQueue, type Limit } from './work-queue.ts';
import { visit, type VisitOutcome } from '../visit/visit.ts';
import type { VisitContext } from '../visit/context.ts';

export interface VisitFleetOptions {
  readonly run: Pick<CollectorRun, 'concurrency' | 'retries' | 'observe'>;
  readonly context: VisitContext;
  /** The clients in the order of their visits. */
  readonly clients: readonly Client[];
  /** The limits of logins, with what this run has learnt. */
  readonly limits: HandshakeLimits;
  /** True if the visits put off what is no figure. */
  readonly putsOff: boolean;
  /** Called once for every visited client, with the final outcome. */
  readonly record: (client: Client, outcome: VisitOutcome) => void;
}

export interface FleetOutcome {
  readonly succeeded: number;
  readonly failures: readonly VisitRecord[];
  /** The clients whose turn did not come before the run ended. */
  readonly unreached: number;
}

/**
 * Visits all clients, and at the end those that failed retryably once more, until the context's signal is aborted. A
 * client whose sshd rejected the number of logins is always visited once more: these visits caused the rejection.
 */
export async function visitFleet(options: VisitFleetOptions): Promise<FleetOutcome> {
  return await new FleetVisits(options).run();
}

class FleetVisits {
  readonly #options: VisitFleetOptions;
  readonly #limits: HandshakeLimits;
  readonly #dead = createDeadSubnets();
  readonly #failures: VisitRecord[] = [];
  #succeeded = 0;
  #unreached = 0;

  constructor(options: VisitFleetOptions) {
    this.#options = options;
    this.#limits = options.limits;
  }

  async run(): Promise<FleetOutcome> {
    const { observe } = this.#options.run;
    /** The last outcome of the clients to visit again. This outcome counts if there is no time for another visit. */
    let postponed: ReadonlyMap<Client, VisitOutcome> = new Map();
    let items = this.#options.clients;
    for (let number = 0; items.length > 0; number++) {
      const later = new Map<Client, VisitOutcome>();
      for (const client of await this.#round(number, items, later)) {
        const outcome = postponed.get(client);
        if (outcome !== undefined) {
          this.#settle(client, { ...outcome, extras: null });
          continue;
        }
        this.#unreached++;
        observe({ kind: 'skipped', client: client.name, reason: 'unreached', code: null, nextAttemptAtMs: null });
      }
      postponed = later;
      items = [...later.keys()];
    }
    return { succeeded: this.#succeeded, failures: this.#failures, unreached: this.#unreached };
  }

  /** Visits the clients, and adds the clients to visit again to `later`. */
  #round(number: number, items: readonly Client[], later: Map<Client, VisitOutcome>): Promise<readonly Client[]> {
    const { context, run } = this.#options;
    return runWorkQueue({
      items,
      concurrency: Math.max(1, run.concurrency ?? context.config.collector.concurrency),
      limitsOf: (client) => this.#limitsOf(client),
      isSlow: (client) => this.#isSlow(client),
      signal: context.signal,
      work: async (client, leave) => {
        const outcome = await this.#visit(number, client, leave);
        if (outcome === null) return;
        later.set(client, outcome);
        run.observe({ kind: 'postponed', visit: outcome.record });
      },
    });
  }

  /** Visits a client. Returns the outcome if the client is visited again; null if the outcome is final. */
  async #visit(number: number, client: Client, leave: () => void): Promise<VisitOutcome | null> {
    const { context, run } = this.#options;
    const { collector } = context.config;
    const { retries } = run;
    run.observe({ kind: 'visiting', client: client.name });
    const last = context.facts?.get(client.name);
    const inDeadSubnet = !isSuspect(last) && this.#dead.has(client);
    const timeouts = inDeadSubnet ? timeoutsInDeadSubnet(collector) : timeoutsFor(last, collector);
    const { putsOff } = this.#options;
    const outcome = await visit(context, client, { timeouts, onLogin: leave, putsOff });
    const { record, fault } = outcome;
    this.#dead.note(client, record);
    const isRejection = fault !== null && this.#limits.lower(client, fault);
    const maxRounds = isRejection ? Math.max(1, retries) : retries;
    if (fault?.retryable === true && number < maxRounds && !context.signal.aborted) return outcome;
    this.#settle(client, outcome);
    return null;
  }

  #settle(client: Client, outcome: VisitOutcome): void {
    const { clients, run } = this.#options;
    const { record } = outcome;
    if (record.ok) this.#succeeded++;
    else this.#failures.push(record);
    this.#options.record(client, outcome);
    const done = this.#succeeded + this.#failures.length;
    run.observe({ kind: 'visited', visit: record, done, clients: clients.length });
  }

  #limitsOf(client: Client): readonly Limit[] {
    return this.#limits.of(client, this.#isSlow(client));
  }

  #isSlow(client: Client): boolean {
    return isSuspect(this.#options.context.facts?.get(client.name)) || this.#dead.has(client);
  }
}

/** The number of clients without an answer from which a subnet counts as dead, if none answers. */
const enough = 8;
const unanswered: readonly string[] = ['connect-timeout', 'connect-failed'];

/** Detects subnets that are dead during a run: a rack without power, a lost route. */
export function createDeadSubnets() {
  /** The number of silent clients by subnet; null if a client answered. */
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
