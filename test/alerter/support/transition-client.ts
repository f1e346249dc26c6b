import { ClientTransition, latestPossibleMs } from '../../../src/alerter/transition/client-transition.ts';
import type { TransitionResult } from '../../../src/alerter/transition/client-transition.ts';
import type { SubjectsOptions } from '../../../src/alerter/transition/subjects.ts';
import type { SampledRow } from '../../../src/alerter/evaluate/sample.ts';

export interface TransitionClientOptions extends Omit<SubjectsOptions, 'latestMs'> {
  /** Rows of the client, in any order. */
  readonly sampledRows: readonly SampledRow[];
  /** The database's clock. Rows later than this time and than `sampledRows` are dropped. Default: no row is dropped. */
  readonly nowMs?: number;
}

/** Applies all rows to the alerts of one client, ordered by time. */
export function transitionClient(options: TransitionClientOptions): TransitionResult {
  const { sampledRows, everyMs, nowMs = Infinity } = options;
  const newestMs = sampledRows.reduce((latest, { atMs }) => Math.max(latest, atMs), -Infinity);
  const transition = new ClientTransition({ ...options, latestMs: latestPossibleMs(nowMs, newestMs, everyMs) });
  for (const row of [...sampledRows].sort(compareRows)) transition.step(row);
  return transition.result();
}

/** Compares rows by time. A visit precedes its report. */
function compareRows(one: SampledRow, other: SampledRow): number {
  return one.atMs - other.atMs || Number(one.kind === 'report') - Number(other.kind === 'report');
}
