import { isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Secret } from '../../config/secret.ts';
import { FleetError, asFleetError } from '../../platform/errors/errors.ts';
import { unlessAborted } from '../../platform/deadline.ts';
import { abortedError } from '../connection/aborted.ts';
import { bastionFailed, ofClient } from './bastion-failed.ts';
import { BastionSession, type ForwardOptions } from './bastion-session.ts';
import type { Hop } from '../route/hop.ts';
import { logIn } from '../ssh2/ssh.ts';
import type { ConnectOptions } from '../transport.ts';
import type { Wire } from '../connection/wire.ts';
import { type SshTarget } from '../ssh2/target.ts';

export interface BastionPoolOptions {
  /** Returns the data for a login at a hop. */
  readonly targetOf: (hop: Hop) => SshTarget;
  /** Called after each login. `byKey` is true if the bastion asked for a key alone. */
  readonly onLogin: (hop: Hop, byKey: boolean) => void;
  /** The limits of the TCP connection and of the login at each bastion, in ms. */
  readonly tcpTimeoutMs: number;
  readonly connectTimeoutMs: number;
}

/** The visit that needs a bastion. */
export interface Asker {
  readonly client: string;
  readonly lane: Lane;
}

/** A bastion after the login. */
export interface Forwarder {
  forward(options: ForwardOptions): Promise<Wire>;
}

/**
 * A login serves addresses, or names that have resolved in this run, or asks for other names: while the bastion
 * resolves a name, everything else through that login waits. Names that did not resolve the last time are asked for
 * apart, so that they hold back no name that did.
 */
export type Lane = 'addresses' | 'names' | 'unknown' | 'failed';

/** Returns the lane of a machine behind a bastion. */
export function laneOf(host: string, hasFailed = false): Lane {
  if (isIP(host) !== 0) return 'addresses';
  return hasFailed ? 'failed' : 'unknown';
}

/** The first attempt and one retry. */
const maxAttempts = 2;
/** The wait before the retry: an earlier attempt would probably fail in the same way. */
const retryAfterMs = 5_000;
/**
 * The most logins of a lane at one bastion: another one serves further clients if the earlier ones have no channel
 * left, or stand still at a name.
 */
const maxSessions: Readonly<Record<Lane, number>> = { addresses: 4, names: 4, unknown: 4, failed: 2 };
/** The time for which a name counts as resolved. A second connection in a visit then needs no question. */
const resolvedMs = 60_000;
const keepaliveMs = 5_000;
const idleMs = 30_000;
const lingerMs = 5_000;

interface Bastion {
  readonly hops: readonly Hop[];
  readonly sessions: Readonly<Record<Lane, Set<BastionSession>>>;
  /** The names that have resolved, with the time by performance.now(). */
  readonly resolved: Map<string, number>;
  opening: { readonly lane: Lane; readonly login: Promise<BastionSession> } | null;
  attempts: number;
  failure: { readonly error: FleetError; readonly atMs: number } | null;
}

/** The bastions of a run. The caller has to close the pool. */
export class BastionPool {
  readonly #options: BastionPoolOptions;
  readonly #bastions = new Map<string, Bastion>();
  readonly #ending = new AbortController();

  constructor(options: BastionPoolOptions) {
    this.#options = options;
  }

