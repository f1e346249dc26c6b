import type { Client } from '../../config/config.ts';
import { FleetError, type ErrorCode } from '../../errors.ts';
import type { AgentResult } from '../agent/agent-session.ts';
import type { RuntimeSupply, RuntimeWish } from '../runtimes/runtime-supply.ts';

/** The codes of a client without Node or with a damaged runtime. A runtime that hangs would hang again. */
const fixable: readonly ErrorCode[] = ['no-runtime', 'agent-failed', 'upload-failed'];

/** Returns what to do for a client with runtime="bring" after a visit; null if its Node or its runtime answered. */
export function wishAfter(
  { client, runtimes: supply }: { readonly client: Client; readonly runtimes: RuntimeSupply | null },
  { reader, platform, fault }: AgentResult,
  nowMs: number,
): RuntimeWish | null {
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
  const message = `${fault.message}, and ${wish.words}`;
  return new FleetError({ code, stage, client, message, advice: wish.advice, cause: fault });
}
