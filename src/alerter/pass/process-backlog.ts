import { withBoundedHeap } from '../../platform/heap-growth.ts';
import { isFaultOfValues } from '../../storage/sql/fault.ts';
import type { ProcessedRows, UnprocessedBatch } from '../../storage/store/evaluation-store.ts';
import { loadRows, watchedClients, type LoadedRows } from '../evaluate/load-rows.ts';
import { evaluatedFigures } from '../evaluate/sample-row.ts';
import { openClientStates } from '../transition/client-states.ts';
import { Round } from '../transition/process-rows.ts';
import type { PassContext } from './pass-context.ts';
import type { Stages } from './stages.ts';
import type { Storage } from '../../storage/store/storage.ts';

export interface ProcessOptions extends Pick<PassContext, 'config' | 'lease' | 'signal' | 'nowMs' | 'observe'> {
  readonly storage: Pick<Storage, 'evaluation'>;
  /** Default: the fault of a row is thrown. */
  readonly stages?: Pick<Stages, 'heed'>;
}

/** Counts of processed rows. */
export interface Processed {
  readonly reports: number;
  readonly visits: number;
  /** True if rows after the last page were left unprocessed. */
  readonly more: boolean;
}

export interface RoundSizes {
  /** Rows of each kind in a page. One page is processed while the next is read. A row may have 200 mounts. */
  readonly pageRows: number;
  /** Rows of a round, which is stored in one transaction, with the rule states of its clients. */
  readonly roundRows: number;
}

const defaultSizes: RoundSizes = { pageRows: 200, roundRows: 10_000 };
/** A round ends after this time if the database is slow, to touch the lease, and so that a crash repeats little. */
const roundMs = 5_000;

/**
 * Processes all unprocessed rows, oldest first, in rounds of one transaction each. A signal stops the processing
 * between two rounds.
 */
export async function processBacklog(options: ProcessOptions, sizes = defaultSizes): Promise<Processed> {
  const { config, storage, lease, signal } = options;
  const counts = { reports: 0, visits: 0, more: false };
  for (;;) {
    await lease.take();
    const first = await storage.evaluation.unprocessed(sizes.pageRows, null, evaluatedFigures(config.clients));
    if (first.reports.length + first.visits.length === 0) return counts;
    const { reports, visits, more } = await withBoundedHeap(() => processInRounds(options, first, sizes));
    counts.reports += reports;
    counts.visits += visits;
    counts.more = more;
    // Rows that arrived late meanwhile sort before the end of the last page.
    if (first.next === null || signal.aborted) return counts;
  }
}

interface Page extends Pick<UnprocessedBatch, 'more' | 'next'> {
  readonly rows: LoadedRows;
}

/**
 * Processes a page of rows and all rows after it. The next page is read while one is processed, and the next round is
 * processed while one is stored: an alerter that waited for MariaDB each time took twice as long. Stores one round at a
 * time. No work is under way any more when the function returns or throws.
 */
export async function processInRounds(
  options: ProcessOptions,
  first: UnprocessedBatch,
  { pageRows, roundRows }: RoundSizes,
): Promise<Processed> {
  const { storage, signal } = options;
  const counts = { reports: 0, visits: 0, more: false };
  const states = openClientStates(storage.evaluation);
  const clients = watchedClients(options.config);
  const figures = evaluatedFigures(options.config.clients);
  const load = async (batch: UnprocessedBatch): Promise<Page> => ({
    rows: await loadRows({ store: storage.evaluation, clients, batch }),
    more: batch.more,
    next: batch.next,
  });
  let coming: Promise<Page> = load(first);
  let storing: Promise<void> = Promise.resolve();
  try {
    for (let goesOn = true; goesOn;) {
      const round = new Round({ ...options, states, heed: options.stages?.heed });
      const startedAt = performance.now();
      let more: boolean;
      do {
        const page = await coming;
        ({ more } = page);
        goesOn = page.next !== null && !signal.aborted;
        if (goesOn) coming = quietly(storage.evaluation.unprocessed(pageRows, page.next, figures).then(load));
        await round.process(page.rows);
      } while (goesOn && round.rows < roundRows && performance.now() - startedAt < roundMs);
      const { processed, after } = round.end();
      await storing;
      if (round.rows === 0) break;
      storing = quietly(storeRound(options, round, processed, more, counts));
      states.follow(after, storing);
    }
    await storing;
    return counts;
  } finally {
    await Promise.allSettled([storing, coming]);
  }
}

/**
 * Stores a round. If the database refuses it because of its values, stores what concerns each client by itself, and
 * only marks the rows of a client whose part is refused.
 */
async function storeRound(
  options: ProcessOptions,
  round: Round,
  rows: ProcessedRows,
  more: boolean,
  counts: { reports: number; visits: number; more: boolean },
): Promise<void> {
  const { storage, lease, observe, stages } = options;
  const held = await lease.take();
  const { evaluation } = storage;
  try {
    await evaluation.saveProcessed(held, rows);
  } catch (thrown) {
    if (stages === undefined || !isFaultOfValues(thrown)) throw thrown;
    for (const [client, own] of round.byClient(rows)) {
      const { statIds, visitIds } = own;
      await evaluation.saveProcessed(held, own).catch(async (refused: unknown) => {
        stages.heed(`storing the alerts of ${client}, whose rows of this pass are passed over`, refused);
        await evaluation.saveProcessed(held, { statIds, visitIds, alerts: [], ruleStates: new Map() });
      });
    }
  }
  const [reports, visits] = [rows.statIds.length, rows.visitIds.length];
  counts.reports += reports;
  counts.visits += visits;
  counts.more = more;
  observe({ kind: 'processed', reports, visits, more });
}

/** Keeps a rejection for the code that awaits the work later. */
function quietly<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}
