/** Uploads a runtime to one client, over a connection after the login. See src/loader/upload-runtime.ts. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { FleetError, errorTable, type ErrorCode } from '../../errors.ts';
import { startDeadline } from '../../platform/deadline.ts';
import { markerBytes, maxGreetingBytes } from '../../report/wire.ts';
import { findRuntimeSign, uploadRuntimeCommand, uploadStatus, type RuntimeSign } from '../../loader/upload-runtime.ts';
import { findLoaderSign } from '../../loader/loader.ts';
import type { Channel, Connection } from '../../transport/transport.ts';
import { printable } from '../agent/agent-faults.ts';
import { runtimeId, type RuntimeCopy, type StoredRuntime } from './runtime-store.ts';
import { readStart } from '../agent/stream-start.ts';

export interface TransferOptions {
  readonly connection: Connection;
  /** The client's name, for messages. */
  readonly client: string;
  readonly collectorId: string;
  readonly runtime: StoredRuntime;
  readonly limits?: Partial<TransferLimits>;
  readonly signal: AbortSignal;
}

export interface TransferLimits {
  /** The time limit for finding a place on the client. */
  readonly lookMs: number;
  /** The time limit of a stall of the client. */
  readonly stallMs: number;
  /** The rate below which a transfer is given up. A later run resumes it. */
  readonly leastBytesPerSecond: number;
  /** The time limit for unpacking, checking and testing, on a slow machine with a slow disk. */
  readonly unpackMs: number;
}

const defaultLimits: TransferLimits = {
  lookMs: 20_000,
  stallMs: 20_000,
  leastBytesPerSecond: 32 * 1024,
  unpackMs: 180_000,
};

export interface Transferred {
  readonly codec: string;
  /** The number of compressed bytes of this transfer. */
  readonly sentBytes: number;
}

/** The number of places on a client. */
const maxPlaces = 4;

/**
 * Sends a runtime, or the rest of an interrupted transfer, to the first place on the client that accepts it. Reads the
 * file at the client's pace, so that at most one window of it is in memory. Throws FleetError: `no-runtime` if the
 * client cannot run it, `upload-failed`, `no-shell`, or the connection's error. The caller then destroys the
 * connection.
 */
export async function transferRuntime(options: TransferOptions): Promise<Transferred> {
  for (let passOver = 0, sentBytes = 0; ;) {
    const ended = await send(options, passOver);
    sentBytes += ended.sentBytes;
    const { sign, status } = ended;
    if (sign !== null && status === 0 && ended.sentAll) return { codec: sign.codec, sentBytes };
    if (sign === null || status !== uploadStatus.placeFailed || sign.place >= maxPlaces) throw endFault(ended, options);
    passOver = sign.place;
  }
}

interface Sent {
  readonly sign: RuntimeSign | null;
  /** True if /bin/sh ran the text. */
  readonly started: boolean;
  readonly sentBytes: number;
  /** True if everything was sent. A client that claims to have bytes that were not sent is not trusted. */
  readonly sentAll: boolean;
  readonly status: number | null;
  readonly complained: string;
}

