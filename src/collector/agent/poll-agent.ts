import { asFleetError } from '../../errors.ts';
import { pushLimits, pushMarker } from '../../seal/push.ts';
import type { Connection } from '../../transport/transport.ts';
import { takeStream, type AgentResult, type AgentSessionOptions, type FrameTaking } from './agent-session.ts';

export interface PollOptions extends FrameTaking, Pick<AgentSessionOptions, 'agentTimeoutMs' | 'signal'> {
  readonly connection: Connection;
}

/** A long spool is asked for until this part of the agent's time has passed. */
const part = 0.5;
const nothing: AgentResult = {
  ...{ hello: null, end: null, platform: null, reader: null, fault: null },
  ...{ reports: 0, acknowledged: 0, uploaded: false },
};

/**
 * Asks an agent that answers over HTTP, for a new report and then for those that still wait. Never throws for what the
 * client does, as runAgent.
 */
export async function pollAgent(options: PollOptions): Promise<AgentResult> {
  const { connection, client, agentTimeoutMs } = options;
  const endsAt = performance.now() + agentTimeoutMs * part;
  let result = nothing;
  try {
    do {
      const request = { takesReport: result.hello === null, timeoutMs: agentTimeoutMs };
      const channel = await connection.poll?.(request);
      if (channel === undefined) throw new Error('the connection is not over HTTP');
      const last = await takeStream({
        ...options,
        ...{ channel, marker: pushMarker, limits: pushLimits, timeoutMs: agentTimeoutMs, unsealed: 'refuse' },
      });
      result = added(result, last);
      const mayMore = last.fault === null && last.acknowledged > 0 && (last.end?.left ?? 0) > 0;
      if (!mayMore || performance.now() >= endsAt) break;
      // Reports that are not acknowledged yet would come again.
      await channel.exit;
    } while (result.fault === null);
  } catch (thrown) {
    const fault = asFleetError(thrown, { code: 'agent-failed', stage: 'agent', client });
    // Without further reports the visit has still succeeded.
    if (result.hello === null) result = { ...result, fault };
  }
  return { ...result, reader: result.hello === null ? null : 'spoke' };
}

function added(sum: AgentResult, { hello, end, reports, acknowledged, fault }: AgentResult): AgentResult {
  return {
    ...sum,
    hello: sum.hello ?? hello,
    end,
    reports: sum.reports + reports,
    acknowledged: sum.acknowledged + acknowledged,
    fault: sum.fault ?? fault,
  };
}
