/**
 * Seals captures in a thread, one after the other. A capture is a stranger's text: whatever its parsing costs, the
 * event loop goes on with the other visits, those of clients whose captures have cost much wait for all others, and the
 * deadline of a visit stands still while its capture waits. A capture that takes too long ends the thread; the next one
 * starts another.
 */
import path from 'node:path';
import { Worker } from 'node:worker_threads';

import { asFleetError, errnoOf, FleetError, type FleetErrorOptions } from '../../platform/errors/errors.ts';
import type { Hello } from '../../report/wire.ts';
import type { TimedSignal } from '../../platform/deadline.ts';
import { packageDir } from '../../state-folder/paths.ts';
import type { CaptureCosts } from './capture-costs.ts';
import type { CaptureTask, SealedCapture } from './seal-capture.ts';

export interface CaptureJob {
  /** The capture. The caller cannot read it afterwards: its memory may go to the thread. */
  readonly payload: Uint8Array;
  readonly hello: Hello;
  readonly task: CaptureTask;
}

/** The answer of the thread. */
export type CaptureAnswer =
  | { readonly made: SealedCapture; readonly fault: null }
  | { readonly made: null; readonly fault: Pick<FleetErrorOptions, 'code' | 'stage' | 'message'> };

/** The turn of a capture among others. */
export interface CaptureTurn {
  /** The costs of captures in this run and before. Default: none are known, and none are noted. */
  readonly costs?: CaptureCosts | undefined;
  /** The deadline of the visit, which stands still while the capture waits for others. Default: none does. */
  readonly deadline?: Pick<TimedSignal, 'pause' | 'resume'> | undefined;
}

export interface CaptureLimits {
  /** The CPU of one capture, some ten times that of the largest harmless one. */
  readonly cpuMs: number;
  /** The CPU of all captures of one client in a run: that of its figures, and that of its state. */
  readonly runCpuMs: number;
  /** The time of one capture, also where other programs have the processors. */
  readonly wallMs: number;
  /** The memory of the thread for objects. */
  readonly heapMib: number;
}

export const captureLimits: CaptureLimits = { cpuMs: 2000, runCpuMs: 4000, wallMs: 15_000, heapMib: 128 };

/** The interval in which the limits of a capture under way are looked at. */
const lookMs = 100;

/** A source is loaded through tsx; all else, compiled tests too, takes the built part. */
const isSource = import.meta.filename.endsWith('.ts');
const program = isSource
  ? path.join(import.meta.dirname, 'capture-worker.ts')
  : path.join(packageDir, 'dist', 'parts', 'capture-worker.cjs');

/** A capture that waits for those before it. */
interface Waiting {
  readonly isDear: () => boolean;
  readonly sizeBytes: number;
  readonly begin: () => void;
}

/** A thread that seals captures. It starts with the first one, and keeps no program running. */
export class CaptureThread {
  readonly #limits: CaptureLimits;
  readonly #waiting: Waiting[] = [];
  #worker: Promise<Worker> | null = null;
  #isBusy = false;

  constructor(limits: CaptureLimits = captureLimits) {
    this.#limits = limits;
  }

  /**
   * Seals a capture when its turn comes, unless the signal is aborted by then. Throws the signal's reason, or a
   * FleetError: that of sealCapture, `report-too-large` for a capture beyond the limits, `internal` without a thread.
   */
  async seal(job: CaptureJob, signal: AbortSignal, turn: CaptureTurn = {}): Promise<SealedCapture> {
    const { client } = job.task;
    await this.#turnOf(job, turn);
    try {
      signal.throwIfAborted();
      const { made, fault } = await this.#answer(job, turn.costs);
      if (fault !== null) throw new FleetError({ ...fault, client });
      return { ...made, sealed: bufferOf(made.sealed), notes: bufferOf(made.notes) };
    } finally {
      this.#beginNext();
    }
  }

