import type { Client } from '../../config/config.ts';
import { FleetError } from '../../errors.ts';
import { startTimedSignal, withTimeout } from '../../platform/deadline.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import {
  openingOf,
  runAgent,
  type AgentOpening,
  type AgentResult,
  type RunAgentOptions,
} from '../agent/agent-stream.ts';
import { pollAgent } from '../agent/poll-agent.ts';
import type { AgentTask } from '../agent/task.ts';
import { fullTimeouts, type VisitTimeouts } from './adaptive-timeouts.ts';
import { taskOf, type VisitContext } from './context.ts';
import { reportTaker } from './take-report.ts';
import { isInventoryDue, wasBooted } from './inventory-due.ts';
import { stateAttempt } from '../../report/state/state-due.ts';
import { faultAtDeadline, raceSignal } from './visit-deadline.ts';
import { recordOf, VisitProgress } from './visit-progress.ts';

export interface VisitOutcome {
  readonly record: VisitRecord;
  /** The fault; null if the visit succeeded. */
  readonly fault: FleetError | null;
}

/** The options of one visit. */
export interface VisitTurn {
  /** The timeouts. Default: the configuration's. */
  readonly timeouts?: VisitTimeouts;
  /** Called after the login, because the limits count logins under way. */
  readonly onLogin?: () => void;
}

/** A visit under way. */
interface Visit extends VisitContext {
  readonly client: Client;
  readonly timeouts: VisitTimeouts;
  readonly onLogin: () => void;
  readonly progress: VisitProgress;
}

/** Visits one client, within its deadline. Never rejects: every fault is in the outcome. */
export async function visit(context: VisitContext, client: Client, turn: VisitTurn = {}): Promise<VisitOutcome> {
  const { timeouts = fullTimeouts(context.config.collector), onLogin = () => undefined } = turn;
  const progress = new VisitProgress();
  const startedAtMs = context.now();
  const began = performance.now();
  const timeoutMs = timeouts.clientDeadlineMs;
  const { signal, end } = startTimedSignal({
    timeoutMs,
    late: () => {
      const message = `the visit did not end within ${timeoutMs} ms`;
      return new FleetError({ code: 'visit-deadline', stage: 'run', message, client: client.name });
    },
    parent: context.signal,
  });
  let fault: FleetError | null = null;
  try {
    await raceSignal(makeVisit({ ...context, client, timeouts, onLogin, progress }, signal), signal);
  } catch (thrown) {
    if (!progress.delivered) fault = faultAtDeadline(thrown, signal, progress.stage, client.name);
  } finally {
    end();
    progress.closeConnection();
  }
  fault ??= progress.anomaly;
  const durationMs = Math.round(performance.now() - began);
  return { fault, record: recordOf({ context, client, progress, fault, startedAtMs, durationMs }) };
}

async function makeVisit(visited: Visit, signal: AbortSignal): Promise<void> {
  const { client, dryRun, keyRing, progress, timeouts } = visited;
  const { everyMs, pipelining } = visited.config.collector;
  const { agentTimeoutMs, clientDeadlineMs } = timeouts;
  const endsAt = performance.now() + clientDeadlineMs;
  const facts = visited.facts?.get(client.name);
  const nowMs = visited.now();
  const isPolled = client.arrival.kind === 'asked';
  const mayInventory = visited.facts !== null && !dryRun && !isPolled;
  const opens = keyRing.opening !== null;
  const due = mayInventory && isInventoryDue({ client: client.name, facts, nowMs, everyMs, opens });
  const readsState = mayInventory && client.changes !== 'no';
  const task = taskOf(visited, { kind: 'visit', agentTimeoutMs, stamp: readsState });
  const opening = pipelining && !isPolled ? openingOf(task) : null;
  await connect(visited, signal, opening);
  const result = await callAgent(visited, { task, opening, waitForExit: due, signal });
  progress.result = result;
  if (result.fault !== null) throw result.fault;
  progress.delivered = true;
  const booted = mayInventory && wasBooted(facts, result.hello?.boot_id ?? null);
  const stamp = readsState ? (result.end?.stamp ?? null) : null;
  progress.stateSame = stamp !== null && stamp === facts?.stateStamp && !booted;
  await takeFurther(visited, result, {
    signal,
    endsAt,
    due,
    booted,
    attempt: stateAttempt({ facts, stamp, booted, nowMs }),
  });
  // The connection is not destroyed: the acknowledgements may still be in transit.
  await progress.takeConnection()?.leave();
}

async function connect(visited: Visit, signal: AbortSignal, opening: AgentOpening | null): Promise<void> {
  const { progress } = visited;
  const { tcpTimeoutMs, connectTimeoutMs, channelTimeoutMs } = visited.timeouts;
  progress.stage = 'connect';
  const transport = visited.transportFor(visited.client);
  const ahead = opening === null ? {} : { ahead: opening.command };
  const connection = await transport.connect({ tcpTimeoutMs, connectTimeoutMs, channelTimeoutMs, signal, ...ahead });
  visited.onLogin();
  progress.connection = connection;
  progress.connectMs ??= Math.round(connection.connectMs);
  // The visit may have been abandoned meanwhile.
  if (signal.aborted) progress.closeConnection();
  signal.throwIfAborted();
}

