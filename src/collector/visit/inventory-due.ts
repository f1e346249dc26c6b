import { jitterOf } from '../../platform/jitter.ts';
import type { ClientFacts } from '../../storage/store/storage.ts';
import { dayMs, hourMs } from '../../platform/units.ts';

export interface InventoryDueOptions {
  readonly client: string;
  /** undefined: a client that was never seen. */
  readonly facts:
    Pick<ClientFacts, 'bootId' | 'inventoryAtMs' | 'lastReportAtMs' | 'lastVisitAtMs' | 'reader'> | undefined;
  readonly nowMs: number;
  readonly everyMs: number;
  /** Whether the collector knows what came at earlier visits; where others open it, that becomes known later. */
  readonly opens: boolean;
}

/** Whether a visit should bring the inventory home: at the first visit and once a day; never what no node reads. */
export function isInventoryDue({ client, facts, nowMs, everyMs, opens }: InventoryDueOptions): boolean {
  if (facts === undefined || (opens ? facts.lastReportAtMs : facts.lastVisitAtMs) === null) return true;
  if (facts.reader === 'shell') return false;
  if (facts.inventoryAtMs !== null) {
    const isOld = nowMs - facts.inventoryAtMs >= dayMs || facts.inventoryAtMs > nowMs;
    if (opens || !isOld) return isOld;
  }
  // It never came, or is not opened yet: asking at every run for what takes a second and fails would be too much. About once an hour is not.
  const runsAnHour = Math.max(1, Math.round(hourMs / everyMs));
  return (Math.floor(nowMs / everyMs) + jitterOf(client)) % runsAnHour === 0;
}

/** Whether the client was booted since its facts were stored, so that its inventory may have changed. */
export function wasBooted(facts: Pick<ClientFacts, 'bootId'> | undefined, bootId: string | null): boolean {
  const known = facts?.bootId ?? null;
  return known !== null && bootId !== null && known !== bootId;
}