  /** Starts the thread while the client still reads. Ignores a failure: the capture meets it again. */
  prepare(): void {
    if (this.#worker !== null) return;
    void this.#ready()
      .then((worker) => worker.unref())
      .catch(() => undefined);
  }

  /** Waits for the turn of a capture. The time of its visit stands still meanwhile. */
  async #turnOf({ payload, task: { client } }: CaptureJob, { costs, deadline }: CaptureTurn): Promise<void> {
    if (!this.#isBusy) {
      this.#isBusy = true;
      return;
    }
    deadline?.pause();
    const isDear = (): boolean => costs?.isDear(client) === true;
    await new Promise<void>((resolve) => this.#waiting.push({ isDear, sizeBytes: payload.length, begin: resolve }));
    deadline?.resume();
  }

  /** Begins the smallest waiting capture of a client whose captures have cost little, else of the others. */
  #beginNext(): void {
    const isBefore = (one: Waiting, other: Waiting): boolean => {
      const more = Number(one.isDear()) - Number(other.isDear());
      return more < 0 || (more === 0 && one.sizeBytes < other.sizeBytes);
    };
    let first: Waiting | null = null;
    for (const one of this.#waiting) if (first === null || isBefore(one, first)) first = one;
    if (first === null) this.#isBusy = false;
    else this.#waiting.splice(this.#waiting.indexOf(first), 1);
    first?.begin();
  }

  async #answer(job: CaptureJob, costs: CaptureCosts | undefined): Promise<CaptureAnswer> {
    const { client } = job.task;
    const { runCpuMs, heapMib } = this.#limits;
    const leftMs = runCpuMs - (costs?.spentMs(client) ?? 0);
    if (leftMs <= 0) throw dearFault(client, `captures whose parsing takes more than ${runCpuMs} ms of CPU in a run`);
    let worker: Worker | null = null;
    const spentMs = startMeter();
    try {
      worker = await this.#ready();
      worker.ref();
      return (await this.#messageOf(worker, job, Math.min(this.#limits.cpuMs, leftMs))) as CaptureAnswer;
    } catch (thrown) {
      this.#worker = null;
      await worker?.terminate();
      if (errnoOf(thrown) !== 'ERR_WORKER_OUT_OF_MEMORY')
        throw asFleetError(thrown, { code: 'internal', stage: 'report', client });
      throw dearFault(client, `a capture that takes more than ${heapMib} MiB of memory`, thrown);
    } finally {
      costs?.note(client, spentMs());
      worker?.unref();
    }
  }

  /** Returns the thread, which this starts if there is none. */
  #ready(): Promise<Worker> {
    const starting = (this.#worker ??= this.#start());
    starting.catch(() => {
      if (this.#worker === starting) this.#worker = null;
    });
    return starting;
  }

  async #start(): Promise<Worker> {
    const worker = new Worker(isSource ? `require(${JSON.stringify(program)})` : program, {
      eval: isSource,
      execArgv: isSource ? ['--require', 'tsx/cjs'] : [],
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.heapMib },
    });
    await this.#messageOf(worker, null, Infinity);
    return worker;
  }

  /** Returns the thread's next message, after a job. Rejects if the thread ends, or the job is beyond its limits. */
  #messageOf(worker: Worker, job: CaptureJob | null, cpuMs: number): Promise<unknown> {
    const { wallMs } = this.#limits;
    const began = performance.now();
    const spentMs = startMeter();
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearInterval(timer);
        worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      };
      const onMessage = (message: unknown): void => {
        end();
        resolve(message);
      };
      const onError = (error: Error): void => {
        end();
        reject(error);
      };
      const onExit = (): void => onError(new Error('the thread for captures ended'));
      const timer = setInterval(
        () => {
          const isOver = spentMs() > cpuMs;
          const isLate = performance.now() - began > wallMs;
          // An answer may have arrived while the event loop was busy.
          if (isOver || isLate) setImmediate(() => onError(lateFault(job, cpuMs, wallMs)));
        },
        Math.min(lookMs, cpuMs),
      );
      worker.on('message', onMessage).on('error', onError).on('exit', onExit);
      if (job !== null) worker.postMessage(job, memoryOf(job.payload));
    });
  }
}

/** Returns the memory that moves with a capture. That of small buffers is shared with others, and is copied. */
function memoryOf({ buffer }: Uint8Array): readonly ArrayBuffer[] {
  return buffer instanceof ArrayBuffer && buffer.byteLength > Buffer.poolSize ? [buffer] : [];
}

function lateFault(job: CaptureJob | null, cpuMs: number, wallMs: number): Error {
  if (job === null) return new Error(`no thread for captures has started within ${wallMs} ms`);
  const most = Math.ceil(cpuMs);
  return dearFault(job.task.client, `a capture whose parsing takes more than ${most} ms of CPU`);
}

function dearFault(client: string, what: string, cause?: unknown): FleetError {
  return new FleetError({ code: 'report-too-large', stage: 'report', client, message: `${client}: ${what}`, cause });
}

/**
 * Starts a meter of the CPU of the thread in milliseconds, whose readings are no less: the thread takes no more than
 * the whole program, and no more than the time that passes.
 */
function startMeter(): () => number {
  const before = process.cpuUsage();
  const began = performance.now();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return Math.min((user + system) / 1000, performance.now() - began);
  };
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The thread of all visits of this program. */
export const captureThread = new CaptureThread();
