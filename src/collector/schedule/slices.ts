import { createHash } from 'node:crypto';

import { jitterFraction } from '../../platform/jitter.ts';
import type { VisitRecord } from '../../storage/store/run.ts';
import type { SharingCollector } from '../../storage/store/share-store.ts';

/** Returns the slice of a client: the first byte of the SHA-256 of its name. */
export function sliceOf(client: string): number {
  return createHash('sha256').update(client).digest().readUInt8(0);
}

/** Returns a visit with the epoch of its client's slice, if that was claimed. */
export function withEpoch(visit: VisitRecord, epochs: ReadonlyMap<number, number>): VisitRecord {
  const epoch = epochs.size === 0 ? undefined : epochs.get(sliceOf(visit.client));
  return epoch === undefined ? visit : { ...visit, epoch };
}

/**
 * Returns the collector to which a slice belongs first, by rendezvous hashing: each gets a share by its capacity, and
 * one that comes or goes moves no other's slices. `null` if there is none.
 *
 * Source: Schindelhauer and Schomaker, "Weighted Distributed Hash Tables" (2005), the logarithmic method.
 */
export function preferredOwner(
  slice: number,
  collectors: readonly Pick<SharingCollector, 'id' | 'capacity'>[],
): string | null {
  let best: { readonly id: string; readonly distance: number } | null = null;
  for (const { id, capacity } of collectors) {
    const distance = -Math.log1p(-jitterFraction(`${id} ${slice}`)) / Math.max(1, capacity);
    if (best === null || distance < best.distance) best = { id, distance };
  }
  return best?.id ?? null;
}
