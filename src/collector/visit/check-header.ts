import type { Client } from '../../config/config.ts';
import { FleetError } from '../../errors.ts';
import type { SealedHeader } from '../../seal/sealed-message.ts';
import { printable } from '../agent/agent-faults.ts';
import type { KnownKeys } from '../keys/key-ring.ts';

/**
 * What can be known of a report before it is opened: that it is this client's, and sealed to a key of ours. Throws
 * FleetError `report-foreign` or `seal-no-key`.
 */
export function checkHeader({ keyId, client: named }: SealedHeader, client: Client, keys: KnownKeys): void {
  if (named !== client.name && named !== client.was) {
    const message = `${client.name} sent a report of ${printable(named)}`;
    throw new FleetError({ code: 'report-foreign', stage: 'seal', message, client: client.name });
  }
  if (!keys.has(keyId)) {
    const { clause, advice } = keys.describeMissing(keyId);
    const message = `${client.name} sent a report that is sealed to ${clause}; it stays on the client`;
    throw new FleetError({ code: 'seal-no-key', stage: 'seal', message, client: client.name, advice });
  }
}
