/**
 * Seals captures in a thread, one after the other. A capture is a stranger's text: whatever its parsing costs, the
 * event loop goes on with the other visits. A capture that takes too long ends the thread; the next one starts another.
 */
import path from 'node:path';
import { Worker } from 'node:worker_threads';

import { asFleetError, errnoOf, FleetError, type FleetErrorOptions } from '../../platform/errors/errors.ts';
import type { Hello } from '../../report/wire.ts';
import { packageDir } from '../../state-folder/paths.ts';
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

export interface CaptureLimits {
  /** The CPU of one capture, some ten times that of the largest harmless one. */
  readonly cpuMs: number;
  /** The time of one capture, also where other programs have the processors. */
  readonly wallMs: number;
  /** The memory of the thread for objects. */
  readonly heapMib: number;
}

export const captureLimits: CaptureLimits = { cpuMs: 2000, wallMs: 15_000, heapMib: 128 };

/** The interval in which the limits of a capture under way are looked at. */
const lookMs = 100;

/** A source is loaded through tsx; all else, compiled tests too, takes the built part. */
const isSource = import.meta.filename.endsWith('.ts');
const program = isSource
  ? path.join(import.meta.dirname, 'capture-worker.ts')
  : path.join(packageDir, 'dist', 'parts', 'capture-worker.cjs');

/** A thread that seals captures. It starts with the first one, and keeps no program running. */
export class CaptureThread {
  readonly #limits: CaptureLimits;
  #worker: Worker | null = null;
  /** Resolves when the captures so far are done. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(limits: CaptureLimits = captureLimits) {
    this.#limits = limits;
  }

  /**
   * Seals a capture after those before it, unless the signal is aborted by then. Throws the signal's reason, or a
   * FleetError: that of sealCapture, `report-too-large` for a capture beyond the limits, `internal` without a thread.
   */
  async seal(job: CaptureJob, signal: AbortSignal): Promise<SealedCapture> {
    const { client } = job.task;
    const turn = this.#last.then(async () => {
      signal.throwIfAborted();
      return await this.#answer(job);
    });
    this.#last = turn.catch(() => undefined);
    const { made, fault } = await turn;
    if (fault !== null) throw new FleetError({ ...fault, client });
    return { ...made, sealed: bufferOf(made.sealed), notes: bufferOf(made.notes) };
  }

  /** Starts the thread while the client still reads. Ignores a failure: the capture meets it again. */
  prepare(): void {
    if (this.#worker !== null) return;
    const start = async (): Promise<void> => {
      this.#worker ??= await this.#start();
      this.#worker.unref();
    };
    this.#last = this.#last.then(start).catch(() => undefined);
  }

  async #answer(job: CaptureJob): Promise<CaptureAnswer> {
    const { client } = job.task;
    try {
      this.#worker ??= await this.#start();
      this.#worker.ref();
      return (await this.#messageOf(this.#worker, job)) as CaptureAnswer;
    } catch (thrown) {
      await this.#worker?.terminate();
      this.#worker = null;
      if (errnoOf(thrown) !== 'ERR_WORKER_OUT_OF_MEMORY')
        throw asFleetError(thrown, { code: 'internal', stage: 'report', client });
      const message = `${client}: a capture that takes more than ${this.#limits.heapMib} MiB of memory`;
      throw new FleetError({ code: 'report-too-large', stage: 'report', client, message, cause: thrown });
    } finally {
      this.#worker?.unref();
    }
  }

  async #start(): Promise<Worker> {
    const worker = new Worker(isSource ? `require(${JSON.stringify(program)})` : program, {
      eval: isSource,
      execArgv: isSource ? ['--require', 'tsx/cjs'] : [],
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.heapMib },
    });
    await this.#messageOf(worker, null);
    return worker;
  }

  /** Returns the thread's next message, after a job. Rejects if the thread ends, or the job is beyond its limits. */
  #messageOf(worker: Worker, job: CaptureJob | null): Promise<unknown> {
    const { cpuMs, wallMs } = this.#limits;
    const before = process.cpuUsage();
    const began = performance.now();
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
          // The CPU of the whole program: that of the thread is no more than this.
          const { user, system } = process.cpuUsage(before);
          const isOver = job !== null && user + system > cpuMs * 1000;
          const isLate = performance.now() - began > wallMs;
          // An answer may have arrived while the event loop was busy.
          if (isOver || isLate) setImmediate(() => onError(lateFault(job, this.#limits)));
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

function lateFault(job: CaptureJob | null, { cpuMs, wallMs }: CaptureLimits): Error {
  if (job === null) return new Error(`no thread for captures has started within ${wallMs} ms`);
  const { client } = job.task;
  const message = `${client}: a capture whose parsing takes more than ${cpuMs} ms of CPU`;
  return new FleetError({ code: 'report-too-large', stage: 'report', client, message });
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The thread of all visits of this program. */
export const captureThread = new CaptureThread();
