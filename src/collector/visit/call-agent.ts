import type { Client } from '../../config/config.ts';
import type { TimedSignal } from '../../platform/deadline.ts';
import { runAgent, type AgentOpening, type AgentResult, type RunAgentOptions } from '../agent/agent-stream.ts';
import { pollAgent } from '../agent/poll-agent.ts';
import type { AgentTask } from '../agent/task.ts';
import { hasFailedToResolve, type VisitTimeouts } from './adaptive-timeouts.ts';
import type { VisitContext } from './context.ts';
import { reportTaker } from './take-report.ts';
import type { VisitProgress } from './visit-progress.ts';

/** A visit under way. */
export interface Visit extends VisitContext {
  readonly client: Client;
  readonly timeouts: VisitTimeouts;
  readonly onLogin: () => void;
  readonly progress: VisitProgress;
  /** The deadline of the visit, which stands still while a capture waits for others. */
  readonly deadline: Pick<TimedSignal, 'pause' | 'resume'>;
}

/** Connects to the client of a visit. Throws FleetError. */
export async function connect(visited: Visit, signal: AbortSignal, opening: AgentOpening | null): Promise<void> {
  const { client, progress } = visited;
  const { tcpTimeoutMs, connectTimeoutMs, channelTimeoutMs } = visited.timeouts;
  progress.stage = 'connect';
  const transport = visited.transportFor(client);
  const ahead = opening === null ? {} : { ahead: opening.command };
  const connection = await transport.connect({
    ...{ tcpTimeoutMs, connectTimeoutMs, channelTimeoutMs, signal, ...ahead },
    hasFailedToResolve: hasFailedToResolve(client, visited.facts?.get(client.name)),
    onDial: (dialled) => (progress.dialled = dialled),
  });
  visited.onLogin();
  progress.connection = connection;
  progress.connectMs ??= Math.round(connection.connectMs);
  // The visit may have been abandoned meanwhile.
  if (signal.aborted) progress.closeConnection();
  signal.throwIfAborted();
}

export interface Call extends Pick<RunAgentOptions, 'waitForExit' | 'signal'> {
  readonly task: AgentTask;
  /** The exec that was sent ahead of the login; null if there was none. */
  readonly opening: AgentOpening | null;
}

/** Runs an agent over the visit's connection. Throws an Error without a connection. */
export async function callAgent(visited: Visit, { task, opening, waitForExit, signal }: Call): Promise<AgentResult> {
  const { client, progress, dryRun, now, keyRing, captures: costs, deadline } = visited;
  const { connection } = progress;
  if (connection === null) throw new Error('there is no connection');
  progress.stage = 'agent';
  const onReport = reportTaker({
    ...{ client, known: keyRing.known, progress },
    keep: (report) => visited.keep(client, report),
  });
  const common = { ...task, dryRun, now, signal, onReport, captures: { costs, deadline } };
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
