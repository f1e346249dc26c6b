import { asFleetError } from '../../errors.ts';
import { pushLimits, pushMarker, type PolledVisit } from '../../seal/push.ts';
import type { Channel, Connection } from '../../transport/transport.ts';
import { takeStream, type AgentResult, type AgentSessionOptions, type FrameTaking } from './agent-session.ts';

export interface PollOptions extends FrameTaking, Pick<AgentSessionOptions, 'agentTimeoutMs' | 'signal'> {
  readonly connection: Connection;
  /** Called after each stream that ended well, with the sum of all until then: the visit has succeeded. */
  readonly onDelivered?: (result: AgentResult) => void;
}

/** A long spool is asked for until this part of the agent's time has passed. */
const part = 0.5;
const nothing: AgentResult = {
  ...{ hello: null, end: null, platform: null, reader: null, fault: null },
  ...{ reports: 0, acknowledged: 0, uploaded: false },
};

/**
 * Asks an agent that answers over HTTP, for a new report and then for those that still wait. Never throws for what the
 * client does, as runAgent. A fault after the first stream is none: the reports come with the next visit.
 */
export async function pollAgent(options: PollOptions): Promise<AgentResult> {
  const { client, agentTimeoutMs, onDelivered } = options;
  const endsAt = performance.now() + agentTimeoutMs * part;
  let result = nothing;
  try {
    let { channel, taken } = await ask(options, { takesReport: true, timeoutMs: agentTimeoutMs, after: null });
    result = { ...taken, reader: taken.hello === null ? null : 'spoke' };
    while (taken.fault === null && taken.end !== null) {
      onDelivered?.(result);
      const { left, next: after = null } = taken.end;
      const isSame = after === null && taken.acknowledged === 0;
      if (options.dryRun || left === 0 || taken.reports === 0 || isSame) break;
      // Reports that are not acknowledged yet would come again.
      await channel.exit;
      const timeoutMs = Math.round(endsAt - performance.now());
      if (timeoutMs <= 0) break;
      ({ channel, taken } = await ask(options, { takesReport: false, timeoutMs, after }));
      result = added(result, taken);
    }
  } catch (thrown) {
    const fault = asFleetError(thrown, { code: 'agent-failed', stage: 'agent', client });
    if (result.hello === null) result = { ...result, fault };
  }
  return result;
}

interface Asked {
  readonly channel: Channel;
  readonly taken: AgentResult;
}

async function ask(options: PollOptions, request: PolledVisit): Promise<Asked> {
  const channel = await options.connection.poll?.(request);
  if (channel === undefined) throw new Error('the connection is not over HTTP');
  const { timeoutMs } = request;
  const taken = await takeStream({
    ...options,
    ...{ channel, marker: pushMarker, limits: pushLimits, timeoutMs, unsealed: 'refuse' },
  });
  return { channel, taken };
}

function added(sum: AgentResult, { end, reports, acknowledged }: AgentResult): AgentResult {
  return {
    ...sum,
    end: end ?? sum.end,
    reports: sum.reports + reports,
    acknowledged: sum.acknowledged + acknowledged,
  };
}
