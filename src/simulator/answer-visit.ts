import { decodeRequest } from '../report/agent-request.ts';
import { encodeFrame, encodeJsonFrame } from '../report/frames.ts';
import { markerBytes, maxExecBytes, reportIdBytes, type AgentRequest } from '../report/wire.ts';
import { loaderStatus } from '../transport/loader/loader.ts';
import type { ServerChannel } from './ssh-server.ts';
import type { Condition } from './condition.ts';
import type { DeadCause } from './profile.ts';
import type { SimulatedAgent, WaitingReport } from './simulated-agent.ts';

/** The outcome of a visit that reached its command. */
export type VisitKind =
  /** This run's report was acknowledged. */
  | 'reported'
  | 'inventory'
  | 'state'
  /** The report was sent and not acknowledged. */
  | 'unacknowledged'
  /** The visit broke off, as its profile demands. */
  | 'broken'
  /** The command was not that of a visit. */
  | 'other-command'
  | Extract<DeadCause, 'agent' | 'report' | 'cut'>;

export interface AnswerOptions {
  readonly channel: ServerChannel;
  readonly command: string;
  readonly agent: SimulatedAgent;
  readonly condition: Condition;
  /** The point at which this visit breaks off: before it reads acknowledgements, or in the middle of the report. */
  readonly breaks: 'no' | 'deaf' | 'report';
  readonly now: () => number;
  /** Breaks the connection. */
  readonly cut: () => void;
  /** Called once with the outcome. */
  readonly onEnd: (kind: VisitKind, reports: SentReports) => void;
}

export interface SentReports {
  readonly sent: number;
  /** The number of sent reports that earlier visits made. */
  readonly resent: number;
  readonly acknowledged: number;
}

/** The exit status of a shell for an unknown command. */
const commandNotFound = 127;
const nothingSent: SentReports = { sent: 0, resent: 0, acknowledged: 0 };

/** Answers a visit with the agent's side of src/report/wire.ts, like an installed agent that the loader has started. */
export function answerVisit(options: AnswerOptions): void {
  const { channel, agent, condition, now } = options;
  channel.on('error', () => undefined);
  const request = requestOf(options.command);
  if (request === null) {
    options.onEnd('other-command', nothingSent);
    channel.resume();
    channel.exit(commandNotFound);
    channel.end();
    return;
  }
  const dead = condition.dead;
  const isVisit = request.kind === 'visit';
  const absent = isVisit ? loaderStatus.agentAbsent : loaderStatus.inventoryAbsent;
  const greeting = Buffer.from(`fh-${request.marker}-loader-${absent}\n`);
  if (dead === 'agent') {
    channel.write(greeting);
    endsBadly(options, 'agent');
    return;
  }
  const hello = encodeJsonFrame('H', agent.hello(condition, now()));
  const start = [greeting, Buffer.from(request.marker, 'base64url'), hello];
  if (condition.agentMs === 0) {
    send(options, request, start);
    return;
  }
  channel.write(Buffer.concat(start));
  const timer = setTimeout(() => send(options, request, []), condition.agentMs);
  channel.once('close', () => clearTimeout(timer));
}

/** Returns the request in the last word of the loader's command line; null if the command is not that of a visit. */
function requestOf(command: string): AgentRequest | null {
  if (command.length > maxExecBytes || !command.startsWith("/bin/sh -c '")) return null;
  const [, text] = / '([\w-]+)'$/.exec(command) ?? [];
  try {
    const request = text === undefined ? null : decodeRequest(text);
    return request !== null && Buffer.from(request.marker, 'base64url').length === markerBytes ? request : null;
  } catch {
    return null;
  }
}

/** Sends this run's report, the waiting earlier reports and the end, and then reads the acknowledgements. */
function send(options: AnswerOptions, request: AgentRequest, start: readonly Buffer[]): void {
  const { channel, agent, condition, cut } = options;
  const earlier = agent.waiting;
  const made = agent.report(request, condition, options.now());
  const frame = encodeFrame('R', made.sealed);
  const stopsShort = condition.dead === 'report' || condition.dead === 'cut' || options.breaks === 'report';
  if (stopsShort) {
    channel.write(Buffer.concat([...start, frame.subarray(0, frame.length >> 1)]));
    const kind = condition.dead === 'report' || condition.dead === 'cut' ? condition.dead : 'broken';
    endsBadly(options, kind);
    // The delay lets the written bytes leave before the connection breaks.
    if (kind !== 'report') setTimeout(cut, cutAfterMs);
    return;
  }
  const { sent, left } = fitting(request, made, earlier);
  const end = encodeJsonFrame('E', {
    left,
    place: condition.fullDisk === 'spool' ? null : '/var/lib/simulated',
    spool_error: condition.fullDisk === 'spool' ? 'ENOSPC: no space left on device, write' : null,
    ...(request.stamp === true ? { stamp: agent.stamp(options.now()) } : {}),
  });
  const frames = sent.map(({ sealed }) => encodeFrame('R', sealed));
  channel.write(Buffer.concat([...start, ...frames, end]));
  takeAcknowledgements(options, request, made, sent);
}

const cutAfterMs = 20;

/** Returns the reports that fit the request's limits, this run's report first. */
function fitting(
  { maxFrames, maxBytes }: AgentRequest,
  made: WaitingReport,
  earlier: readonly WaitingReport[],
): { readonly sent: readonly WaitingReport[]; readonly left: number } {
  const sent = [made];
  let bytes = made.sealed.length;
  for (const report of earlier) {
    bytes += report.sealed.length;
    if (sent.length >= maxFrames || bytes > maxBytes) break;
    sent.push(report);
  }
  return { sent, left: earlier.length + 1 - sent.length };
}

const graceMs = 1000;

/** Reads acknowledgements until the input ends, every sent report is acknowledged, or the agent's time is over. */
function takeAcknowledgements(
  { channel, agent, breaks, cut, onEnd }: AnswerOptions,
  request: AgentRequest,
  made: WaitingReport,
  sent: readonly WaitingReport[],
): void {
  // A real agent is killed a second after its deadline, because a frozen collector may never answer.
  const guard = setTimeout(() => end(kindSoFar()), request.deadlineMs + graceMs);
  const open = new Set(sent.map(({ id }) => id));
  let held = Buffer.alloc(0);
  let over = false;
  const end = (kind: VisitKind): void => {
    if (over) return;
    over = true;
    clearTimeout(guard);
    onEnd(kind, { sent: sent.length, resent: sent.length - 1, acknowledged: sent.length - open.size });
    channel.exit(0);
    channel.end();
  };
  const kindSoFar = (): VisitKind => {
    if (open.has(made.id)) return 'unacknowledged';
    return request.kind === 'visit' ? 'reported' : request.kind === 'state' ? 'state' : 'inventory';
  };
  channel.on('data', (chunk: Buffer) => {
    if (over) return;
    if (breaks === 'deaf') {
      end('broken');
      cut();
      return;
    }
    held = Buffer.concat([held, chunk]);
    for (; held.length >= reportIdBytes; held = held.subarray(reportIdBytes)) {
      const id = held.toString('hex', 0, reportIdBytes);
      if (open.delete(id)) agent.acknowledge(id);
    }
    if (open.size === 0) end(kindSoFar());
  });
  channel.once('end', () => end(kindSoFar()));
  channel.once('close', () => end(kindSoFar()));
}

function endsBadly({ channel, onEnd }: AnswerOptions, kind: VisitKind): void {
  channel.resume();
  onEnd(kind, nothingSent);
}
