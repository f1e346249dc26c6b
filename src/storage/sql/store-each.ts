import { messageOf } from '../../errors.ts';
import { isFaultOfValues } from './fault.ts';

/** A record that cannot be stored, and the reason. */
export interface Unstorable<T> {
  readonly record: T;
  readonly reason: string;
}

const usualSize = 200;

/**
 * Stores records in batches. Halves a batch with a record that cannot be stored, so that it costs no other record.
 * Returns the records that cannot be stored. Throws faults of the database itself.
 */
export async function storeEach<T>(
  records: readonly T[],
  store: (batch: readonly T[]) => Promise<unknown>,
  batchSize = usualSize,
): Promise<readonly Unstorable<T>[]> {
  const unstorable: Unstorable<T>[] = [];
  for (let start = 0; start < records.length; start += batchSize) {
    await storeHalving(records.slice(start, start + batchSize), store, unstorable);
  }
  return unstorable;
}

async function storeHalving<T>(
  batch: readonly T[],
  store: (batch: readonly T[]) => Promise<unknown>,
  unstorable: Unstorable<T>[],
): Promise<void> {
  try {
    await store(batch);
    return;
  } catch (thrown) {
    if (!isFaultOfValues(thrown)) throw thrown;
    if (batch.length === 1) {
      unstorable.push(...batch.map((record) => ({ record, reason: messageOf(thrown) })));
      return;
    }
  }
  const middle = Math.ceil(batch.length / 2);
  await storeHalving(batch.slice(0, middle), store, unstorable);
  await storeHalving(batch.slice(middle), store, unstorable);
}
