import { connect, type Socket } from 'node:net';

import { errnoOf, FleetError, messageOf, type ErrorCode } from '../../errors.ts';
import { abortedError } from './aborted.ts';
import { resolveHost } from './resolve.ts';

export interface DialOptions {
  /** Name in errors. */
  readonly client?: string;
  /** Name or address. */
  readonly host: string;
  readonly port: number;
  /** The addresses that count; default 0: all. */
  readonly family?: 0 | 4 | 6;
  /** Name resolution included. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** RFC 8305, section 8: how long an address has before the next one is tried beside it. */
const nextAddressMs = 250;

/**
 * A TCP connection. Addresses of a name are tried one after another, each a quarter of a second before the next, and
 * the first that answers wins. Throws FleetError `dns`, `connect-refused`, `connect-timeout` or `connect-failed`, or
 * what the signal was aborted with; nothing is left open then. Errors of the socket handed out are never unhandled.
 */
export async function dial(options: DialOptions): Promise<Socket> {
  const { host, port, timeoutMs, signal } = options;
  const named = options.client === undefined ? {} : { client: options.client };
  const place = `${host} port ${port}`;
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(abortedError(signal, 'connect', options.client ?? null));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  let resolving = true;
  const timer = setTimeout(() => {
    const [code, message]: [ErrorCode, string] = resolving
      ? ['dns', `${host} did not resolve within ${timeoutMs} ms`]
      : ['connect-timeout', `no answer from ${place} within ${timeoutMs} ms`];
    stop.abort(new FleetError({ ...named, code, stage: resolving ? 'resolve' : 'connect', message }));
  }, timeoutMs);
  try {
    const addresses = await resolveHost(host, stop.signal);
    resolving = false;
    return await firstOf(
      addresses.filter(ofFamily(options.family ?? 0)).map(({ address }) => address),
      port,
      stop.signal,
    );
  } catch (thrown) {
    if (thrown instanceof FleetError) throw thrown;
    throw resolving
      ? new FleetError({ ...named, code: 'dns', stage: 'resolve', message: messageOf(thrown), cause: thrown })
      : new FleetError({ ...named, code: codeOf(thrown), stage: 'connect', message: messageOf(thrown), cause: thrown });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

function ofFamily(wanted: 0 | 4 | 6): (address: { readonly family: number }) => boolean {
  return ({ family }) => wanted === 0 || family === wanted;
}

function codeOf(thrown: unknown): ErrorCode {
  const code = errnoOf(thrown);
  if (code === 'ECONNREFUSED') return 'connect-refused';
  return code === 'ETIMEDOUT' ? 'connect-timeout' : 'connect-failed';
}

function firstOf(addresses: readonly string[], port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const open = new Set<Socket>();
    const errors: Error[] = [];
    let next = 0;
    let stagger: NodeJS.Timeout | undefined;
    let over = false;
    const finish = (outcome: () => void): void => {
      if (over) return;
      over = true;
      clearTimeout(stagger);
      signal.removeEventListener('abort', onAbort);
      for (const socket of open) socket.destroy();
      outcome();
    };
    const onAbort = (): void => {
      finish(() => {
        // The reason is an error of our own making.
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
        reject(signal.reason);
      });
    };
    const tryNext = (): void => {
      clearTimeout(stagger);
      const host = addresses[next];
      if (host === undefined) return;
      next += 1;
      const socket = connect({ host, port, noDelay: true });
      open.add(socket);
      socket.on('error', (error) => {
        if (!open.delete(socket) || over) return;
        errors.push(error);
        if (next < addresses.length) tryNext();
        else if (open.size === 0) finish(() => reject(errors[0] ?? error));
      });
      socket.once('connect', () => {
        open.delete(socket);
        finish(() => resolve(socket));
      });
      if (next < addresses.length) stagger = setTimeout(tryNext, nextAddressMs);
    };
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    if (addresses.length === 0)
      finish(() => reject(new Error('the name has no address of the kind that is asked for')));
    else tryNext();
  });
}
