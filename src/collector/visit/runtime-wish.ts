import type { Client } from '../../config/config.ts';
import { FleetError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
import type { AgentResult } from '../agent/agent-session.ts';
import type { RuntimeSupply, RuntimeWish } from '../runtimes/runtime-supply.ts';

/** What a client ends with that has no node, or whose runtime is damaged. One that hangs would hang again. */
const wishful: readonly ErrorCode[] = ['no-runtime', 'agent-failed', 'upload-failed'];

/** What is to be done for a client with runtime="bring" after a visit; null: it has a node, or its runtime answered. */
export function wishAfter({
  supply,
  client,
  result,
  nowMs,
}: {
  readonly supply: RuntimeSupply | null;
  readonly client: Client;
  readonly result: Pick<AgentResult, 'reader' | 'platform' | 'fault'>;
  readonly nowMs: number;
}): RuntimeWish | null {
  const { reader, platform, fault } = result;
  if (supply === null || client.ssh.runtime !== 'bring') return null;
  if (reader === 'runtime') supply.attempts.clear(client.name);
  if (platform === null || (reader !== null && reader !== 'shell')) return null;
  if (fault !== null && !wishful.includes(fault.code)) return null;
  return supply.wishOf(client, platform, nowMs);
}

/** The fault of a visit, with what is to be done about it. */
export function withWish(fault: FleetError, wish: RuntimeWish | null): FleetError {
  if (wish === null || fault.code !== 'no-runtime') return fault;
  const { code, stage, client } = fault;
  return new FleetError({
    code,
    stage,
    message: `${fault.message}, and ${wish.words}`,
    ...(client === null ? {} : { client }),
    ...(wish.advice === null ? {} : { advice: wish.advice }),
    cause: fault,
  });
}