  /**
   * Returns the last of these machines after its login. All clients of a lane share one login. Retries a failed login
   * once in a run, not for each client. Throws FleetError `bastion-failed` with the bastion's own fault.
   */
  async reach(hops: readonly Hop[], { client, lane }: Asker, signal: AbortSignal): Promise<Forwarder> {
    const bastion = this.#bastionAt(hops);
    const logged = async (own: Lane): Promise<BastionSession> => {
      try {
        return await this.#session(bastion, own, signal);
      } catch (thrown) {
        if (signal.aborted) throw abortedError(signal, 'connect', client);
        throw thrown instanceof FleetError ? ofClient(thrown, client) : thrown;
      }
    };
    const through = async (own: Lane, first: BastionSession, forward: ForwardOptions): Promise<Wire> => {
      for (let current = first; ; current = await logged(own)) {
        try {
          const wire = await current.forward(forward);
          if (wire !== null) return wire;
        } catch (thrown) {
          if (!current.full || !mayAdd(bastion, own) || forward.signal.aborted) throw thrown;
        }
      }
    };
    const first = await logged(lane);
    return {
      forward: async (forward) => {
        const asks = lane === 'unknown' || lane === 'failed';
        if (asks && performance.now() - (bastion.resolved.get(forward.host) ?? -Infinity) >= resolvedMs) {
          // The name resolves. No connection stays on a login that may be asked for one that does not.
          (await through(lane, first, forward)).destroy();
          bastion.resolved.set(forward.host, performance.now());
        }
        return asks ? await through('names', await logged('names'), forward) : await through(lane, first, forward);
      },
    };
  }

  /** Leaves all bastions when the connections through them have ended, or after a few seconds. */
  async close(): Promise<void> {
    const until = performance.now() + lingerMs;
    // The innermost bastion comes first: an outer bastion is busy until the inner ones have ended.
    const all = [...this.#bastions.values()].sort((left, right) => right.hops.length - left.hops.length);
    for (const bastion of all) {
      while (sessionsOf(bastion).some(({ busy }) => busy) && performance.now() < until) await sleep(20);
      for (const one of sessionsOf(bastion)) one.end();
    }
    this.#ending.abort(new FleetError({ code: 'interrupted', stage: 'run', message: 'the run ended' }));
  }

  #bastionAt(hops: readonly Hop[]): Bastion {
    const key = JSON.stringify(hops.map(identityOf));
    const known = this.#bastions.get(key);
    if (known !== undefined) return known;
    const logins = (): Set<BastionSession> => new Set();
    const sessions = { addresses: logins(), names: logins(), unknown: logins(), failed: logins() };
    const made: Bastion = { hops, sessions, resolved: new Map(), opening: null, attempts: 0, failure: null };
    this.#bastions.set(key, made);
    return made;
  }

  /** Returns a login for a lane. If no further login is to be had, the lanes share those that there are. */
  async #session(bastion: Bastion, lane: Lane, signal: AbortSignal): Promise<BastionSession> {
    try {
      return await this.#ownSession(bastion, lane, signal);
    } catch (thrown) {
      const other = sessionsOf(bastion).find(({ usable }) => usable);
      if (other === undefined || signal.aborted) throw thrown;
      return other;
    }
  }

  async #ownSession(bastion: Bastion, lane: Lane, signal: AbortSignal): Promise<BastionSession> {
    const sessions = bastion.sessions[lane];
    for (;;) {
      const usable = [...sessions].filter((one) => one.usable);
      const standing = usable.find(({ held }) => !held) ?? (mayAdd(bastion, lane) ? undefined : usable.at(-1));
      if (standing !== undefined) return standing;
      const { failure } = bastion;
      if (bastion.opening === null && failure !== null) {
        const early = performance.now() - failure.atMs < retryAfterMs;
        if (early || !failure.error.retryable || bastion.attempts >= maxAttempts) throw failure.error;
      }
      bastion.opening ??= { lane, login: this.#open(bastion, lane).finally(() => (bastion.opening = null)) };
      const { opening } = bastion;
      const made = await unlessAborted(opening.login, signal);
      if (opening.lane === lane) return made;
    }
  }

  /** Opens a session. One client's deadline does not end the login, because other clients wait for it as well. */
  async #open(bastion: Bastion, lane: Lane): Promise<BastionSession> {
    const { hops } = bastion;
    const sessions = bastion.sessions[lane];
    const hop = hops[hops.length - 1];
    if (hop === undefined) throw new Error('a route without a bastion');
    if (sessionsOf(bastion).length === 0) bastion.attempts += 1;
    try {
      const { signal } = this.#ending;
      const outer = hops.slice(0, -1);
      const asker: Asker = { client: hop.name, lane: laneOf(hop.address) };
      const before = outer.length === 0 ? null : await this.reach(outer, asker, signal);
      const limits = limitsOf(hop, this.#options);
      const dialled = before === null ? {} : { dial: dialThrough(before, hop) };
      const target: SshTarget = { ...this.#options.targetOf(hop), keepaliveMs, ...dialled };
      const made = await logIn(target, { ...limits, signal }, (login) => {
        this.#options.onLogin(hop, login.byKey);
        const through: BastionSession = new BastionSession({
          name: hop.name,
          session: login,
          onBroken: (error) => {
            sessions.delete(through);
            // Allows an immediate retry if an attempt is left, because the bastion was reached.
            bastion.failure = { error, atMs: -Infinity };
          },
          onIdle: () => leaveIdle(sessions, through),
          mayMove: () => mayAdd(bastion, lane) && bastion.failure === null,
        });
        return through;
      });
      sessions.add(made);
      bastion.failure = null;
      return made;
    } catch (thrown) {
      const cause = asFleetError(thrown, { code: 'internal', stage: 'connect' });
      const error = bastionFailed(hop.name, cause);
      bastion.failure = { error, atMs: performance.now() };
      throw error;
    }
  }
}

