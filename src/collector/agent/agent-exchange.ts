import { setTimeout as sleep } from 'node:timers/promises';

import { append } from '../../platform/group-by.ts';
import { FleetError } from '../../platform/errors/errors.ts';
import { WireFault, FrameParser } from '../../report/frames.ts';
import { maxGreetingBytes, type Frame } from '../../report/wire.ts';
import { maxSealedBytes } from '../../report/seal/sealed-message.ts';
import { findLoaderSign, killedStatus, type LoaderSign } from '../../transport/loader/loader.ts';
import { readStart } from './stream-start.ts';
import type { Channel, ChannelExit } from '../../transport/transport.ts';

export interface ExchangeOptions {
  readonly channel: Channel;
  readonly marker: Buffer;
  /** The bytes to write to the agent at once; null for none. */
  readonly input: Buffer | null;
  readonly limits: { readonly maxReports: number; readonly maxTotalBytes: number };
  /** The time limit of waiting for the client in total. The handling of its frames does not count. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly client: string;
  /** True to wait for the end of the command after the last frame. */
  readonly waitForExit: boolean;
  /** Called for one frame after the other. */
  readonly onFrame: (frame: Frame) => Promise<FrameAnswer>;
}

export interface FrameAnswer {
  /** The bytes to write to the agent; null for none. */
  readonly answer: Buffer | null;
  /** True if nothing follows. */
  readonly last: boolean;
}

/** The end of an exec without the agent's last frame. */
export interface Exchange {
  /** The sign of the loader; null if /bin/sh never ran the loader. */
  readonly sign: LoaderSign | null;
  /** True if the marker arrived. */
  readonly started: boolean;
  readonly status: number | null;
  readonly signal: string | null;
  /** True if SIGKILL ended the command: at its deadline, or for want of memory. */
  readonly killed: boolean;
  /** True if the collector stopped waiting. */
  readonly timedOut: boolean;
  /** The number of bytes of `input` that were not written. */
  readonly unsentBytes: number;
  /** The beginning of the output without the agent's frames, and of stderr. */
  readonly printed: string;
  readonly complained: string;
}

const maxComplaintBytes = 4096;
/** The limit of stderr, and of output after the last frame. Beyond the limit nothing more is read from the client. */
const maxIgnoredBytes = 1024 * 1024;
/** The time limit for the exit status of a command whose output has ended. */
const exitTimeoutMs = 2000;
/**
 * The time without output after which a command with an exit status has ended, although its output is open: a process
 * that the login shell has started in the background holds it.
 */
const heldOutputMs = 1000;

/**
 * Communicates with one started agent. Returns null after its last frame, otherwise the end of the exec. Throws
 * FleetError: the error of onFrame, `agent-output` and `report-too-large` for output beyond the limits,
 * `visit-deadline` if the signal ended the exchange, or the connection's error.
 */
export async function exchange(options: ExchangeOptions): Promise<Exchange | null> {
  const { channel, marker, input, limits, client, onFrame } = options;
  const parser = new FrameParser({ marker, maxGreetingBytes, maxReportBytes: maxSealedBytes, ...limits });
  const complaint = readStart(channel.stderr, maxComplaintBytes, (lengthBytes) => {
    if (lengthBytes <= maxIgnoredBytes) return;
    channel.stderr.pause();
    source.fail(new WireFault('agent-output', `more than ${maxIgnoredBytes} bytes of complaints`));
  });
  // The output shows that a command has ended early; an error of its input adds nothing.
  channel.stdin.on('error', () => undefined);
  if (input !== null) channel.stdin.write(input);

  const source = new FrameReader(options, parser);
  try {
    for (let frame = await source.next(); frame !== 'closed' && frame !== 'late'; frame = await source.next()) {
      const { answer, last } = await onFrame(frame);
      if (answer !== null) channel.stdin.write(answer);
      if (!last) continue;
      channel.stdin.end();
      source.discard();
      // All reports are received, so a fault from here on is ignored.
      if (options.waitForExit) await exitOf(channel).catch(() => null);
      return null;
    }
    const timedOut = source.late();
    const { status, signal } = timedOut ? { status: null, signal: null } : await exitOf(channel);
    return {
      sign: findLoaderSign(parser.greeting(), marker.toString('base64url')),
      started: parser.started,
      status,
      signal,
      killed: status === killedStatus || signal === 'SIGKILL' || signal === 'KILL',
      timedOut,
      unsentBytes: input === null ? 0 : channel.stdin.writableLength,
      printed: parser.greeting().toString(),
      complained: complaint.text().toString(),
    };
  } catch (thrown) {
    if (!(thrown instanceof WireFault)) throw thrown;
    const message = `${client}: ${thrown.message}`;
    throw new FleetError({ code: thrown.code, stage: 'agent', client, message, cause: thrown });
  } finally {
    source.discard();
  }
}