async function send(options: TransferOptions, passOver: number): Promise<Sent> {
  const { connection, client, collectorId, runtime } = options;
  const { copies, digest, sizeBytes } = runtime;
  const limits = { ...defaultLimits, ...options.limits };
  const marker = randomBytes(markerBytes).toString('base64url');
  const id = runtimeId(runtime);
  const command = uploadRuntimeCommand({ client, marker, collectorId, id, digest, sizeBytes, copies, passOver });
  const channel = await connection.exec(command);
  // The end of a command shows that it ended early; an error of its input adds nothing.
  channel.stdin.on('error', () => undefined);
  const find = (): RuntimeSign | null => findRuntimeSign(stdout.text(), marker);
  let onSign = (): void => undefined;
  const signed = new Promise<void>((resolve) => (onSign = resolve));
  const stdout = readStart(channel.stdout, maxGreetingBytes, () => {
    if (find() !== null) onSign();
  });
  const stderr = readStart(channel.stderr, maxGreetingBytes);
  let soFar = 'no place for it was found';
  const deadline = startDeadline({
    timeoutMs: limits.lookMs,
    signal: options.signal,
    late: () => fault('upload-failed', client, `uploading Node.js took too long: ${soFar}`),
  });
  const state = { over: false };
  const note = (): void => void (state.over = true);
  const end = channel.exit.then(note, note);
  try {
    await Promise.race([signed, end, deadline.over]);
    let sentBytes = 0;
    let sentAll = false;
    const copy = copyFor(find(), copies);
    if (copy !== null) {
      const { file, presentBytes, leftBytes } = copy;
      const endsAt = performance.now() + limits.stallMs + (leftBytes / limits.leastBytesPerSecond) * 1000;
      for await (const piece of leftBytes === 0
        ? []
        : (createReadStream(file, { start: presentBytes }) as AsyncIterable<Buffer>)) {
        if (state.over) break;
        soFar = `${sentBytes} of ${leftBytes} bytes went over`;
        deadline.restart(Math.min(limits.stallMs, endsAt - performance.now()));
        if (!channel.stdin.write(piece)) await Promise.race([drained(channel), end, deadline.over]);
        sentBytes += piece.length;
      }
      sentAll = sentBytes === leftBytes;
      soFar = 'it was sent, but not unpacked';
      deadline.restart(limits.unpackMs);
      channel.stdin.end();
    }
    const { status } = await Promise.race([channel.exit, deadline.over]);
    // The last output may still be in transit.
    await Promise.race([Promise.all([stdout.ended, stderr.ended]), sleep(lastWordsMs)]);
    const started = findLoaderSign(stdout.text(), marker) !== null;
    return { sign: find(), started, sentBytes, sentAll, status, complained: printable(stderr.text().toString()) };
  } finally {
    deadline.end();
  }
}

const lastWordsMs = 500;

/** Returns the copy to send; null if the client expects none. */
function copyFor(
  sign: RuntimeSign | null,
  copies: readonly RuntimeCopy[],
): { readonly file: string; readonly presentBytes: number; readonly leftBytes: number } | null {
  const copy = copies.find(({ codec }) => codec === sign?.codec);
  if (sign === null || copy === undefined || sign.presentBytes > copy.sizeBytes) return null;
  const { presentBytes } = sign;
  return { file: copy.file, presentBytes, leftBytes: copy.sizeBytes - presentBytes };
}

async function drained({ stdin }: Channel): Promise<void> {
  await once(stdin, 'drain').catch(() => undefined);
}

function endFault({ sign, started, status, complained }: Sent, { client, runtime }: TransferOptions): FleetError {
  const because = complained === '' ? '' : `: ${complained}`;
  if (!started) return fault('no-shell', client, `the login shell did not run /bin/sh${because}`);
  const target = `Node.js ${runtime.version ?? ''} for ${runtime.target}`.replace('  ', ' ');
  switch (status) {
    case uploadStatus.cannotRun:
      return fault('no-runtime', client, `${target} was uploaded, but cannot run here${because}`);
    case uploadStatus.noPlace:
      return fault('upload-failed', client, `there is no place for ${target}${because}`, false);
    case uploadStatus.placeFailed:
      return fault('upload-failed', client, `no place took ${target}${because}`);
    case uploadStatus.damaged:
      return fault('upload-failed', client, `${target} did not arrive as it was sent${because}`);
    case uploadStatus.cut:
      return fault('upload-failed', client, `${target} arrived in part`);
    default: {
      const when = sign === null ? 'before a place was found' : 'before it was in place';
      return fault('upload-failed', client, `uploading ${target} ended ${when} (status ${String(status)})${because}`);
    }
  }
}

function fault(code: ErrorCode, client: string, message: string, retryable = errorTable[code].retryable): FleetError {
  return new FleetError({ code, stage: 'upload', client, message: `${client}: ${message}`, retryable });
}
