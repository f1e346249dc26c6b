import { createHash } from 'node:crypto';

import { jitterFraction } from '../../platform/jitter.ts';
import type { VisitRecord } from '../../storage/store/run.ts';
import { sliceCount, type SharingCollector, type Slice } from '../../storage/store/share-store.ts';

/** Returns the slice of a client: the first byte of the SHA-256 of its name. */
export function sliceOf(client: string): number {
  return createHash('sha256').update(client).digest().readUInt8(0);
}

/** Adds the epoch of the client's slice to a visit if the slice was claimed. */
export function withEpoch(visit: VisitRecord, epochs: ReadonlyMap<number, number>): VisitRecord {
  const epoch = epochs.size === 0 ? undefined : epochs.get(sliceOf(visit.client));
  return epoch === undefined ? visit : { ...visit, epoch };
}

/**
 * Returns the collector that owns each slice. Each collector gets a part by its capacity and no more, so that a cycle
 * does not wait for a collector that a hash favours. Each keeps its last slices as far as its part allows; the rest is
 * assigned by rendezvous hashing, so that a collector that joins or leaves moves only its own part. The assignment
 * stays the same when collectors act on it, so that collectors that begin one after the other agree. Empty without
 * collectors.
 * Sources: Schindelhauer and Schomaker, "Weighted Distributed Hash Tables" (2005), the logarithmic method; Mirrokni,
 * Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads" (2018).
 */
export function preferredOwners(
  collectors: readonly Pick<SharingCollector, 'id' | 'capacity'>[],
  held: readonly Pick<Slice, 'slice' | 'holder'>[],
): ReadonlyMap<number, string> {
  const weights = collectors.map(({ id, capacity }) => ({ id, weight: Math.max(1, capacity) }));
  const all = weights.reduce((sum, { weight }) => sum + weight, 0);
  const room = new Map(weights.map(({ id, weight }) => [id, Math.ceil((sliceCount * weight) / all)]));
  const holders = new Map(held.map(({ slice, holder }) => [slice, holder]));
  const nearestFirst = weights
    .flatMap(({ id, weight }) =>
      Array.from({ length: sliceCount }, (_, slice) => {
        const distance = -Math.log1p(-jitterFraction(`${id} ${slice}`)) / weight;
        return { id, slice, distance, isOther: Number(holders.get(slice) !== id) };
      }),
    )
    .sort((one, other) => one.isOther - other.isOther || one.distance - other.distance);
  const owners = new Map<number, string>();
  for (const { id, slice } of nearestFirst) {
    const left = room.get(id) ?? 0;
    if (left === 0 || owners.has(slice)) continue;
    owners.set(slice, id);
    room.set(id, left - 1);
  }
  return owners;
}
