import type { CollectorConfig } from '../../config/config.ts';
import { jitterOf } from '../../platform/jitter.ts';
import type { ClientFacts } from '../../storage/store/storage.ts';

/** How long one client is waited for in this run, at each stage. */
export interface Patience {
  readonly tcpTimeoutMs: number;
  /** Until logged in, TCP included. */
  readonly connectTimeoutMs: number;
  readonly channelTimeoutMs: number;
  readonly agentTimeoutMs: number;
  readonly clientDeadlineMs: number;
}

/** What is remembered of the last visits. */
export type LastFailure = Pick<ClientFacts, 'name' | 'consecutiveFailures' | 'failedCode'>;

type Waited = keyof Patience;

/** Which waits a failure used up, and so which of them are shortened. A stage that was not reached keeps its time. */
const usedUpBy: Readonly<Record<string, readonly Waited[]>> = {
  dns: ['tcpTimeoutMs'],
  'connect-timeout': ['tcpTimeoutMs'],
  'connect-failed': ['tcpTimeoutMs'],
  'handshake-timeout': ['connectTimeoutMs'],
  'auth-timeout': ['connectTimeoutMs'],
  'channel-timeout': ['channelTimeoutMs'],
  'agent-timeout': ['agentTimeoutMs'],
  'visit-deadline': ['agentTimeoutMs', 'clientDeadlineMs'],
};

/** Of the configured time, after one, two, and three or more failures in a row. */
const shares = [1, 0.6, 0.4, 0.3] as const;
/** One retransmission of a lost SYN (RFC 6298: after 1 s), a key exchange, a start of Node on a slow machine. */
const leastMs: Readonly<Record<Waited, number>> = {
  tcpTimeoutMs: 1500,
  connectTimeoutMs: 2000,
  channelTimeoutMs: 2000,
  agentTimeoutMs: 3000,
  clientDeadlineMs: 5000,
};
/** Every so many failures the whole time is given again: a client that came back slow must not stay outside. */
const wholeAgainEvery = 6;

/** What every client gets that answered when it was last visited. */
export function fullPatience(config: CollectorConfig): Patience {
  const { tcpTimeoutMs, connectTimeoutMs, agentTimeoutMs, clientDeadlineMs } = config;
  return { tcpTimeoutMs, connectTimeoutMs, channelTimeoutMs: connectTimeoutMs, agentTimeoutMs, clientDeadlineMs };
}

/** Whether the client's last visit ended with waiting: then its next one probably will, too. */
export function isSuspect(last: LastFailure | undefined): boolean {
  return waitsOf(last).length > 0;
}

/**
 * How long to wait for a client after what is remembered of it: a stage that it let time out gets less time from run to
 * run, down to a few tenths; everything after that stage gets its whole time, so that a client that answers again is
 * visited as any other. Never more than is configured.
 */
export function patienceFor(last: LastFailure | undefined, config: CollectorConfig): Patience {
  const whole = fullPatience(config);
  const waits = waitsOf(last);
  if (last === undefined || waits.length === 0) return whole;
  return shorten(whole, waits, last.consecutiveFailures, last.name);
}

/** For a client nothing is remembered of, whose neighbours do not answer in this run. */
export function patienceAmongTheDead(config: CollectorConfig): Patience {
  return shorten(fullPatience(config), ['tcpTimeoutMs'], 1, '');
}

function waitsOf(last: LastFailure | undefined): readonly Waited[] {
  if (last === undefined || last.consecutiveFailures === 0) return [];
  return usedUpBy[last.failedCode ?? ''] ?? [];
}

function shorten(whole: Patience, waits: readonly Waited[], failures: number, name: string): Patience {
  // Clients that died together must not all be given their whole time in the same run.
  const isWholeTurn = failures >= wholeAgainEvery && (failures + placeOf(name)) % wholeAgainEvery === 0;
  if (isWholeTurn) return whole;
  const share = shares[Math.min(failures, shares.length - 1)] ?? 1;
  const shorter = { ...whole };
  for (const wait of waits) {
    shorter[wait] = Math.min(whole[wait], Math.max(leastMs[wait], Math.round(whole[wait] * share)));
  }
  return shorter;
}

function placeOf(name: string): number {
  return jitterOf(name) % wholeAgainEvery;
}
