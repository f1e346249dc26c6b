import { setTimeout as sleep } from 'node:timers/promises';

import type { Client, CollectorConfig } from '../../config/config.ts';
import { groupBy } from '../../platform/group-by.ts';
import { jitterOf } from '../../platform/jitter.ts';
import {
  goneAfter,
  type Cycle,
  type ShareStore,
  type SharingCollector,
  type Slice,
} from '../../storage/store/share-store.ts';
import { siteKeysFault } from './site-keys.ts';
import { preferredOwners, sliceOf } from './slices.ts';

export interface SharedTurnOptions {
  readonly shares: ShareStore;
  readonly own: SharingCollector;
  /** True if this collector knows the key: what is sealed to it can be opened where its own reports are. */
  readonly knowsKey: (keyId: string) => boolean;
  /** The clients of the site. */
  readonly clients: readonly Client[];
  readonly collector: Pick<CollectorConfig, 'everyMs' | 'runDeadlineMs'>;
  /** Returns the time since the run began. */
  readonly sinceStartMs: () => number;
  /** Called for each slice that was claimed, with its new epoch, before its clients are yielded. */
  readonly claimed: (slice: number, epoch: number) => void;
  /** Aborted when the run is to end. */
  readonly signal: AbortSignal;
}

/** Visits end with the run; a slice stays its holder's for this part of `every` longer. */
const graceOf = 1 / 20;
const pauseMs = 1000;
/** Smaller parts of what others left are not worth a round of their own. */
const leastTaken = 16;

/**
 * Yields the clients of the slices that this collector has claimed: at once those that belong to it, and from half of
 * `every` on those that nobody has begun. Waits for that only while such slices are left.
 *
 * A slice is claimed once a cycle, by one statement that a single collector can win, for as long as visits of it may go
 * on. So no client is visited twice at once, and nobody has to ask whether a holder lives. Throws FleetError
 * `keys-invalid` if its keys are not those of the site's other collectors, and what the storage throws.
 */
export async function* sharedTurn(options: SharedTurnOptions): AsyncGenerator<readonly Client[]> {
  const { shares, own, knowsKey, collector, clients } = options;
  const sinceMs = (await shares.nowMs()) - goneAfter * collector.everyMs;
  const all = await shares.collectors(own.site, sinceMs);
  const fault = siteKeysFault({ own, sealsTo: own.keyId, knowsKey, seen: all });
  if (fault !== null) throw fault;
  const seen = all.filter(({ id }) => id !== own.id);
  const cycle = await shares.join(own, collector.everyMs, options.sinceStartMs);
  const turn = new Turn(options, cycle, preferredOwners([own, ...seen], await shares.slices(own.site)));
  const clientsOf = groupBy(clients, ({ name }) => sliceOf(name));
  while (turn.goesOn()) {
    const wanted = await turn.wanted();
    if (wanted === null) return;
    if (wanted.length === 0) {
      await sleep(pauseMs, undefined, { signal: options.signal }).catch(() => undefined);
      continue;
    }
    yield (await turn.claim(wanted)).flatMap(({ slice }) => clientsOf.get(slice) ?? []);
    // Clients that the end of the run cut off wait for the next cycle.
    if (turn.goesOn()) await turn.finish();
  }
}

/** A run's part in a cycle. */
class Turn {
  readonly #options: SharedTurnOptions;
  readonly #cycle: Cycle;
  /** The collector to which each slice belongs first. */
  readonly #owners: ReadonlyMap<number, string>;
  readonly #beganMs = performance.now();
  readonly #untilMs: number;
  /** A slice that is held for longer than this from now was claimed under a wrong clock. */
  readonly #farMs: number;

  constructor(options: SharedTurnOptions, cycle: Cycle, owners: ReadonlyMap<number, string>) {
    const { runDeadlineMs, everyMs } = options.collector;
    const leaseMs = runDeadlineMs + everyMs * graceOf;
    this.#options = options;
    this.#cycle = cycle;
    this.#owners = owners;
    this.#untilMs = Math.floor(cycle.nowMs + leaseMs);
    this.#farMs = 2 * Math.max(everyMs, leaseMs);
  }

  goesOn(): boolean {
    return !this.#options.signal.aborted && this.#nowMs() < this.#untilMs;
  }

  /** Returns the slices to claim now, perhaps none; `null` if all were begun in this cycle. */
  async wanted(): Promise<readonly Slice[] | null> {
    const { shares, own, collector } = this.#options;
    const { number, beganAtMs, nowMs: joinedMs } = this.#cycle;
    const left = (await shares.slices(own.site)).filter(({ cycle }) => cycle < number);
    if (left.length === 0) return null;
    const nowMs = this.#nowMs();
    const free = left.filter(({ untilMs }) => untilMs <= nowMs || untilMs > nowMs + this.#farMs);
    const mine = free.filter(({ slice }) => this.#owners.get(slice) === own.id);
    const takesOthersAtMs = Math.min(beganAtMs + collector.everyMs / 2, joinedMs + collector.runDeadlineMs / 2);
    if (mine.length > 0 || nowMs < takesOthersAtMs) return mine;
    // Collectors that are at work in this cycle take the rest together, each in an order of its own.
    const atWork = (await shares.collectors(own.site, beganAtMs)).length;
    const orderOf = ({ slice }: Slice): number => jitterOf(`${own.id} ${number} ${slice}`);
    const most = Math.max(leastTaken, Math.ceil(free.length / Math.max(1, atWork)));
    return [...free].sort((one, other) => orderOf(one) - orderOf(other)).slice(0, most);
  }

  async claim(wanted: readonly Slice[]): Promise<readonly Slice[]> {
    const { shares, own, claimed: onClaimed } = this.#options;
    const { number: cycle } = this.#cycle;
    const claimed: Slice[] = [];
    for (const slice of wanted) {
      if (!this.goesOn()) break;
      const farMs = this.#nowMs() + this.#farMs;
      if (!(await shares.claim({ slice, holder: own.id, cycle, untilMs: this.#untilMs, farMs }))) continue;
      onClaimed(slice.slice, slice.epoch + 1);
      claimed.push(slice);
    }
    return claimed;
  }

  async finish(): Promise<void> {
    const { shares, own } = this.#options;
    await shares.finish({ site: own.site, holder: own.id, cycle: this.#cycle.number, untilMs: this.#untilMs });
  }

  /** The database's clock. */
  #nowMs(): number {
    return this.#cycle.nowMs + performance.now() - this.#beganMs;
  }
}
