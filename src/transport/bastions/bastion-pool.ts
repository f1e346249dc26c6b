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

/** A bastion after the login. */
export interface Forwarder {
  forward(options: ForwardOptions): Promise<Wire>;
}

/** The first attempt and one retry. */
const maxAttempts = 2;
/** The wait before the retry: an earlier attempt would probably fail in the same way. */
const retryAfterMs = 5_000;
/** The most logins at one bastion: another login serves further clients when the earlier ones have no channel left. */
const maxSessions = 4;
const keepaliveMs = 5_000;
const idleMs = 30_000;
const lingerMs = 5_000;

interface Bastion {
  readonly hops: readonly Hop[];
  readonly sessions: Set<BastionSession>;
  opening: Promise<BastionSession> | null;
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
   * Returns the last of these machines after its login. All clients behind a bastion share one login. Retries a failed
   * login once in a run, not for each client. Throws FleetError `bastion-failed` with the bastion's own fault.
   */
  async reach(hops: readonly Hop[], client: string, signal: AbortSignal): Promise<Forwarder> {
    const bastion = this.#bastionAt(hops);
    const logged = async (): Promise<BastionSession> => {
      try {
        return await this.#session(bastion, signal);
      } catch (thrown) {
        if (signal.aborted) throw abortedError(signal, 'connect', client);
        throw thrown instanceof FleetError ? ofClient(thrown, client) : thrown;
      }
    };
    let current = await logged();
    return {
      forward: async (forward) => {
        for (;;) {
          try {
            return await current.forward(forward);
          } catch (thrown) {
            if (!current.full || bastion.sessions.size >= maxSessions || forward.signal.aborted) throw thrown;
            current = await logged();
          }
        }
      },
    };
  }

  /** Leaves all bastions when the connections through them have ended, or after a few seconds. */
  async close(): Promise<void> {
    const until = performance.now() + lingerMs;
    // The innermost bastion comes first: an outer bastion is busy until the inner ones have ended.
    const all = [...this.#bastions.values()].sort((left, right) => right.hops.length - left.hops.length);
    for (const { sessions } of all) {
      const isBusy = (): boolean => [...sessions].some(({ busy }) => busy);
      while (isBusy() && performance.now() < until) await sleep(20);
      for (const one of sessions) one.end();
    }
    this.#ending.abort(new FleetError({ code: 'interrupted', stage: 'run', message: 'the run ended' }));
  }

  #bastionAt(hops: readonly Hop[]): Bastion {
    const key = JSON.stringify(hops.map(identityOf));
    const known = this.#bastions.get(key);
    if (known !== undefined) return known;
    const made: Bastion = { hops, sessions: new Set(), opening: null, attempts: 0, failure: null };
    this.#bastions.set(key, made);
    return made;
  }

  async #session(bastion: Bastion, signal: AbortSignal): Promise<BastionSession> {
    const standing = [...bastion.sessions].find(({ usable }) => usable);
    if (standing !== undefined) return standing;
    const { failure } = bastion;
    if (bastion.opening === null && failure !== null) {
      const early = performance.now() - failure.atMs < retryAfterMs;
      if (early || !failure.error.retryable || bastion.attempts >= maxAttempts) throw failure.error;
    }
    bastion.opening ??= this.#open(bastion).finally(() => (bastion.opening = null));
    return await unlessAborted(bastion.opening, signal);
  }

  /** Opens a session. One client's deadline does not end the login, because other clients wait for it as well. */
  async #open(bastion: Bastion): Promise<BastionSession> {
    const { hops } = bastion;
    const hop = hops[hops.length - 1];
    if (hop === undefined) throw new Error('a route without a bastion');
    if (bastion.sessions.size === 0) bastion.attempts += 1;
    try {
      const { signal } = this.#ending;
      const outer = hops.slice(0, -1);
      const before = outer.length === 0 ? null : await this.#session(this.#bastionAt(outer), signal);
      const limits = limitsOf(hop, this.#options);
      const dialled = before === null ? {} : { dial: dialThrough(before, hop) };
      const target: SshTarget = { ...this.#options.targetOf(hop), keepaliveMs, ...dialled };
      const made = await logIn(target, { ...limits, signal }, (login) => {
        this.#options.onLogin(hop, login.byKey);
        const through: BastionSession = new BastionSession({
          name: hop.name,
          session: login,
          onBroken: (error) => {
            bastion.sessions.delete(through);
            // Allows an immediate retry if an attempt is left, because the bastion was reached.
            bastion.failure = { error, atMs: -Infinity };
          },
          onIdle: () => leaveIdle(bastion.sessions, through),
        });
        return through;
      });
      bastion.sessions.add(made);
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
