/**
 * The extras of a visit: inventory and state. A visit of several clients puts them off until the figures of all clients
 * are read. They cost no figures then, and what finds no time comes with a later run.
 */
import { startTimedSignal, withTimeout } from '../../platform/deadline.ts';
import type { AgentResult, RunAgentOptions } from '../agent/agent-stream.ts';
import type { AgentTask } from '../agent/task.ts';
import { callAgent, connect, type Visit } from './call-agent.ts';
import { taskOf } from './context.ts';
import { raceSignal } from './visit-deadline.ts';

/** The extras that are due at a client. */
export interface DueExtras {
  readonly reader: AgentResult['reader'];
  readonly inventory: boolean;
  /** The number of the attempt to get a state report; null if none is due. */
  readonly attempt: number | null;
}

/** The time of extras. */
export interface ExtrasTime {
  readonly signal: AbortSignal;
  /** The end by performance.now(). */
  readonly endsAt: number;
}

/** The least time in which an extra begins. */
export const leastExtraMs = 5000;

/** Takes extras that were put off, over a connection of their own. Never rejects: what fails comes with another run. */
export async function takePutOff(visited: Visit, due: DueExtras, time: ExtrasTime, usualMs: number): Promise<void> {
  const { progress, timeouts } = visited;
  const leftMs = Math.min(timeouts.clientDeadlineMs, Math.round(time.endsAt - performance.now()));
  // An agent that took long for the figures takes as long for an extra.
  if (leftMs < Math.max(leastExtraMs, usualMs)) return;
  const { signal, end } = startTimedSignal({ timeoutMs: leftMs, parent: time.signal });
  try {
    const endsAt = performance.now() + leftMs;
    await raceSignal(takeExtras(visited, due, { signal, endsAt, reconnect: true }), signal);
    await progress.takeConnection()?.leave();
  } catch {
    // The visit has succeeded before.
  } finally {
    end();
    progress.closeConnection();
  }
}

interface Extras extends ExtrasTime {
  /** True if there is no connection whose agent has ended. */
  readonly reconnect: boolean;
}

/** Takes the extras that are due. */
export async function takeExtras(visited: Visit, due: DueExtras, { signal, endsAt, reconnect }: Extras): Promise<void> {
  const { reader, inventory, attempt } = due;
  const leftMs = (): number => endsAt - performance.now();
  let mustConnect = reconnect;
  if (inventory) {
    const call = { signal, reconnect: mustConnect, waitForExit: attempt !== null, leftMs: leftMs() };
    mustConnect = !(await tryInventory(visited, call));
  }
  if (attempt === null || leftMs() < leastExtraMs) return;
  const asked = reader === 'shell' ? ({ kind: 'visit', shellState: true } as const) : ({ kind: 'state' } as const);
  const { progress } = visited;
  progress.state = { stamp: null, runs: attempt };
  const probeOptions = await stateOptions(visited);
  const call = { signal, reconnect: mustConnect, waitForExit: false, leftMs: leftMs() };
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
  if (leftMs < leastExtraMs) return null;
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
