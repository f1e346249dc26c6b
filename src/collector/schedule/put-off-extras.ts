import type { Client } from '../../config/config.ts';
import { startTimedSignal } from '../../platform/deadline.ts';
import { secondMs } from '../../platform/units.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import type { VisitContext } from '../visit/context.ts';
import type { PutOff } from '../visit/visit.ts';
import type { VisitFleetOptions } from './visit-fleet.ts';
import { runWorkQueue } from './work-queue.ts';

/** A visit whose extras wait until the figures of all clients are read. */
export interface PutOffExtras {
  readonly client: Client;
  readonly visit: VisitRecord;
  readonly extras: PutOff;
}

export interface ExtrasOptions extends Pick<VisitFleetOptions, 'run' | 'limits'> {
  readonly context: Pick<VisitContext, 'config' | 'signal'>;
  readonly items: readonly PutOffExtras[];
  /** The time for all of them. */
  readonly timeMs: number;
  /** Called once for every item, with the row of its visit. */
  readonly record: (visit: VisitRecord) => void;
}

/** The part of `every` in which extras end, so that the run is over before the next one begins. */
const part = 0.7;
/** The least time for extras: where figures alone take all of `every`, there would never be an inventory. */
const leastMs = 6 * secondMs;

/** Returns the time for the extras of a run whose figures are read. */
export function extrasTimeMs(everyMs: number, elapsedMs: number): number {
  return Math.max(everyMs * part - elapsedMs, everyMs / 10, leastMs);
}

/** Takes the extras that visits have put off. The extras that find no time come with the next runs. */
export async function takeExtrasOf({ run, context, limits, items, timeMs, record }: ExtrasOptions): Promise<void> {
  const { collector } = context.config;
  const { signal, end } = startTimedSignal({ timeoutMs: timeMs, parent: context.signal });
  const endsAt = performance.now() + timeMs;
  try {
    const left = await runWorkQueue({
      items,
      concurrency: Math.max(1, run.concurrency ?? collector.concurrency),
      limitsOf: ({ client }) => limits.of(client, false),
      isSlow: () => false,
      signal,
      work: async ({ extras }, leave) => record(await extras({ signal, endsAt }, leave)),
    });
    for (const { visit } of left) record(visit);
  } finally {
    end();
  }
}
