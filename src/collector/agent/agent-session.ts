/**
 * The collector's end of the one-exec protocol (src/report/wire.ts), over a connection that is logged in.
 *
 * Nothing that a client sends is believed beyond its limits: what comes before the marker, the frames' lengths and
 * number, the words of a fault. Reports are not opened here: whoever is called back decides which are acknowledged.
 */
import { randomBytes } from 'node:crypto';

import { asFleetError, FleetError } from '../../errors.ts';
import { parseAgentFault, parseEnd, parseHello } from '../../report/frames.ts';
import { markerBytes, protocolVersion, type End, type Frame, type Hello } from '../../report/wire.ts';
import { readHeader, type SealedMessage } from '../../seal/sealed-message.ts';
import { loaderStatus } from '../../loader/loader.ts';
import type { Reader } from '../../storage/store/storage.ts';
import type { Platform } from './platform-sign.ts';
import type { Channel, Connection } from '../../transport/transport.ts';
import { agentCommand, maxBytesPerVisit, maxReportsPerVisit, mayBeReadByShell } from './agent-command.ts';
import { exchange, type Exchange, type ExchangeOptions, type FrameAnswer } from './agent-exchange.ts';
import { exchangeFault, printable } from './agent-faults.ts';
import { sealUnsealed } from './seal-unsealed.ts';
import type { AgentTask, Bundle, Bundles } from './task.ts';

/** An exec that is prepared without a connection: the first command may go ahead of the login. */
export interface AgentOpening {
  readonly marker: Buffer;
  readonly command: string;
}

/** Throws FleetError `config-invalid`. */
export function openingOf(task: AgentTask, uploaded: Bundle | null = null): AgentOpening {
  const marker = randomBytes(markerBytes);
  return { marker, command: agentCommand(task, marker, uploaded) };
}

export interface AgentSessionOptions extends AgentTask {
  readonly connection: Connection;
  /** Default: made here. */
  readonly opening?: AgentOpening;
  readonly signal: AbortSignal;
  /** Nothing is acknowledged, whatever onReport says. */
  readonly dryRun: boolean;
  /** Waits for the channel to close after the last frame, so that another exec may follow on this connection. */
  readonly waitForExit: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called for one report after the other; it is acknowledged (or not) once this has resolved. */
  readonly onReport: (report: ReceivedReport) => Promise<'acknowledge' | 'keep'>;
}

/** The part of the options that the frames of a stream are taken by, whatever brings it. */
export type FrameTaking = Pick<
  AgentSessionOptions,
  'client' | 'kind' | 'unsealed' | 'runId' | 'publicKey' | 'now' | 'dryRun' | 'onReport'
> & {
  /** Takes a frame that only the collector of a site sends, and acknowledges it later. Default: there is none. */
  readonly onForwarded?: (frame: Frame, hello: ReceivedHello) => void;
};

export interface StreamOptions extends FrameTaking, Pick<AgentSessionOptions, 'signal'> {
  readonly channel: Channel;
  readonly marker: Buffer;
  readonly limits: ExchangeOptions['limits'];
  readonly timeoutMs: number;
}

export interface ReceivedReport {
  readonly sealed: Buffer;
  /** The parts of `sealed`. */
  readonly header: SealedMessage;
  /** The time at which the last byte was read. */
  readonly receivedAtMs: number;
  /** The hello frame of the agent that sent it. */
  readonly hello: ReceivedHello;
}

export interface ReceivedHello extends Hello {
  readonly receivedAtMs: number;
  /** The client's clock less ours. */
  readonly offsetMs: number;
}

export interface AgentResult {
  readonly hello: ReceivedHello | null;
  readonly end: End | null;
  /** Reports that came, and those of them that were acknowledged. */
  readonly reports: number;
  readonly acknowledged: number;
  /** True if the agent had to be uploaded. */
  readonly uploaded: boolean;
  /** The kind of agent that answered; null if none did. */
  readonly reader: Reader | null;
  /** The platform of a client that has no node of its own and may get a runtime; null for any other. */
  readonly platform: Platform | null;
  /** The fault; reports that came before it are counted above. null if the agent sent its last frame. */
  readonly fault: FleetError | null;
}

/**
 * Runs the agent on a client and takes its reports, this run's first. Brings the agent where it is missing, and once
 * where it ends before its first word: then its file may be damaged. Never throws for what a client does: that is
 * `fault` of the result. Afterwards the caller leaves the connection, or destroys it after a fault.
 */
export async function runAgent(options: AgentSessionOptions): Promise<AgentResult> {
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
  const reader =
    progress.hello === null ? null : (progress.hello.reader ?? (progress.platform === null ? 'node' : 'runtime'));
  return { ...progress, uploaded, reader };
}

