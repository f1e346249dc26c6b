/**
 * The collector's end of the one-exec protocol (src/report/wire.ts), over a connection after the login.
 * Nothing that a client sends is trusted beyond its limits: output before the marker, lengths and number of frames,
 * messages of faults. Reports are not opened here: `onReport` decides which are acknowledged.
 */
import { randomBytes } from 'node:crypto';

import { asFleetError, FleetError } from '../../platform/errors/errors.ts';
import { parseAgentFault, parseEnd, parseHello } from '../../report/frames.ts';
import { markerBytes, protocolVersion, type End, type Frame, type Hello } from '../../report/wire.ts';
import { readHeader, type SealedMessage } from '../../report/seal/sealed-message.ts';
import { loaderStatus } from '../../transport/loader/loader.ts';
import type { Reader } from '../../storage/store/storage.ts';
import type { Channel, Connection } from '../../transport/transport.ts';
import { agentCommand, maxBytesPerVisit, maxReportsPerVisit, mayBeReadByShell } from './agent-command.ts';
import { exchange, type Exchange, type ExchangeOptions, type FrameAnswer } from './agent-exchange.ts';
import { exchangeFault, printable } from './agent-faults.ts';
import type { SealedCapture } from './seal-capture.ts';
import { captureThread, type CaptureTurn } from './seal-in-thread.ts';
import type { AgentTask, Bundle, Bundles } from './task.ts';

/** An exec that is prepared without a connection, so that the first command can be sent ahead of the login. */
export interface AgentOpening {
  readonly marker: Buffer;
  readonly command: string;
}

/** Prepares an exec. Throws FleetError `config-invalid`. */
export function openingOf(task: AgentTask, uploaded: Bundle | null = null): AgentOpening {
  const marker = randomBytes(markerBytes);
  return { marker, command: agentCommand(task, marker, uploaded) };
}

export interface RunAgentOptions extends AgentTask {
  readonly connection: Connection;
  /** The prepared exec. Default: prepared by runAgent. */
  readonly opening?: AgentOpening;
  readonly signal: AbortSignal;
  /** True if nothing is acknowledged, whatever onReport returns. */
  readonly dryRun: boolean;
  /** True to wait for the channel to close after the last frame, so that another exec may follow on this connection. */
  readonly waitForExit: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called for one report after the other. Decides on the acknowledgement when it resolves. */
  readonly onReport: (report: ReceivedReport) => Promise<'acknowledge' | 'keep'>;
  /** The turn of the capture of a client without Node. Default: by its size. */
  readonly captures?: CaptureTurn;
}

/** The options for frames of a stream, for any kind of connection. */
export type FrameTaking = Pick<
  RunAgentOptions,
  'client' | 'kind' | 'unsealed' | 'runId' | 'publicKey' | 'now' | 'dryRun' | 'onReport' | 'signal'
> &
  Partial<Pick<RunAgentOptions, 'probeOptions' | 'shellState' | 'captures'>>;

export interface StreamOptions extends FrameTaking {
  readonly channel: Channel;
  readonly marker: Buffer;
  readonly limits: ExchangeOptions['limits'];
  readonly timeoutMs: number;
}

export interface ReceivedReport {
  readonly sealed: Buffer;
  /** The parsed parts of `sealed`. */
  readonly header: SealedMessage;
  /** The time at which the last byte was read. */
  readonly receivedAtMs: number;
  /** The hello frame of the agent that sent the report. */
  readonly hello: ReceivedHello;
}

export interface ReceivedHello extends Hello {
  readonly receivedAtMs: number;
  /** The client's clock minus ours. */
  readonly offsetMs: number;
}

export interface AgentResult {
  readonly hello: ReceivedHello | null;
  readonly end: End | null;
  /** The numbers of received reports and of acknowledged ones. */
  readonly reports: number;
  readonly acknowledged: number;
  /** True if the agent had to be uploaded. */
  readonly uploaded: boolean;
  /** The kind of agent that answered; null if none did. */
  readonly reader: Reader | null;
  /** The fault; the counts above include reports before it. null if the agent sent its last frame. */
  readonly fault: FleetError | null;
}

/**
 * Runs the agent on a client and receives its reports, this run's first. Uploads the agent if it is missing, and once
 * if it ends before its first frame, because its file may be damaged. Never throws for a client's behaviour: the
 * result's `fault` reports it. Afterwards the caller leaves the connection, or destroys it after a fault.
 */
export async function runAgent(options: RunAgentOptions): Promise<AgentResult> {
  const progress = noProgress();
  let uploaded = false;
  try {
    const first = await visit(options, options.opening ?? openingOf(options), null, progress);
    const missing = first === null ? null : missingBundle(first, options.bundles);
    if (first !== null && missing === null) progress.fault ??= exchangeFault(first, options);
    if (missing !== null) {
      const second = await visit(options, openingOf(options, missing), missing, progress);
      uploaded = progress.hello !== null;
      if (second !== null) progress.fault ??= exchangeFault(second, options);
    }
  } catch (thrown) {
    progress.fault ??= asFleetError(thrown, { code: 'agent-failed', stage: 'agent', client: options.client });
  }
  const reader = progress.hello === null ? null : (progress.hello.reader ?? 'node');
  return { ...progress, uploaded, reader };
}

/**
 * Receives the reports of an agent that began by itself, from the stream that the agent opened. Like runAgent, never
 * throws for the client's behaviour.
 */
