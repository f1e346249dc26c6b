import type { Client } from '../../config/config.ts';
import { asFleetError } from '../../errors.ts';
import type { FleetError } from '../../errors.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import { openingOf, runAgent } from '../agent/agent-session.ts';
import type { AgentOpening, AgentResult, AgentSessionOptions } from '../agent/agent-session.ts';
import { taskOf } from './agent-task.ts';
import { checkHeader } from './check-header.ts';
import { isInventoryDue, wasBooted } from './inventory-due.ts';
import { fullPatience } from './patience.ts';
import type { Patience } from './patience.ts';
import type { StoredRuntime } from '../runtimes/runtime-store.ts';
import { wishAfter, withWish } from './runtime-wish.ts';
import { faultAtDeadline, startDeadline } from './visit-deadline.ts';
import { closeConnection, startProgress, takeConnection } from './visit-progress.ts';
import type { Progress } from './visit-progress.ts';
import { recordOf } from './visit-record.ts';
import type { AgentTask } from '../agent/task.ts';
import type { VisitContext } from './context.ts';

export interface VisitOutcome {
  readonly record: VisitRecord;
  /** null: it went well. */
  readonly fault: FleetError | null;
  /** What the client is to be brought once all have been visited; null: nothing. */
  readonly runtime: StoredRuntime | null;
}

/** What is particular to one visit. */
export interface VisitTurn {
  /** Default: the configuration's. */
  readonly patience?: Patience;
  /** The client has let us in: what it counts as a login under way is one less. */
  readonly onLogin?: () => void;
}

type Visit = VisitContext & Required<VisitTurn>;

/** Visits one client, within its deadline. Never rejects: every fault is in the outcome. */
export async function visit(shared: VisitContext, client: Client, turn: VisitTurn = {}): Promise<VisitOutcome> {
  const patience = turn.patience ?? fullPatience(shared.config);
  const context: Visit = { ...shared, patience, onLogin: turn.onLogin ?? (() => undefined) };
  const startedAtMs = context.now();
  const began = performance.now();
  const deadline = startDeadline({
    client: client.name,
    deadlineMs: patience.clientDeadlineMs,
    runSignal: context.signal,
  });
  const progress = startProgress();
  const fault = await deadline
    .race(makeVisit(context, client, progress, deadline.signal))
    .then(
      () => progress.anomaly,
      (thrown: unknown) =>
        progress.delivered ? progress.anomaly : faultAtDeadline(thrown, deadline.signal, progress.stage, client.name),
    )
    .finally(() => {
      deadline.end();
      closeConnection(progress);
    });
  const durationMs = Math.round(performance.now() - began);
  const record = recordOf({ context, client, found: progress, fault, startedAtMs, durationMs });
  return { fault, record, runtime: progress.wish?.runtime ?? null };
}

async function makeVisit(context: Visit, client: Client, progress: Progress, signal: AbortSignal): Promise<void> {
  const endsAt = performance.now() + context.patience.clientDeadlineMs;
  const facts = context.facts?.get(client.name);
  const nowMs = context.now();
  const { everyMs } = context.config;
  const mayInventory = context.facts !== null && !context.dryRun;
  const opens = context.opens ?? true;
  const due = mayInventory && isInventoryDue({ client: client.name, facts, nowMs, everyMs, opens });
  const { agentTimeoutMs } = context.patience;
  const task = taskOf({ context, client, kind: 'visit', agentTimeoutMs });
  const opening = context.config.pipelining ? openingOf(task) : null;
  await connect(context, client, progress, signal, opening);
  const result = await callAgent(context, client, progress, { task, opening, waitForExit: due, signal });
  progress.result = result;
  progress.wish = wishAfter({ supply: context.runtimes, client, result, nowMs });
  if (result.fault !== null) throw withWish(result.fault, progress.wish);
  progress.delivered = true;
  const booted = mayInventory && wasBooted(facts, result.hello?.boot_id ?? null);
  if (result.reader !== 'shell' && (due || booted)) {
    await tryInventory({ context, client, progress, signal, reconnect: !due, leftMs: endsAt - performance.now() });
  }
  // Not destroyed afterwards: the acknowledgements may still be on their way.
  await takeConnection(progress)?.leave();
}

async function connect(
  context: Visit,
  client: Client,
  progress: Progress,
  signal: AbortSignal,
  opening: AgentOpening | null,
): Promise<void> {
  const { tcpTimeoutMs, connectTimeoutMs, channelTimeoutMs } = context.patience;
  progress.stage = 'connect';
  const transport = context.transportFor(client);
  const ahead = opening === null ? {} : { ahead: opening.command };
  const connection = await transport.connect({ tcpTimeoutMs, connectTimeoutMs, channelTimeoutMs, signal, ...ahead });
  context.onLogin();
  progress.connection = connection;
  progress.connectMs ??= Math.round(connection.connectMs);
  // The visit was given up while the connection came about.
  if (signal.aborted) closeConnection(progress);
  signal.throwIfAborted();
}

interface Call extends Pick<AgentSessionOptions, 'waitForExit' | 'signal'> {
  readonly task: AgentTask;
  /** What went ahead of the login; null: nothing. */
  readonly opening: AgentOpening | null;
}

async function callAgent(context: Visit, client: Client, progress: Progress, call: Call): Promise<AgentResult> {
  const { connection } = progress;
  if (connection === null) throw new Error('there is no connection');
  const { task, opening, waitForExit, signal } = call;
  progress.stage = 'agent';
  const result = await runAgent({
    ...task,
    connection,
    ...(opening === null ? {} : { opening }),
    dryRun: context.dryRun,
    now: context.now,
    waitForExit,
    signal,
    onReport: async (report) => {
      progress.sealedTo.add(report.header.keyId);
      try {
        checkHeader(report.header, client, context.keys);
        await context.keep(client, report);
        return 'acknowledge';
      } catch (thrown) {
        progress.anomaly ??= asFleetError(thrown, { code: 'internal', stage: 'spool', client: client.name });
        return 'keep';
      }
    },
  });
  progress.uploaded ||= result.uploaded;
  if (task.kind === 'visit') context.sawAgent?.(client.name, result);
  return result;
}

interface InventoryCall {
  readonly context: Visit;
  readonly client: Client;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** The first agent's channel may still be open: take another connection. */
  readonly reconnect: boolean;
  readonly leftMs: number;
}

const leastInventoryMs = 5000;

/** Takes the inventory when there is time for it. The visit has succeeded already, so nothing here fails it. */
async function tryInventory({ context, client, progress, signal, reconnect, leftMs }: InventoryCall): Promise<void> {
  if (leftMs < leastInventoryMs) return;
  const before = progress.anomaly;
  // It gives up in time for the connection to be left in good order.
  const own = AbortSignal.any([signal, AbortSignal.timeout(Math.round(leftMs * 0.9))]);
  try {
    if (reconnect) {
      await takeConnection(progress)?.leave();
      await connect(context, client, progress, own, null);
    }
    const agentTimeoutMs = Math.min(context.patience.agentTimeoutMs, Math.round(leftMs * 0.8));
    const task = taskOf({ context, client, kind: 'inventory', agentTimeoutMs });
    await callAgent(context, client, progress, { task, opening: null, waitForExit: false, signal: own });
  } catch {
    // It comes with another visit.
  } finally {
    progress.anomaly = before;
  }
}
