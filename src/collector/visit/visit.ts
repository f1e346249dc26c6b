import type { Client } from '../../config/config.ts';
import { FleetError } from '../../platform/errors/errors.ts';
import { startTimedSignal } from '../../platform/deadline.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import type { Dialled } from '../../transport/transport.ts';
import { openingOf } from '../agent/agent-stream.ts';
import { fullTimeouts, type VisitTimeouts } from './adaptive-timeouts.ts';
import { callAgent, connect, type Visit } from './call-agent.ts';
import { taskOf, type VisitContext } from './context.ts';
import { takeExtras, takePutOff, type DueExtras, type ExtrasTime } from './further.ts';
import { dueInventory, wasBooted } from './inventory-due.ts';
import { stateAttempt } from '../../report/state/state-due.ts';
import { faultAtDeadline, raceSignal } from './visit-deadline.ts';
import { recordOf, VisitProgress } from './visit-progress.ts';

export interface VisitOutcome {
  readonly record: VisitRecord;
  /** The fault; null if the visit succeeded. */
  readonly fault: FleetError | null;
  /** The extras that were put off; null if there are none. */
  readonly extras: PutOff | null;
  /** The IP address that was dialled last; null if it is not known. */
  readonly dialled: Dialled | null;
}

/** Takes the extras of a visit, which count logins as the visit did. Returns the row of the visit with them. */
export type PutOff = (time: ExtrasTime, onLogin: () => void) => Promise<VisitRecord>;

/** The options of one visit. */
export interface VisitTurn {
  /** The timeouts. Default: the configuration's. */
  readonly timeouts?: VisitTimeouts;
  /** Called after the login, because the limits count logins under way. */
  readonly onLogin?: () => void;
  /** True to put off inventory and state. Default: the visit takes them. */
  readonly putsOff?: boolean;
}

/** Visits one client, within its deadline. Never rejects: every fault is in the outcome. */
export async function visit(context: VisitContext, client: Client, turn: VisitTurn = {}): Promise<VisitOutcome> {
  const { timeouts = fullTimeouts(context.config.collector), onLogin = () => undefined, putsOff = false } = turn;
  const progress = new VisitProgress();
  const startedAtMs = context.now();
  const began = performance.now();
  const timeoutMs = timeouts.clientDeadlineMs;
  const deadline = startTimedSignal({
    timeoutMs,
    late: () => {
      const message = `the visit did not end within ${timeoutMs} ms`;
      return new FleetError({ code: 'visit-deadline', stage: 'run', message, client: client.name });
    },
    parent: context.signal,
  });
  const { signal, end } = deadline;
  const visited: Visit = { ...context, client, timeouts, onLogin, progress, deadline };
  let fault: FleetError | null = null;
  let due: DueExtras | null = null;
  try {
    due = await raceSignal(makeVisit(visited, signal, putsOff), signal);
  } catch (thrown) {
    if (!progress.delivered) fault = faultAtDeadline(thrown, signal, progress.stage, client.name);
  } finally {
    end();
    progress.closeConnection();
  }
  fault ??= progress.anomaly;
  const durationMs = Math.round(performance.now() - began);
  const record = (): VisitRecord => recordOf({ context, client, progress, fault, startedAtMs, durationMs });
  const { dialled } = progress;
  if (due === null) return { fault, record: record(), extras: null, dialled };
  const extras: PutOff = async (time, counted) => {
    await takePutOff({ ...visited, onLogin: counted }, due, time, durationMs);
    return record();
  };
  return { fault, record: record(), extras, dialled };
}

/** Makes a visit. Returns the extras that are put off; null if there are none. */
async function makeVisit(visited: Visit, signal: AbortSignal, putsOff: boolean): Promise<DueExtras | null> {
  const { client, dryRun, keyRing, progress, timeouts } = visited;
  const { everyMs, pipelining } = visited.config.collector;
  const { agentTimeoutMs, clientDeadlineMs } = timeouts;
  const endsAt = performance.now() + clientDeadlineMs;
  const facts = visited.facts?.get(client.name);
  const nowMs = visited.now();
  const isPolled = client.arrival.kind === 'asked';
  const takesExtras = visited.facts !== null && !dryRun && !isPolled;
  const opens = keyRing.opening !== null;
  const readsState = takesExtras && client.changes !== 'no';
  const known = { client: client.name, facts, nowMs, everyMs, opens, readsState };
  const inventory = dueInventory({ takes: takesExtras, ...known });
  const task = taskOf(visited, { kind: 'visit', agentTimeoutMs, stamp: readsState });
  const opening = pipelining && !isPolled ? openingOf(task) : null;
  await connect(visited, signal, opening);
  const waitForExit = inventory.isExpected && !putsOff;
  const result = await callAgent(visited, { task, opening, waitForExit, signal });
  progress.result = result;
  if (result.fault !== null) throw result.fault;
  progress.delivered = true;
  const bootId = result.hello?.boot_id ?? null;
  const booted = takesExtras && wasBooted(facts, bootId);
  const stamp = readsState ? (result.end?.stamp ?? null) : null;
  progress.stateSame = stamp !== null && stamp === facts?.stateStamp && !booted;
  const attempt = stateAttempt({ facts, stamp, booted, nowMs });
  const { reader } = result;
  const takesInventory = inventory.isDue({ reader, bootId });
  const due = takesInventory || attempt !== null ? { reader, inventory: takesInventory, attempt } : null;
  if (due !== null && !putsOff) await takeExtras(visited, due, { signal, endsAt, reconnect: !waitForExit });
  // The connection is not destroyed: the acknowledgements may still be in transit.
  await progress.takeConnection()?.leave();
  return putsOff ? due : null;
}
