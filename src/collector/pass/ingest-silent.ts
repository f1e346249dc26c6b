import { FleetError } from '../../errors.ts';
import type { Storage } from '../../storage/store/storage.ts';
import { unseenSealed } from '../../storage/store/unseen-sealed.ts';

/** So many times `every` in which no `ingest` took what waits. */
const patience = 3;

export interface IngestWatchOptions {
  readonly storage: Pick<Storage, 'alerts'>;
  readonly everyMs: number;
}

/**
 * For a collector that opens nothing: `ingest-silent` when sealed reports have waited in the database for three times
 * `every` and no `ingest` has looked at them; null when all is well. The alerter says so too, if one runs.
 */
export async function ingestFault({ storage, everyMs }: IngestWatchOptions): Promise<FleetError | null> {
  const unseen = unseenSealed(await storage.alerts.sealedWaiting());
  if (unseen === null || unseen.sinceMs > (await storage.alerts.nowMs()) - patience * everyMs) return null;
  const { reports, sinceMs } = unseen;
  return new FleetError({
    code: 'ingest-silent',
    stage: 'run',
    message: `${reports} sealed ${reports === 1 ? 'report waits' : 'reports wait'} in the database, the oldest since ${new Date(sinceMs).toISOString()}, and no ingest has opened them`,
  });
}
