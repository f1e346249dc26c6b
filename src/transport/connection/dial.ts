import { connect, type Socket } from 'node:net';

import { errnoOf, FleetError, messageOf, type ErrorCode } from '../../errors.ts';
import { abortedError } from './aborted.ts';
import { resolveHost } from './resolve.ts';

export interface DialOptions {
  /** The name in errors. */
  readonly client?: string;
  /** A host name or an IP address. */
  readonly host: string;
  readonly port: number;
  /** The address family; default 0: either. */
  readonly family?: 0 | 4 | 6;
  /** The limit in ms, name resolution included. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The Connection Attempt Delay of RFC 8305, section 8: the time until the next address is tried in parallel. */
const nextAddressMs = 250;

/**
 * Opens a TCP connection. Tries the addresses of a name a quarter of a second apart; the first that answers wins.
 * Errors of the returned socket are never unhandled. Throws FleetError `dns`, `connect-refused`, `connect-timeout` or
 * `connect-failed`, or the abort's error, and then leaves nothing open.
 */
export async function dial(options: DialOptions): Promise<Socket> {
  const { host, port, timeoutMs, signal, client } = options;
  const place = `${host} port ${port}`;
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(abortedError(signal, 'connect', client ?? null));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  let resolving = true;
  const timer = setTimeout(() => {
    const [code, message]: [ErrorCode, string] = resolving
      ? ['dns', `${host} did not resolve within ${timeoutMs} ms`]
      : ['connect-timeout', `no answer from ${place} within ${timeoutMs} ms`];
    stop.abort(new FleetError({ client, code, stage: resolving ? 'resolve' : 'connect', message }));
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
      ? new FleetError({ client, code: 'dns', stage: 'resolve', message: messageOf(thrown), cause: thrown })
      : new FleetError({ client, code: codeOf(thrown), stage: 'connect', message: messageOf(thrown), cause: thrown });
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
        // The reason is always an Error: `stop` is only aborted in this file.
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
