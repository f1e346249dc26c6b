import { append } from '../../platform/group-by.ts';
import { messageOf } from '../../platform/errors/errors.ts';
import { isFaultOfValues } from './fault.ts';

/** A record that cannot be stored, and the reason. */
export interface Unstorable<T> {
  readonly record: T;
  readonly reason: string;
}

const usualSize = 200;

/** Stores records in batches, each by storeHalving. Returns the records that cannot be stored. */
export async function storeEach<T>(
  records: readonly T[],
  store: (batch: readonly T[]) => Promise<unknown>,
  batchSize = usualSize,
): Promise<readonly Unstorable<T>[]> {
  const unstorable: Unstorable<T>[] = [];
  const storeAll = async (batch: readonly T[]): Promise<readonly Unstorable<T>[]> => {
    await store(batch);
    return [];
  };
  for (let start = 0; start < records.length; start += batchSize) {
    const batch = records.slice(start, start + batchSize);
    append(unstorable, await storeHalving(batch, storeAll, (reason, record) => ({ record, reason })));
  }
  return unstorable;
}

/**
 * Stores a batch, and returns the results of `store` in its order. Halves a batch with a record that cannot be stored,
 * so that it costs no other record. `refuse` returns the result of such a record. Throws faults of the database itself.
 */
export async function storeHalving<T, Result>(
  batch: readonly T[],
  store: (batch: readonly T[]) => Promise<readonly Result[]>,
  refuse: (reason: string, record: T) => Result,
): Promise<readonly Result[]> {
  const [only, ...others] = batch;
  if (only === undefined) return [];
  try {
    return await store(batch);
  } catch (thrown) {
    if (!isFaultOfValues(thrown)) throw thrown;
    if (others.length === 0) return [refuse(messageOf(thrown), only)];
  }
  const middle = Math.ceil(batch.length / 2);
  const first = await storeHalving(batch.slice(0, middle), store, refuse);
  return [...first, ...(await storeHalving(batch.slice(middle), store, refuse))];
}
