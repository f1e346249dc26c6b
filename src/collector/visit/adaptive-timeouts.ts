/** src/collector/visit: one client. */
import type { Client, CollectorConfig } from '../../config/config.ts';
import { jitterOf } from '../../platform/jitter.ts';
import type { ClientFacts } from '../../storage/store/storage.ts';

/** The timeouts of one client in this run, at each stage. */
export interface VisitTimeouts {
  readonly tcpTimeoutMs: number;
  /** The timeout until the login, TCP included. */
  readonly connectTimeoutMs: number;
  readonly channelTimeoutMs: number;
  readonly agentTimeoutMs: number;
  readonly clientDeadlineMs: number;
}

export type LastFailure = Pick<ClientFacts, 'name' | 'consecutiveFailures' | 'failedCode'>;

type Timeout = keyof VisitTimeouts;

/** The timeouts that a failure used up, which are shortened. A stage that was not reached keeps its timeout. */
const usedUpBy: Readonly<Record<string, readonly Timeout[]>> = {
  dns: ['tcpTimeoutMs'],
  'connect-timeout': ['tcpTimeoutMs'],
  'connect-failed': ['tcpTimeoutMs'],
  'handshake-timeout': ['connectTimeoutMs'],
  'auth-timeout': ['connectTimeoutMs'],
  'channel-timeout': ['channelTimeoutMs'],
  'agent-timeout': ['agentTimeoutMs'],
  'visit-deadline': ['agentTimeoutMs', 'clientDeadlineMs'],
};

/** The shares of the configured timeout after one, two, and three or more failures in a row. */
const shares = [1, 0.6, 0.4, 0.3] as const;
/**
 * The least timeouts. They allow for one retransmission of a lost SYN (RFC 6298: after 1 s), a key exchange and login
 * on a machine that is busy or waits for its name server, and a start of Node on a slow machine.
 */
const minMs: Readonly<Record<Timeout, number>> = {
  tcpTimeoutMs: 1500,
  connectTimeoutMs: 4000,
  channelTimeoutMs: 4000,
  agentTimeoutMs: 3000,
  clientDeadlineMs: 5000,
};
/**
 * The number of failures after which a client gets its whole timeouts again: a client that has become slow must
 * recover.
 */
const wholeAgainEvery = 6;

/** Returns the timeouts of a client that answered its last visit. */
export function fullTimeouts(config: CollectorConfig): VisitTimeouts {
  const { tcpTimeoutMs, connectTimeoutMs, agentTimeoutMs, clientDeadlineMs } = config;
  return { tcpTimeoutMs, connectTimeoutMs, channelTimeoutMs: connectTimeoutMs, agentTimeoutMs, clientDeadlineMs };
}

/** True if the client's last visit ended in a timeout. The next one probably will, too. */
export function isSuspect(last: LastFailure | undefined): boolean {
  return usedUp(last).length > 0;
}

/** True if the client's name did not resolve at its last visit. */
export function hasFailedToResolve(
  { address }: Pick<Client, 'address'>,
  last: Pick<ClientFacts, 'address' | 'failedCode'> | undefined,
): boolean {
  return last !== undefined && last.address === address && last.failedCode === 'dns';
}

/**
 * Returns the timeouts of a client after its last failures. The stage that timed out gets less time from run to run,
 * down to a few tenths. All later stages keep their timeouts, so that a client that answers again is visited like any
 * other.
 */
export function timeoutsFor(last: LastFailure | undefined, config: CollectorConfig): VisitTimeouts {
  const whole = fullTimeouts(config);
  const timeouts = usedUp(last);
  if (last === undefined || timeouts.length === 0) return whole;
  return shorten(whole, timeouts, last.consecutiveFailures, last.name);
}

/** Returns the timeouts of a client without failures whose subnet does not answer in this run. */
export function timeoutsInDeadSubnet(config: CollectorConfig): VisitTimeouts {
  return shorten(fullTimeouts(config), ['tcpTimeoutMs'], 1, '');
}

function usedUp(last: LastFailure | undefined): readonly Timeout[] {
  if (last === undefined || last.consecutiveFailures === 0) return [];
  return usedUpBy[last.failedCode ?? ''] ?? [];
}

function shorten(whole: VisitTimeouts, timeouts: readonly Timeout[], failures: number, name: string): VisitTimeouts {
  // Clients that failed together must not all get their whole timeouts in the same run.
  const isWholeTurn = failures >= wholeAgainEvery && (failures + jitterOf(name)) % wholeAgainEvery === 0;
  if (isWholeTurn) return whole;
  const share = shares[Math.min(failures, shares.length - 1)] ?? 1;
  const shorter = { ...whole };
  for (const timeout of timeouts) {
    shorter[timeout] = Math.min(whole[timeout], Math.max(minMs[timeout], Math.round(whole[timeout] * share)));
  }
  return shorter;
}
