import type { Client } from '../../config/config.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import type { CollectEvent } from '../collect-options.ts';
import { bringRuntimes } from './runtime-round.ts';
import type { AwaitedRuntime } from './runtime-round.ts';
import type { StoredRuntime } from '../runtimes/runtime-store.ts';
import type { Limit } from './schedule.ts';
import { visit } from '../visit/visit.ts';
import type { VisitContext } from '../visit/context.ts';

export interface RuntimeQueueOptions {
  readonly context: VisitContext;
  readonly limitsOf: (client: Client) => readonly Limit[];
  readonly observe: (event: CollectEvent) => void;
  /** Takes the outcome that counts. */
  readonly settle: (record: VisitRecord) => void;
}

/** Clients that are brought a runtime once all have been visited, so that nobody waits for 30 MB that are another's. */
export interface RuntimeQueue {
  /** True when the visit's outcome is settled later: it failed for want of what is to be brought. */
  take(client: Client, record: VisitRecord, runtime: StoredRuntime | null): boolean;
  /** Brings them, and visits those again that were not read. */
  bring(): Promise<void>;
}

export function createRuntimeQueue({ context, limitsOf, observe, settle }: RuntimeQueueOptions): RuntimeQueue {
  const awaited: AwaitedRuntime[] = [];
  return {
    take: (client, record, runtime) => {
      if (runtime === null || context.dryRun) return false;
      const done: AwaitedRuntime['done'] = async (outcome) => {
        if (record.ok) return;
        if (outcome === 'brought') settle({ ...(await visit(context, client)).record, uploaded: true });
        else if (outcome === null) settle(record);
        else settle({ ...record, stage: outcome.stage, code: outcome.code, message: outcome.message });
      };
      awaited.push({ client, runtime, done });
      return !record.ok;
    },
    bring: async () => {
      const supply = context.runtimes;
      if (awaited.length > 0 && supply !== null) await bringRuntimes({ context, supply, awaited, limitsOf, observe });
    },
  };
}