type FrameReaderOptions = Pick<ExchangeOptions, 'channel' | 'timeoutMs' | 'signal' | 'client'>;

/** Reads the frames from an agent's output. The output is paused unless a frame is awaited. */
class FrameReader {
  readonly #options: FrameReaderOptions;
  readonly #parser: FrameParser;
  readonly #frames: Frame[] = [];
  #failure: Error | null = null;
  #closed = false;
  #exited = false;
  #chunks = 0;
  #discarding = false;
  #leftMs: number;
  #wake: (() => void) | null = null;

  constructor(options: FrameReaderOptions, parser: FrameParser) {
    const { stdout } = options.channel;
    this.#options = options;
    this.#parser = parser;
    this.#leftMs = options.timeoutMs;
    const onClose = (): void => {
      this.#closed = true;
      this.#wake?.();
    };
    stdout.on('error', (error: Error) => this.fail(error));
    stdout.on('end', onClose).on('close', onClose);
    const onExit = (): void => {
      this.#exited = true;
      this.#wake?.();
    };
    // The output ends with a connection that broke.
    options.channel.exit.then(onExit).catch(() => undefined);
    stdout.on('data', this.#onData);
  }

  /**
   * Returns the next frame; `closed` at the end of the output, `late` if the time limit for the client is over. Throws
   * the error of `fail`, or the abort's fault.
   */
  async next(): Promise<Frame | 'closed' | 'late'> {
    const { signal, client } = this.#options;
    for (;;) {
      const frame = this.#frames.shift();
      if (frame) return frame;
      if (this.#failure !== null) throw this.#failure;
      if (signal.aborted) throw abortFault(signal, client);
      if (this.#closed) return 'closed';
      if (this.#leftMs <= 0) return 'late';
      await this.#wait();
    }
  }

  late(): boolean {
    return this.#leftMs <= 0 && !this.#closed;
  }

  /** Makes `next` throw this error. Keeps an earlier error. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#wake?.();
  }

  /** Drops all further input. */
  discard(): void {
    const { stdout } = this.#options.channel;
    stdout.off('data', this.#onData);
    if (this.#discarding) return;
    this.#discarding = true;
    let discardedBytes = 0;
    stdout.on('data', (chunk: Buffer) => {
      discardedBytes += chunk.length;
      // A paused channel closes its window.
      if (discardedBytes > maxIgnoredBytes) stdout.pause();
    });
    stdout.resume();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#chunks += 1;
    try {
      append(this.#frames, this.#parser.push(chunk));
    } catch (thrown) {
      this.#failure = thrown instanceof Error ? thrown : new Error(String(thrown));
    }
    if (this.#frames.length === 0 && this.#failure === null) return;
    this.#options.channel.stdout.pause();
    this.#wake?.();
  };

  async #wait(): Promise<void> {
    const { channel, signal } = this.#options;
    const before = performance.now();
    const chunksBefore = this.#chunks;
    await new Promise<void>((resolve) => {
      const mayBeHeld = this.#exited && this.#leftMs > heldOutputMs;
      const onSilence = (): void => {
        if (mayBeHeld && this.#chunks === chunksBefore) this.#closed = true;
        resolve();
      };
      const timer = setTimeout(onSilence, mayBeHeld ? heldOutputMs : this.#leftMs);
      const onAbort = (): void => this.#wake?.();
      this.#wake = () => {
        this.#wake = null;
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      channel.stdout.resume();
    });
    this.#leftMs -= performance.now() - before;
  }
}

function abortFault(signal: AbortSignal, client: string): FleetError {
  if (signal.reason instanceof FleetError) return signal.reason;
  const message = `${client}: the visit was ended before the agent had answered`;
  return new FleetError({ code: 'visit-deadline', stage: 'agent', client, message, cause: signal.reason });
}

async function exitOf({ exit }: Channel): Promise<ChannelExit> {
  const unknown = sleep(exitTimeoutMs, { status: null, signal: null }, { ref: false });
  return await Promise.race([exit, unknown]);
}