function mayAdd({ sessions }: Bastion, lane: Lane): boolean {
  return sessions[lane].size < maxSessions[lane];
}

function sessionsOf({ sessions }: Bastion): readonly BastionSession[] {
  return Object.values(sessions).flatMap((lane) => [...lane]);
}

/** Leaves a bastion that stays idle. Does nothing if it is in use then, or no longer among the sessions. */
export function leaveIdle<T extends Pick<BastionSession, 'busy' | 'end'>>(sessions: Set<T>, idle: T): void {
  setTimeout(() => {
    if (idle.busy || !sessions.delete(idle)) return;
    idle.end();
  }, idleMs).unref();
}

/** Returns the limits of a login at one machine. A ConnectTimeout of ssh_config takes precedence. */
export function limitsOf(
  { connectTimeoutMs: configuredMs }: Hop,
  { tcpTimeoutMs, connectTimeoutMs }: Pick<ConnectOptions, 'tcpTimeoutMs' | 'connectTimeoutMs'>,
): Pick<ConnectOptions, 'tcpTimeoutMs' | 'connectTimeoutMs'> {
  return configuredMs === null
    ? { tcpTimeoutMs, connectTimeoutMs }
    : { tcpTimeoutMs: configuredMs, connectTimeoutMs: Math.max(configuredMs, connectTimeoutMs) };
}

/** Returns the `dial` of an SshTarget for a connection through a bastion. */
export function dialThrough(bastion: Forwarder, hop: Hop): NonNullable<SshTarget['dial']> {
  const { name: client, address: host, port } = hop;
  return ({ tcpTimeoutMs, connectTimeoutMs, signal, onDial }) => {
    // The bastion resolves a name.
    if (isIP(host) !== 0) onDial?.({ address: host, port });
    return bastion.forward({ client, host, port, timeoutMs: Math.min(tcpTimeoutMs, connectTimeoutMs), signal });
  };
}

/** Returns all values that a login depends on. Two routes share a login only if these are equal. */
export function identityOf(hop: Hop): unknown {
  const { name, address, port, family, username, knownAs, knownHosts, policy, kex } = hop;
  const { privateKeys, agent, identitiesOnly, password, passphrase } = hop.credentials;
  const login = [username, privateKeys, agent, identitiesOnly];
  return [name, address, port, family, knownAs, knownHosts, policy, kex, login, idOf(password), idOf(passphrase)];
}

const secretIds = new WeakMap<Secret, number>();
let lastSecretId = 0;

/** Returns an id for a secret, which distinguishes secrets without reading them; null without a secret. */
function idOf(secret: Secret | null): number | null {
  if (secret === null) return null;
  const id = secretIds.get(secret) ?? ++lastSecretId;
  secretIds.set(secret, id);
  return id;
}
