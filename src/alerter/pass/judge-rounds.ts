import { withBoundedHeap } from '../../platform/heap-growth.ts';
import type { ProcessedRows, UnprocessedBatch } from '../../storage/store/evaluation-store.ts';
import { openClientStates } from '../transition/client-states.ts';
import { openRound } from '../transition/process-rows.ts';
import { loadRows } from '../evaluate/load-rows.ts';
import type { LoadedRows } from '../evaluate/load-rows.ts';
import type { Backlog, JudgeBacklogOptions } from './backlog.ts';

/** A round ends sooner where the database is slow, so that the lease is touched and little is judged twice after a crash. */
const roundMs = 5_000;

export interface JudgeInRoundsOptions extends JudgeBacklogOptions {
  /** Rows of each kind that are read at a time. */
  readonly pageRows: number;
  /** From so many rows on they are stored: in one transaction, with what is remembered of every client among them. */
  readonly roundRows: number;
}

interface Page extends Pick<UnprocessedBatch, 'more' | 'next'> {
  readonly rows: LoadedRows;
}

/**
 * Judges this page of rows and all that follow it. While a page is judged the next one is read, and while a round is stored
 * the one after it is judged: an alerter that waited for MariaDB each time took twice as long. One round is stored at a time, and
 * nothing is under way any more when it returns or throws. Returns what was stored.
 */
export function judgeInRounds(options: JudgeInRoundsOptions, first: UnprocessedBatch): Promise<Backlog> {
  return withBoundedHeap(() => judgeFrom(options, first));
}

async function judgeFrom(options: JudgeInRoundsOptions, first: UnprocessedBatch): Promise<Backlog> {
  const { store, signal, pageRows, roundRows } = options;
  const counts = { reports: 0, visits: 0 };
  const states = openClientStates(store);
  const load = async (batch: UnprocessedBatch): Promise<Page> => ({
    rows: await loadRows({ ...options, batch }),
    more: batch.more,
    next: batch.next,
  });
  let coming: Promise<Page> = load(first);
  let storing: Promise<void> = Promise.resolve();
  try {
    for (let goesOn = true; goesOn;) {
      const round = openRound({ ...options, states });
      const startedAt = performance.now();
      let more: boolean;
      do {
        const page = await coming;
        ({ more } = page);
        goesOn = page.next !== null && !signal.aborted;
        if (goesOn) coming = quietly(store.unprocessed(pageRows, page.next).then(load));
        await round.judge(page.rows);
      } while (goesOn && round.rows() < roundRows && performance.now() - startedAt < roundMs);
      const { judged, after } = round.end();
      await storing;
      if (round.rows() === 0) break;
      storing = quietly(storeRound(options, judged, more, counts));
      states.follow(after, storing);
    }
    await storing;
    return counts;
  } finally {
    await Promise.allSettled([storing, coming]);
  }
}

async function storeRound(
  { store, lease, observe }: JudgeBacklogOptions,
  judged: ProcessedRows,
  more: boolean,
  counts: { reports: number; visits: number },
): Promise<void> {
  await store.saveProcessed(await lease.take(), judged);
  const [reports, visits] = [judged.statIds.length, judged.visitIds.length];
  counts.reports += reports;
  counts.visits += visits;
  observe({ kind: 'judged', reports, visits, more });
}

/** What fails before anybody waits for it is thrown once somebody does. */
function quietly<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}