interface Call extends Pick<RunAgentOptions, 'waitForExit' | 'signal'> {
  readonly task: AgentTask;
  /** The exec that was sent ahead of the login; null if there was none. */
  readonly opening: AgentOpening | null;
}

async function callAgent(visited: Visit, { task, opening, waitForExit, signal }: Call): Promise<AgentResult> {
  const { client, progress, dryRun, now, keyRing } = visited;
  const { connection } = progress;
  if (connection === null) throw new Error('there is no connection');
  progress.stage = 'agent';
  const onReport = reportTaker({
    ...{ client, known: keyRing.known, progress },
    keep: (report) => visited.keep(client, report),
  });
  const common = { ...task, dryRun, now, signal, onReport };
  const result =
    'poll' in connection
      ? await pollAgent({
          ...common,
          connection,
          onDelivered: (delivered) => {
            progress.result = delivered;
            progress.delivered = true;
          },
        })
      : await runAgent({ ...common, connection, ...(opening === null ? {} : { opening }), waitForExit });
  progress.uploaded ||= result.uploaded;
  if (task.kind === 'visit' && task.shellState !== true) visited.sawAgent(client.name, result);
  return result;
}

interface Further {
  readonly signal: AbortSignal;
  readonly endsAt: number;
  /** True if an inventory is due, for which the visit has waited for the end of its agent. */
  readonly due: boolean;
  readonly booted: boolean;
  /** The number of the attempt to get a state report; null if none is due. */
  readonly attempt: number | null;
}

/** Takes inventory and state if they are due. */
async function takeFurther(visited: Visit, { reader }: AgentResult, further: Further): Promise<void> {
  const { signal, endsAt, due, booted, attempt } = further;
  const leftMs = (): number => endsAt - performance.now();
  let reconnect = !due;
  if (reader !== 'shell' && (due || booted)) {
    const call = { signal, reconnect, waitForExit: attempt !== null, leftMs: leftMs() };
    reconnect = !(await tryInventory(visited, call));
  }
  if (attempt === null) return;
  const asked = reader === 'shell' ? ({ kind: 'visit', shellState: true } as const) : ({ kind: 'state' } as const);
  const { progress } = visited;
  progress.state = { stamp: null, runs: attempt };
  const probeOptions = await stateOptions(visited);
  const call = { signal, reconnect, waitForExit: false, leftMs: leftMs() };
  const result = await tryFurther(visited, call, { ...asked, probeOptions, stamp: true });
  if (result === null || result.acknowledged === 0) return;
  progress.state = { stamp: result.end?.stamp ?? null, runs: attempt };
}

/** Returns what a state report leaves out: sections that are known, and files if config.xml says so. */
async function stateOptions({ client, knownState, restricted }: Visit): Promise<AgentTask['probeOptions']> {
  // A restricted key's agent always sends everything, and so does one while the database fails.
  const ask = restricted.has(client) ? undefined : knownState;
  const known = (await ask?.(client.name).catch(() => ({}))) ?? {};
  return { known, ...(client.changes === 'no-files' ? { noFiles: true } : {}) };
}

interface FurtherCall extends Pick<RunAgentOptions, 'waitForExit' | 'signal'> {
  /** True if the agent's channel before may still be open, so that another connection is needed. */
  readonly reconnect: boolean;
  readonly leftMs: number;
}

const leastFurtherMs = 5000;

/** Takes the inventory if there is time for it. Returns true if it came. */
async function tryInventory(visited: Visit, call: FurtherCall): Promise<boolean> {
  const result = await tryFurther(visited, call, { kind: 'inventory' });
  if ((result?.acknowledged ?? 0) > 0) visited.sawInventory?.(visited.client.name);
  return result !== null && result.fault === null;
}

/**
 * Runs a further agent if there is time for it. Returns null if it failed: the visit has already succeeded, and the
 * report comes with another visit.
 */
async function tryFurther(
  visited: Visit,
  { signal, reconnect, waitForExit, leftMs }: FurtherCall,
  asked: Pick<AgentTask, 'kind'> & Partial<Pick<AgentTask, 'stamp' | 'shellState' | 'probeOptions'>>,
): Promise<AgentResult | null> {
  if (leftMs < leastFurtherMs) return null;
  const { progress, timeouts } = visited;
  const before = progress.anomaly;
  // The agent ends early enough to leave the connection in good order.
  const timeoutMs = Math.round(leftMs * 0.9);
  try {
    return await withTimeout({ timeoutMs, signal }, async (own) => {
      if (reconnect || progress.connection === null) {
        await progress.takeConnection()?.leave();
        await connect(visited, own, null);
      }
      const agentTimeoutMs = Math.min(timeouts.agentTimeoutMs, Math.round(leftMs * 0.8));
      const task = taskOf(visited, { ...asked, agentTimeoutMs });
      return await callAgent(visited, { task, opening: null, waitForExit, signal: own });
    });
  } catch {
    return null;
  } finally {
    progress.anomaly = before;
  }
}
