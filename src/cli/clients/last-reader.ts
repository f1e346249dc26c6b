import type { StorageConfig } from '../../config/config.ts';
import { messageOf } from '../../platform/errors/errors.ts';
import type { ClientStatus } from '../../storage/store/storage.ts';
import type { Context } from '../command/context.ts';
import { readStored } from '../command/read-stored.ts';

/**
 * Returns the kind of agent that read a client last; null if unknown. If the database cannot be read, prints the fault
 * and its consequence, `doubt`, and returns null.
 */
export async function lastReader(
  { output, signal }: Context,
  storage: StorageConfig,
  name: string,
  doubt: string,
): Promise<ClientStatus['reader']> {
  try {
    const known = await readStored(storage, signal, async (stored) => (await stored?.history.clients()) ?? []);
    return known.find(({ client }) => client === name)?.reader ?? null;
  } catch (thrown) {
    signal.throwIfAborted();
    output.complain(`how ${name} was read last cannot be looked up, ${doubt}: ${messageOf(thrown)}`);
    return null;
  }
}
