import { setTimeout as sleep } from 'node:timers/promises';

import type { Client, CollectorConfig } from '../../config/config.ts';
import { FleetError } from '../../errors.ts';
import { groupBy } from '../../platform/group-by.ts';
import type { SeenCollector, ShareStore, SharingCollector, Slice } from '../../storage/store/share-store.ts';
import { cycleAt, preferredOwner, sliceOf } from './slices.ts';

export interface SharedTurnOptions {
  readonly shares: ShareStore;
  readonly own: SharingCollector;
  /** True if this collector knows the key: what is sealed to it can be opened where its own reports are. */
  readonly knowsKey: (keyId: string) => boolean;
  /** The clients of the site. */
  readonly clients: readonly Client[];
  readonly collector: Pick<CollectorConfig, 'everyMs' | 'runDeadlineMs'>;
  /** Aborted when the run is to end. */
  readonly signal: AbortSignal;
}

/** A collector that was not seen for so many times `every` has no slices of its own. */
export const goneAfter = 3;
/** Visits end with the run; a slice stays its holder's for this part of `every` longer. */
const graceOf = 1 / 20;
const longestPauseMs = 1000;

/**
 * Yields the clients of the slices that this collector has claimed: first, in one batch, those that belong to it, then
 * in batches those that nobody has begun by half of `every`. Waits for that time only while such slices are left.
 *
 * A slice is claimed once a cycle, by one statement that a single collector can win, for as long as visits of it may go
 * on. So no client is visited twice at once, and nobody has to ask whether a holder lives. Throws FleetError
 * `keys-invalid` if another collector of the site seals to another key, and what the storage throws.
 */
export async function* sharedTurn(options: SharedTurnOptions): AsyncGenerator<readonly Client[]> {
  const { shares, own, collector, signal } = options;
  const joinedMs = await shares.nowMs();
  const began = performance.now();
  const nowMs = (): number => joinedMs + performance.now() - began;
  const untilMs = joinedMs + collector.runDeadlineMs + collector.everyMs * graceOf;
  const goesOn = (): boolean => !signal.aborted && nowMs() < untilMs;
  const cycle = cycleAt(joinedMs, collector.everyMs);
  const all = await shares.collectors(own.site, joinedMs - goneAfter * collector.everyMs);
  const others = all.filter(({ id }) => id !== own.id);
  requireKnownKeys(options, others);
  await shares.join(own);
  const seen = [own, ...others];
  const clientsOf = groupBy(options.clients, ({ name }) => sliceOf(name));
  const claim = async (wanted: readonly Slice[]): Promise<readonly Slice[]> => {
    const claimed: Slice[] = [];
    for (const slice of wanted) {
      if (!goesOn()) break;
      if (await shares.claim({ slice, holder: own.id, cycle: cycle.number, untilMs })) claimed.push(slice);
    }
    return claimed;
  };
  for (let isFirst = true; goesOn(); isFirst = false) {
    const left = (await shares.slices(own.site)).filter((slice) => slice.cycle < cycle.number);
    if (left.length === 0) return;
    const free = left.filter((slice) => slice.untilMs <= nowMs());
    const wanted = isFirst ? free.filter(({ slice }) => preferredOwner(slice, seen) === own.id) : free;
    if (!isFirst && (nowMs() < cycle.halfAtMs || free.length === 0)) {
      const pauseMs = Math.max(100, Math.min(longestPauseMs, cycle.halfAtMs - nowMs()));
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      continue;
    }
    // Others may be free for the rest.
    const most = isFirst ? wanted.length : Math.ceil(wanted.length / seen.length);
    const claimed = await claim(wanted.slice(0, most));
    yield claimed.flatMap(({ slice }) => clientsOf.get(slice) ?? []);
    // Clients that the end of the run cut off wait for the next cycle.
    if (goesOn()) await shares.finish({ site: own.site, holder: own.id, cycle: cycle.number });
  }
}

function requireKnownKeys({ own, knowsKey }: SharedTurnOptions, others: readonly SeenCollector[]): void {
  const other = others.find(({ keyId }) => !knowsKey(keyId));
  if (other === undefined) return;
  throw new FleetError({
    code: 'keys-invalid',
    stage: 'keys',
    message: `${other.host} of the same site ${own.site} seals to key ${other.keyId}, which is not live here`,
    advice: `Copy the files of keys/ and public_keys/ from the state folder of ${other.host} to this one.`,
  });
}
