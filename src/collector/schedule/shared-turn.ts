import { setTimeout as sleep } from 'node:timers/promises';

import type { Client, CollectorConfig } from '../../config/config.ts';
import { groupBy } from '../../platform/group-by.ts';
import { jitterOf } from '../../platform/jitter.ts';
import {
  goneAfter,
  type Cycle,
  type Reach,
  type ShareStore,
  type SharingCollector,
  type Slice,
} from '../../storage/store/share-store.ts';
import { siteKeysFault } from './site-keys.ts';
import { preferredOwners, sliceOf } from './slices.ts';

export interface SharedTurnOptions {
  readonly shares: ShareStore;
  readonly own: SharingCollector;
  /**
   * Returns true if this collector knows the key: reports sealed to it can be opened where this collector's own reports
   * are opened.
   */
  readonly knowsKey: (keyId: string) => boolean;
  /** The clients of the site. */
  readonly clients: readonly Client[];
  readonly collector: Pick<CollectorConfig, 'everyMs' | 'runDeadlineMs'>;
  /** Returns the time since the run began. */
  readonly sinceStartMs: () => number;
  /** Returns true if any client that this run has visited has answered. */
  readonly hasReached: () => boolean;
  /** Called for each slice that was claimed, with its new epoch, before its clients are yielded. */
  readonly claimed: (slice: number, epoch: number) => void;
  /** Aborted when the run has to end. */
  readonly signal: AbortSignal;
}

/** The part of `every` for which a holder keeps its slices after the deadline of the run, at which visits end. */
const graceOf = 1 / 20;
const pauseMs = 1000;
/** The least number of slices to take over from other collectors. */
const minTaken = 16;
/** The part of `every` after which a collector claims slices that other collectors have not begun. */
const takesOthersFrom = 0.5;
/** The same part for a collector that reaches no client: all others come first. */
const takesLastFrom = 0.7;
/** The number of clients that such a collector visits first. Three are the least for `collector-isolated`. */
const minTried = 10;
/** The part of its clients below which a run has reached no client. */
const minReached = 0.1;

/**
 * Yields the clients of the slices that this collector has claimed: first its own slices, and from half of `every` on
 * slices that no collector has begun. Waits until then only while such slices are left. A collector whose two last runs
 * reached no client, for example without a network, claims slices of a few clients first, and leaves the rest to the
 * others if none of these clients answers.
 * A slice is claimed once a cycle, by a statement that only one collector can win, for as long as its visits may last.
 * The claim keeps two collectors from visiting a client at once, and no collector has to check that a holder is alive.
 * Throws FleetError `keys-invalid` if its keys differ from those of the site's other collectors, and the storage's
 * errors.
 */
export async function* sharedTurn(options: SharedTurnOptions): AsyncGenerator<readonly Client[]> {
  const { shares, own, knowsKey, collector, clients } = options;
  const sinceMs = (await shares.nowMs()) - goneAfter * collector.everyMs;
  const all = await shares.collectors(own.site, sinceMs);
  const fault = siteKeysFault({ own, sealsTo: own.keyId, knowsKey, seen: all });
  if (fault !== null) throw fault;
  const seen = all.filter(({ id }) => id !== own.id);
  const cycle = await shares.join(own, collector.everyMs, options.sinceStartMs);
  const owners = preferredOwners([own, ...seen], await shares.slices(own.site));
  const clientsOf = groupBy(clients, ({ name }) => sliceOf(name));
  const visitedIn = ({ slice }: Slice): number =>
    (clientsOf.get(slice) ?? []).filter(({ arrival }) => arrival.kind !== 'comes').length;
  const isDoubtful = seen.length > 0 && reachNobody(await shares.lastReaches(own.id));
  const turn = new Turn({ ...options, owners, visitedIn, isDoubtful }, cycle);
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

/** True if two runs reached no client. `collector-isolated` is detected from all clients of both runs. */
function reachNobody(reaches: readonly Reach[]): boolean {
  return (
    reaches.length === 2 && reaches.every(({ succeeded, failed }) => succeeded < minReached * (succeeded + failed))
  );
}

interface TurnOptions extends SharedTurnOptions {
  /** The collector that owns each slice. */
  readonly owners: ReadonlyMap<number, string>;
  /** Returns the number of clients of a slice that are visited. */
  readonly visitedIn: (slice: Slice) => number;
  /** True if the last runs of this collector reached no client, and other collectors may. */
  readonly isDoubtful: boolean;
}

/** A run's part in a cycle. */
class Turn {
  readonly #options: TurnOptions;
  readonly #cycle: Cycle;
  readonly #beganMs = performance.now();
  readonly #untilMs: number;
  /** The time from now beyond which a claim was made under a wrong clock. */
  readonly #farMs: number;
  #hasTried = false;

  constructor(options: TurnOptions, cycle: Cycle) {
    const { runDeadlineMs, everyMs } = options.collector;
    const leaseMs = runDeadlineMs + everyMs * graceOf;
    this.#options = options;
    this.#cycle = cycle;
    this.#untilMs = Math.floor(cycle.nowMs + leaseMs);
    this.#farMs = 2 * Math.max(everyMs, leaseMs);
  }

  goesOn(): boolean {
    return !this.#options.signal.aborted && this.#nowMs() < this.#untilMs;
  }

  /** Returns the slices to claim now, possibly none; `null` if all were begun in this cycle. */
  async wanted(): Promise<readonly Slice[] | null> {
    const { shares, own, collector, owners, isDoubtful, hasReached } = this.#options;
    const { number, beganAtMs, nowMs: joinedMs } = this.#cycle;
    const left = (await shares.slices(own.site)).filter(({ cycle }) => cycle < number);
    if (left.length === 0) return null;
    const nowMs = this.#nowMs();
    const free = left.filter(({ untilMs }) => untilMs <= nowMs || untilMs > nowMs + this.#farMs);
    const mine = free.filter(({ slice }) => owners.get(slice) === own.id);
    const isLast = isDoubtful && !hasReached();
    if (isLast && !this.#hasTried) return this.#tried(mine);
    if (mine.length > 0 && !isLast) return mine;
    const from = isLast ? takesLastFrom : takesOthersFrom;
    const takesOthersAtMs = Math.min(beganAtMs + collector.everyMs * from, joinedMs + collector.runDeadlineMs * from);
    if (nowMs < takesOthersAtMs) return [];
    // The collectors at work in this cycle share the rest, each in an order of its own.
    const atWork = (await shares.collectors(own.site, beganAtMs)).length;
    const most = Math.max(minTaken, Math.ceil(free.length / Math.max(1, atWork)));
    return this.#inOrder(free).slice(0, most);
  }

  /**
   * Returns slices with a few clients, different ones in each cycle. If one of these clients answers, the rest is
   * claimed too.
   */
  #tried(mine: readonly Slice[]): readonly Slice[] {
    this.#hasTried = true;
    let before = 0;
    return this.#inOrder(mine).filter((slice) => {
      const isTaken = before < minTried;
      before += this.#options.visitedIn(slice);
      return isTaken;
    });
  }

  /** Returns slices in an order that depends on this collector and cycle. */
  #inOrder(slices: readonly Slice[]): readonly Slice[] {
    const orderOf = ({ slice }: Slice): number => jitterOf(`${this.#options.own.id} ${this.#cycle.number} ${slice}`);
    return [...slices].sort((one, other) => orderOf(one) - orderOf(other));
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

  /** Returns the time of the database's clock. */
  #nowMs(): number {
    return this.#cycle.nowMs + performance.now() - this.#beganMs;
  }
}
