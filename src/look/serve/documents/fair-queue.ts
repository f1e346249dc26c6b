import type { Rates } from '../rates.ts';

interface FairQueueOptions<Request, Result> {
  /** Does the work of a request. The signal is aborted when nobody waits for the result any more. */
  readonly work: (request: Request, signal: AbortSignal) => Promise<Result>;
  /** The milliseconds of work that addresses have left. */
  readonly costs: Rates;
  /** The longest wait for the beginning of the work. */
  readonly waitMs: number;
  /** The result of work that is refused: its address has used its time up, or others' work took too long. */
  readonly refused: (reason: 'used up' | 'busy') => Result;
}

interface Job<Request, Result> {
  readonly key: string;
  readonly request: Request;
  readonly address: string;
  readonly ended: AbortController;
  readonly result: Promise<Result>;
  readonly finish: (result: Result | Promise<Result>) => void;
  readonly timer: NodeJS.Timeout;
  /** The number of those who wait for the result. */
  viewers: number;
}

/**
 * Does one piece of work at a time. Those who ask for the same share it. The work of the address that has used the
 * least time is next; its time is charged to the address that asked first.
 */
export class FairQueue<Request, Result> {
  readonly #options: FairQueueOptions<Request, Result>;
  /** The work that waits or is under way, by key. */
  readonly #jobs = new Map<string, Job<Request, Result>>();
  /** In the order of arrival. */
  readonly #waiting = new Set<Job<Request, Result>>();
  #isBusy = false;

  constructor(options: FairQueueOptions<Request, Result>) {
    this.#options = options;
  }

  /** Returns the result of the work with a key. `gone` is aborted when the caller does not wait any more. */
  async ask(
    { key, request, address }: { readonly key: string; readonly request: Request; readonly address: string },
    gone: AbortSignal,
  ): Promise<Result> {
    const job = this.#jobs.get(key) ?? this.#add(key, request, address);
    job.viewers += 1;
    const leave = (): void => this.#leave(job);
    if (gone.aborted) leave();
    else gone.addEventListener('abort', leave, { once: true });
    this.#next();
    try {
      return await job.result;
    } finally {
      gone.removeEventListener('abort', leave);
    }
  }

  #add(key: string, request: Request, address: string): Job<Request, Result> {
    let finish: Job<Request, Result>['finish'] = () => undefined;
    const result = new Promise<Result>((resolve) => (finish = resolve));
    // Everybody may have left.
    result.catch(() => undefined);
    const timer = setTimeout(() => this.#refuse(job, 'busy'), this.#options.waitMs);
    const job = { key, request, address, ended: new AbortController(), result, finish, timer, viewers: 0 };
    this.#jobs.set(key, job);
    this.#waiting.add(job);
    return job;
  }

  #leave(job: Job<Request, Result>): void {
    job.viewers -= 1;
    if (job.viewers > 0) return;
    job.ended.abort();
    if (this.#waiting.has(job)) this.#refuse(job, 'busy');
    else this.#drop(job);
  }

  #refuse(job: Job<Request, Result>, reason: 'used up' | 'busy'): void {
    this.#drop(job);
    job.finish(this.#options.refused(reason));
  }

  #drop(job: Job<Request, Result>): void {
    clearTimeout(job.timer);
    this.#waiting.delete(job);
    if (this.#jobs.get(job.key) === job) this.#jobs.delete(job.key);
  }

  #next(): void {
    if (this.#isBusy) return;
    const { costs } = this.#options;
    const [next] = [...this.#waiting]
      .map((job) => ({ job, left: costs.left(job.address) }))
      .sort((one, other) => other.left - one.left);
    if (next === undefined) return;
    if (next.left > 0) void this.#do(next.job);
    // Nobody else has more.
    else for (const job of this.#waiting) this.#refuse(job, 'used up');
  }

  async #do(job: Job<Request, Result>): Promise<void> {
    const { work, costs } = this.#options;
    this.#isBusy = true;
    this.#waiting.delete(job);
    clearTimeout(job.timer);
    const began = performance.now();
    const done = work(job.request, job.ended.signal);
    job.finish(done);
    await done.catch(() => undefined);
    costs.charge(job.address, performance.now() - began);
    this.#drop(job);
    this.#isBusy = false;
    this.#next();
  }
}