/**
 * Takes the reports of an agent that began by itself, from the stream that it opened. Never throws for what the client
 * does, as runAgent.
 */
export async function takeStream(options: StreamOptions): Promise<AgentResult> {
  const { client, timeoutMs } = options;
  const progress = noProgress();
  try {
    const ended = await exchange({
      ...options,
      // The client skips what a login shell prints before it.
      input: options.marker,
      endInput: false,
      waitForExit: false,
      onPlatform: () => undefined,
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
  return { hello: null, end: null, reports: 0, acknowledged: 0, platform: null, fault: null };
}

type Progress = { -readonly [Key in Exclude<keyof AgentResult, 'uploaded' | 'reader'>]: AgentResult[Key] };

/** Runs one exec. Returns its end, or null if the agent sent its last frame. */
async function visit(
  options: AgentSessionOptions,
  { marker, command }: AgentOpening,
  bundle: Bundle | null,
  progress: Progress,
): Promise<Exchange | null> {
  const { connection, client, bundles, agentTimeoutMs } = options;
  const channel = await connection.exec(command);
  return await exchange({
    channel,
    marker,
    input: bundle?.packed() ?? null,
    endInput: bundle === bundles.shell,
    limits: { maxReports: maxReportsPerVisit, maxTotalBytes: maxBytesPerVisit },
    timeoutMs: agentTimeoutMs,
    signal: options.signal,
    client,
    waitForExit: options.waitForExit,
    onPlatform: (platform) => (progress.platform = platform),
    onFrame: (frame) => take(frame, options, progress),
  });
}

/** Returns the program to upload after the first exec, or null if an upload would not help. */
function missingBundle(ended: Exchange, bundles: Bundles): Bundle | null {
  const { sign, started, status } = ended;
  if (!sign?.absentStatus || started) return null;
  const { agentAbsent, shellAbsent } = loaderStatus;
  const { agent, inventory, shell } = bundles;
  const bundle = sign.absentStatus === agentAbsent ? agent : sign.absentStatus === shellAbsent ? shell : inventory;
  const mayBeDamaged = status !== null && status !== loaderStatus.noRuntime && !ended.killed;
  return status === sign.absentStatus || mayBeDamaged ? bundle : null;
}

/** Takes one frame; what it answers is written to the agent. */
async function take(frame: Frame, options: FrameTaking, progress: Progress): Promise<FrameAnswer> {
  const { client, now } = options;
  const receivedAtMs = now();
  if (frame.type === 'H' || progress.hello === null) {
    if (frame.type !== 'H' || progress.hello !== null) throw outputFault(client, 'frames in an order no agent keeps');
    const hello = parseHello(frame.payload);
    if (hello.v !== protocolVersion) throw outputFault(client, `an agent that speaks version ${hello.v}`);
    progress.hello = { ...hello, receivedAtMs, offsetMs: hello.wall_ms - receivedAtMs };
    return { answer: null, last: false };
  }
  if ((frame.type === 'C' || frame.type === 'V') && options.onForwarded !== undefined) {
    options.onForwarded(frame, progress.hello);
    return { answer: null, last: false };
  }
  if (frame.type === 'E') {
    progress.end = parseEnd(frame.payload);
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
  try {
    if (frame.type === 'U') sealed = takeUnsealed(frame.payload, options, progress);
    header = readHeader(sealed);
  } catch (thrown) {
    // A damaged file in the spool must not block the files behind it.
    progress.fault ??= asFleetError(thrown, { code: 'seal-corrupt', stage: 'seal', client });
    return { answer: null, last: false };
  }
  const decision = await options.onReport({ sealed, header, receivedAtMs, hello: progress.hello });
  if (decision === 'keep' || options.dryRun) return { answer: null, last: false };
  progress.acknowledged += 1;
  if (frame.type === 'U') return { answer: null, last: false };
  return { answer: Buffer.from(header.reportId.replaceAll('-', ''), 'hex'), last: false };
}

/** Only of a shell agent that may be, and only one: it keeps none of earlier visits. */
function takeUnsealed(payload: Buffer, options: FrameTaking, progress: Progress): Buffer {
  const { client, runId, publicKey } = options;
  if (progress.hello?.reader !== 'shell' || !mayBeReadByShell(options) || progress.reports > 1) {
    throw outputFault(client, 'a report that is not sealed, where none was asked for');
  }
  return sealUnsealed({ payload, client, runId, publicKey });
}

function outputFault(client: string, message: string): FleetError {
  return new FleetError({ code: 'agent-output', stage: 'agent', client, message: `${client}: ${message}` });
}
