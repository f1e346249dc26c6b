import { asFleetError } from '../../platform/errors/errors.ts';
import { pushLimits, pushMarker, type PolledVisit } from '../../report/seal/push.ts';
import type { Channel, PolledConnection } from '../../transport/transport.ts';
import { takeStream, type AgentResult, type RunAgentOptions, type FrameTaking } from './agent-stream.ts';

export interface PollOptions extends FrameTaking, Pick<RunAgentOptions, 'agentTimeoutMs'> {
  readonly connection: PolledConnection;
  /** Called after each stream that ended well, with the sums so far: the visit has succeeded. */
  readonly onDelivered?: (result: AgentResult) => void;
}

/** The part of the agent's time in which further streams of a long spool are requested. */
const part = 0.5;
const nothing: AgentResult = {
  ...{ hello: null, end: null, platform: null, reader: null, fault: null },
  ...{ reports: 0, acknowledged: 0, uploaded: false },
};

/**
 * Polls an agent over HTTP, first for a new report and then for the waiting ones. Like runAgent, never throws for the
 * client's behaviour. Ignores a fault after the first stream: the reports come with the next visit.
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
      // Unacknowledged reports would be sent again.
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
  const channel = await options.connection.poll(request);
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
