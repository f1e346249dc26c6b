import type { ServerResponse } from 'node:http';

import { secondMs } from '../../../platform/units.ts';
import type { Answer } from '../answer.ts';
import { answerMs } from '../look-answer.ts';
import { Rates } from '../rates.ts';
import { endpoints, type Maker } from '../routes.ts';
import type { Visitor } from '../visitor.ts';
import { AnswerProcess, type AnswerProcessOptions, busyAnswer } from './answer-process.ts';
import type { LookRequest } from './documents.ts';
import { FairQueue } from './fair-queue.ts';

/** The milliseconds of work that an address may cause at once, and in each second after that. */
const work = { burst: 20 * secondMs, perSecond: secondMs / 2 } as const;
/** The process of reports, which are rare and large, does not keep its memory. */
const reportsIdleMs = 30 * secondMs;

/** The sender of a request, and the answer that ends if the sender leaves. */
export interface Viewer {
  readonly visitor: Visitor;
  readonly outgoing: ServerResponse;
}

/** The processes that make pages and reports, while the server itself goes on with pings and pushes. */
export class AnswerProcesses {
  readonly #processes: readonly AnswerProcess[];
  readonly #queues: Readonly<Record<Exclude<Maker, 'at once'>, FairQueue<LookRequest, Answer>>>;

  constructor(options: Omit<AnswerProcessOptions, 'idleMs'>) {
    const pages = new AnswerProcess({ ...options, idleMs: null });
    const reports = new AnswerProcess({ ...options, idleMs: reportsIdleMs });
    const costs = new Rates(work);
    this.#processes = [pages, reports];
    const queueOf = (process: AnswerProcess): FairQueue<LookRequest, Answer> =>
      new FairQueue({
        work: (request, signal) => process.answer(request, signal),
        ...{ costs, waitMs: answerMs },
        refused: (reason) =>
          reason === 'busy' ? busyAnswer(503, 'The server is busy.\n') : busyAnswer(429, 'Too many large requests.\n'),
      });
    this.#queues = { pages: queueOf(pages), reports: queueOf(reports) };
  }

  /** Returns the answer to a request. Those who ask for the same at the same time share it. */
  answer(request: LookRequest, { visitor, outgoing }: Viewer): Promise<Answer> {
    const gone = new AbortController();
    outgoing.once('close', () => gone.abort());
    const { address } = visitor;
    return this.#queues[endpoints[request.name].made].ask(
      { key: JSON.stringify(request), request, address },
      gone.signal,
    );
  }

  /** Drops what was read before a run finished. */
  forget(): void {
    for (const process of this.#processes) process.forget();
  }

  async close(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.close()));
  }
}
