import type { Client } from '../../config/config.ts';
import { FleetError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
import type { AgentResult } from '../agent/agent-session.ts';
import type { RuntimeSupply, RuntimeWish } from '../runtimes/runtime-supply.ts';

/** The codes of a client without Node or with a damaged runtime. A runtime that hangs would hang again. */
const fixable: readonly ErrorCode[] = ['no-runtime', 'agent-failed', 'upload-failed'];

/** Returns what to do for a client with runtime="bring" after a visit; null if its Node or its runtime answered. */
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
  if (fault !== null && !fixable.includes(fault.code)) return null;
  return supply.wishOf(client, platform, nowMs);
}

/** Adds to the fault of a visit what is done about it. */
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
