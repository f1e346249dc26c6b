import { jitterOf } from '../../platform/jitter.ts';
import type { ClientFacts } from '../../storage/store/storage.ts';
import { dayMs, hourMs } from '../../platform/units.ts';
import type { AgentResult } from '../agent/agent-stream.ts';

export interface InventoryDueOptions {
  readonly client: string;
  /** The facts; undefined for a client that was never seen. */
  readonly facts:
    | Pick<ClientFacts, 'bootId' | 'inventoryAtMs' | 'lastReportAtMs' | 'lastVisitAtMs' | 'reader' | 'stateAtMs'>
    | undefined;
  readonly nowMs: number;
  readonly everyMs: number;
  /** True if the collector opens reports. Otherwise the facts of earlier visits come late. */
  readonly opens: boolean;
  /** True if the client's state is read, after its inventory. */
  readonly readsState: boolean;
}

/** The inventory of one visit. */
export interface DueInventory {
  /** True if it is due before the agent has answered. */
  readonly isExpected: boolean;
  /** True if it is due with what the agent has said, from which a boot is known. */
  readonly isDue: (said: { readonly reader: AgentResult['reader']; readonly bootId: string | null }) => boolean;
}

/** Decides on the inventory of a visit. `takes` is false if it is never taken of this client. */
export function dueInventory({ takes, ...options }: InventoryDueOptions & { readonly takes: boolean }): DueInventory {
  const isExpected = takes && isInventoryDue(options);
  return {
    isExpected,
    isDue: ({ reader, bootId }) => takes && reader !== 'shell' && (isExpected || wasBooted(options.facts, bootId)),
  };
}

/** True if an inventory is due: at the first visit and once a day. False for a client that the shell agent reads. */
export function isInventoryDue({ client, facts, nowMs, everyMs, opens, readsState }: InventoryDueOptions): boolean {
  if (facts === undefined || (opens ? facts.lastReportAtMs : facts.lastVisitAtMs) === null) return true;
  if (facts.reader === 'shell') return false;
  if (facts.inventoryAtMs !== null) {
    const isOld = nowMs - facts.inventoryAtMs >= dayMs || facts.inventoryAtMs > nowMs;
    if (opens || !isOld) return isOld;
  }
  // The run had no time for what follows the figures.
  if (opens && readsState && facts.stateAtMs === null) return true;
  // The inventory never arrived, or is not opened yet. It takes a second, so it is requested about once an hour.
  const runsAnHour = Math.max(1, Math.round(hourMs / everyMs));
  return (Math.floor(nowMs / everyMs) + jitterOf(client)) % runsAnHour === 0;
}

/** True if the client was booted since its facts were stored. Its inventory may have changed. */
export function wasBooted(facts: Pick<ClientFacts, 'bootId'> | undefined, bootId: string | null): boolean {
  const known = facts?.bootId ?? null;
  return known !== null && bootId !== null && known !== bootId;
}
