/** The CPU that the captures of clients cost. A client whose captures have cost much waits for all others. */
import { asFleetError, type FleetError } from '../../platform/errors/errors.ts';
import { dayMs } from '../../platform/units.ts';
import { loadNotedNames, type NotedNames } from '../../state-folder/noted-names.ts';

export interface CaptureCosts {
  /** True if the captures of a client have cost much in this run, or in one of the last day. */
  isDear(client: string): boolean;
  /** Returns the CPU of a client's captures in this run. */
  spentMs(client: string): number;
  note(client: string, ms: number): void;
  /** Keeps for the next runs which clients have cost much. A failure is a fault of the run. */
  save(): void;
}

export interface CaptureCostsOptions {
  /** The file of the state folder that has the clients whose captures have cost much. */
  readonly file: string;
  readonly nowMs: number;
  readonly onFault: (fault: FleetError) => void;
}

/** The CPU of a client's captures in a run from which they have cost much: some ten times that of a usual machine's. */
const muchMs = 100;

/** Reads which clients have cost much within the last day. A file that cannot be read is a fault of the run. */
export function loadCaptureCosts({ file, nowMs, onFault }: CaptureCostsOptions): CaptureCosts {
  const orFault = <T>(work: () => T): T | null => {
    try {
      return work();
    } catch (thrown) {
      onFault(asFleetError(thrown, { code: 'state-unusable', stage: 'run' }));
      return null;
    }
  };
  const known: NotedNames | null = orFault(() => loadNotedNames({ file, forgotten: { afterMs: dayMs, nowMs } }));
  const spent = new Map<string, number>();
  const spentMs = (client: string): number => spent.get(client) ?? 0;
  return {
    isDear: (client) => spentMs(client) >= muchMs || known?.has(client) === true,
    spentMs,
    note: (client, ms) => {
      spent.set(client, spentMs(client) + ms);
      if (spentMs(client) >= muchMs) known?.note(client);
    },
    save: () => void orFault(() => known?.save()),
  };
}