export async function takeStream(options: StreamOptions): Promise<AgentResult> {
  const { client, timeoutMs } = options;
  const progress = noProgress();
  try {
    const ended = await exchange({
      ...options,
      // The client skips the output of a login shell before the marker.
      input: options.marker,
      waitForExit: false,
      onFrame: (frame) => take(frame, options, progress),
    });
    if (ended !== null) {
      const how = ended.timedOut ? `the stream did not end within ${timeoutMs} ms` : 'the stream ended too early';
      const message = `${client}: ${how}`;
      progress.fault ??= new FleetError({ code: 'agent-output', stage: 'agent', client, message });
    }
  } catch (thrown) {
    progress.fault ??= asFleetError(thrown, { code: 'agent-failed', stage: 'agent', client });
  }
  return { ...progress, uploaded: false, reader: progress.hello === null ? null : 'push' };
}

function noProgress(): Progress {
  return { hello: null, end: null, reports: 0, acknowledged: 0, fault: null };
}

type Progress = { -readonly [Key in Exclude<keyof AgentResult, 'uploaded' | 'reader'>]: AgentResult[Key] } & {
  /** The folder that a capture names. */
  place?: string | null;
};

/** Runs one exec. Returns its end, or null if the agent sent its last frame. */
async function visit(
  options: RunAgentOptions,
  { marker, command }: AgentOpening,
  bundle: Bundle | null,
  progress: Progress,
): Promise<Exchange | null> {
  const { connection, client, agentTimeoutMs } = options;
  const channel = await connection.exec(command);
  return await exchange({
    channel,
    marker,
    input: bundle?.packed() ?? null,
    limits: { maxReports: maxReportsPerVisit, maxTotalBytes: maxBytesPerVisit },
    timeoutMs: agentTimeoutMs,
    signal: options.signal,
    client,
    waitForExit: options.waitForExit,
    onFrame: (frame) => take(frame, options, progress),
  });
}

/** Returns the program to upload after the first exec, or null if an upload would not help. */
function missingBundle(ended: Exchange, bundles: Bundles): Bundle | null {
  const { sign, started, status, signal, timedOut } = ended;
  if (!sign?.absentStatus || started) return null;
  const { agentAbsent, shellAbsent } = loaderStatus;
  const { agent, inventory, shell } = bundles;
  const bundle = sign.absentStatus === agentAbsent ? agent : sign.absentStatus === shellAbsent ? shell : inventory;
  // Some servers send neither status nor signal. The loader's sign then says what is missing.
  const isUnknown = status === null && signal === null && !timedOut;
  const mayBeDamaged = status !== null && status !== loaderStatus.noRuntime && !ended.killed;
  return status === sign.absentStatus || isUnknown || mayBeDamaged ? bundle : null;
}

/** Handles one frame. Returns the bytes to write to the agent. */
async function take(frame: Frame, options: FrameTaking, progress: Progress): Promise<FrameAnswer> {
  const { client, now } = options;
  const receivedAtMs = now();
  if (frame.type === 'H' || progress.hello === null) {
    if (frame.type !== 'H' || progress.hello !== null) throw outputFault(client, 'frames in an order no agent keeps');
    const hello = parseHello(frame.payload);
    if (hello.v !== protocolVersion) throw outputFault(client, `an agent that speaks version ${hello.v}`);
    progress.hello = { ...hello, receivedAtMs, offsetMs: hello.wall_ms - receivedAtMs };
    if (hello.reader === 'shell') captureThread.prepare();
    return { answer: null, last: false };
  }
  if (frame.type === 'E') {
    progress.end = { ...parseEnd(frame.payload), ...(progress.place === undefined ? {} : { place: progress.place }) };
    return { answer: null, last: true };
  }
  if (frame.type === 'F') {
    const { code, message } = parseAgentFault(frame.payload);
    progress.fault ??= new FleetError({ code, stage: 'agent', client, message: `${client}: ${printable(message)}` });
    return { answer: null, last: false };
  }
  progress.reports += 1;
  let sealed = frame.payload;
  let header: SealedMessage;
  let notes: Buffer | null = null;
  try {
    if (frame.type === 'U') {
      const made = await takeCapture(frame.payload, options, progress);
      progress.place = made.place;
      ({ sealed, notes } = made);
    }
    header = readHeader(sealed);
  } catch (thrown) {
    // A damaged file in the spool must not block the files behind it.
    progress.fault ??= asFleetError(thrown, { code: 'seal-corrupt', stage: 'seal', client });
    return { answer: null, last: false };
  }
  const decision = await options.onReport({ sealed, header, receivedAtMs, hello: progress.hello });
  if (decision === 'keep' || options.dryRun) return { answer: null, last: false };
  progress.acknowledged += 1;
  if (notes !== null) return { answer: notes, last: false };
  return { answer: Buffer.from(header.reportId.replaceAll('-', ''), 'hex'), last: false };
}

/** Seals the report of the only capture that a shell agent may send. Throws FleetError. */
async function takeCapture(payload: Buffer, options: FrameTaking, progress: Progress): Promise<SealedCapture> {
  const { hello } = progress;
  if (hello?.reader !== 'shell' || !mayBeReadByShell(options) || progress.reports > 1) {
    throw outputFault(options.client, 'a capture, where none was asked for');
  }
  const { client, runId, publicKey, probeOptions = {}, shellState = false, signal, captures } = options;
  const task = { client, runId, publicKey, probeOptions, shellState };
  return await captureThread.seal({ payload, hello, task }, signal, captures);
}

function outputFault(client: string, message: string): FleetError {
  return new FleetError({ code: 'agent-output', stage: 'agent', client, message: `${client}: ${message}` });
}
