import { lookup, type LookupAddress } from 'node:dns';
import { readFileSync } from 'node:fs';
import { connect, isIP, type Socket } from 'node:net';

import {
  errnoOf,
  FleetError,
  lacksDescriptors,
  lacksMemory,
  messageOf,
  type ErrorCode,
} from '../../platform/errors/errors.ts';
import { zoneAdvice, zoneFault } from '../../config/values/addresses.ts';
import { abortedError } from './aborted.ts';
import { withDeadline } from '../../platform/deadline.ts';
import type { NameMemory } from './name-memory.ts';
import type { ConnectOptions } from '../transport.ts';

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
  /** Called with each address that is dialled. */
  readonly onDial?: ConnectOptions['onDial'] | undefined;
  /** The names that earlier runs looked up. Default: none. */
  readonly names?: NameMemory | null | undefined;
  /** Called if the socket leads to the last known address of a name that has not resolved. */
  readonly onLastAddress?: ((address: string) => void) | undefined;
}

/**
 * The Connection Attempt Delay of RFC 8305, section 8: the time until the next address is tried in parallel. With many
 * addresses it is shorter, so that all are tried in half of the time limit.
 */
const nextAddressMs = 250;
const minNextAddressMs = 10;

/**
 * Opens a TCP connection. Tries the addresses of a name one after the other, at most a quarter of a second apart; the
 * first that answers wins. Errors of the returned socket are never unhandled. Throws FleetError `dns`,
 * `connect-refused`, `connect-timeout` or `connect-failed`, or the abort's error, and then leaves nothing open.
 */
export async function dial(options: DialOptions): Promise<Socket> {
  const { host, port, timeoutMs, signal, client, names } = options;
  const place = `${host} port ${port}`;
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(abortedError(signal, 'connect', client ?? null));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  let resolving = true;
  let isLast = false;
  const timer = setTimeout(() => {
    if (resolving && unfinished.has(host)) names?.noteFailure(host, false);
    const [code, message]: [ErrorCode, string] = resolving
      ? ['dns', unresolved(host, timeoutMs) + (isLast ? ', and its last address does not answer' : '')]
      : ['connect-timeout', `no answer from ${place} within ${timeoutMs} ms`];
    stop.abort(new FleetError({ client, code, stage: resolving ? 'resolve' : 'connect', message }));
  }, timeoutMs);
  try {
    const common = { port, timeoutMs, signal: stop.signal, onDial: options.onDial };
    const resolved = resolveHost(host, stop.signal, names);
    const addresses = await orLastAddresses(resolved, host, names);
    if (addresses === null) {
      isLast = true;
      const last = await firstOf(names?.lastOf(host) ?? [], common).catch(() => null);
      if (last !== null) {
        options.onLastAddress?.(last.remoteAddress ?? host);
        return last;
      }
    }
    const found = addresses ?? (await resolved);
    resolving = false;
    return await firstOf(
      found.filter(ofFamily(options.family ?? 0)).map(({ address }) => address),
      common,
    );
  } catch (thrown) {
    if (thrown instanceof FleetError) throw thrown;
    const message = messageOf(thrown);
    if (resolving) {
      const own = errnoOf(thrown) === 'EAI_AGAIN' && !hasResolver();
      const why = own ? `${message}: ${noResolver}` : message;
      const code = own ? 'collector-fault' : 'dns';
      throw new FleetError({ client, code, stage: 'resolve', message: why, cause: thrown });
    }
    const zone = errnoOf(thrown) === 'EINVAL' ? zoneFault(addressOf(thrown)) : null;
    const own = connectLack(errnoOf(thrown), addressOf(thrown));
    const why = own === null ? message : `${message}: ${own}`;
    throw new FleetError({
      ...{ client, code: codeOf(thrown), stage: 'connect', message: zone ?? why, cause: thrown },
      advice: zone === null ? undefined : zoneAdvice,
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

/** The time after which a name that has resolved before is dialled at its last address. */
const lastAddressMs = 1_000;

/**
 * Returns the answer, or null if it takes long, or if no name server can be asked, and the name's last addresses are
 * known.
 */
async function orLastAddresses(
  resolved: Promise<readonly LookupAddress[]>,
  host: string,
  names: NameMemory | null | undefined,
): Promise<readonly LookupAddress[] | null> {
  if (isIP(host) !== 0 || (names?.lastOf(host) ?? null) === null) return await resolved;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => (timer = setTimeout(resolve, lastAddressMs, null)));
  const answered = resolved.catch((thrown: unknown) => {
    if (errnoOf(thrown) === 'EAI_AGAIN') return null;
    throw thrown;
  });
  // The answer after the last addresses is awaited elsewhere, if at all.
  answered.catch(() => undefined);
  try {
    return await Promise.race([answered, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Says that a name has no answer, or that it was not even asked for. */
function unresolved(host: string, timeoutMs: number): string {
  if (unfinished.has(host) || unfinished.size === 0) return `${host} did not resolve within ${timeoutMs} ms`;
  return `${host} was not looked up within ${timeoutMs} ms: ${unfinished.size} other names have no answer yet`;
}

function ofFamily(wanted: 0 | 4 | 6): (address: { readonly family: number }) => boolean {
  return ({ family }) => wanted === 0 || family === wanted;
}

function addressOf(thrown: unknown): string {
  const address: unknown = thrown instanceof Error ? Reflect.get(thrown, 'address') : null;
  return typeof address === 'string' ? address : '';
}

function codeOf(thrown: unknown): ErrorCode {
  const code = errnoOf(thrown);
  if (connectLack(code, addressOf(thrown)) !== null) return 'collector-fault';
  if (code === 'ECONNREFUSED') return 'connect-refused';
  return code === 'ETIMEDOUT' ? 'connect-timeout' : 'connect-failed';
}

/**
 * Returns what this machine lacks to connect to an address: a free port or a route. Returns null if it lacks nothing,
 * or if that is unknown.
 */
export function connectLack(errno: string | null, address: string): string | null {
  const family = isIP(address) === 6 ? 6 : 4;
  // Without a free port of its own a machine has no address to connect from.
  if (errno === 'EADDRNOTAVAIL' && family === 4) return 'this machine has no free port (net.ipv4.ip_local_port_range)';
  if (errno !== 'ENETUNREACH' && errno !== 'EHOSTUNREACH') return null;
  return hasDefaultRoute(family) ? null : `this machine has no default route for IPv${family}`;
}

/** True if an error says something about this machine alone, and nothing about the address. */
function isOwn(error: Error): boolean {
  const errno = errnoOf(error);
  return lacksDescriptors(error) || lacksMemory(error) || connectLack(errno, addressOf(error)) !== null;
}

/** True if this machine has a default route, or if that is unknown. */
function hasDefaultRoute(family: 4 | 6): boolean {
  try {
    if (family === 4) return /^\S+\t00000000\t/m.test(readFileSync('/proc/net/route', 'latin1'));
    const lines = readFileSync('/proc/net/ipv6_route', 'latin1').split('\n');
    return lines.some((line) => /^0{32} 00 /.test(line) && !/ lo$/.test(line));
  } catch {
    return true;
  }
}

export const noResolver = '/etc/resolv.conf of this machine names no name server';

/** True if this machine's /etc/resolv.conf names a name server, or if that is unknown. */
export function hasResolver(): boolean {
  try {
    return /^[ \t]*nameserver[ \t]/m.test(readFileSync('/etc/resolv.conf', 'latin1'));
  } catch (thrown) {
    return errnoOf(thrown) !== 'ENOENT';
  }
}

function firstOf(
  addresses: readonly string[],
  { port, timeoutMs, signal, onDial }: Pick<DialOptions, 'port' | 'timeoutMs' | 'signal' | 'onDial'>,
): Promise<Socket> {
  const pauseMs = Math.max(minNextAddressMs, Math.min(nextAddressMs, timeoutMs / 2 / addresses.length));
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
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors
        reject(signal.reason);
      });
    };
    const tryNext = (): void => {
      clearTimeout(stagger);
      const host = addresses[next];
      if (host === undefined) return;
      next += 1;
      onDial?.({ address: host, port });
      const socket = connect({ host, port, noDelay: true });
      open.add(socket);
      socket.on('error', (error) => {
        if (!open.delete(socket) || over) return;
        errors.push(error);
        if (next < addresses.length) tryNext();
        // An address that answered says more than one that this machine cannot reach.
        else if (open.size === 0) finish(() => reject(errors.find((one) => !isOwn(one)) ?? error));
      });
      socket.once('connect', () => {
        open.delete(socket);
        finish(() => resolve(socket));
      });
      if (next < addresses.length) stagger = setTimeout(tryNext, pauseMs);
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

/**
 * The most lookups that hold a slot. getaddrinfo blocks a thread of Node's pool until the name server answers, and
 * cannot be cancelled. More lookups would not be faster, and each unfinished lookup delays the end of the process.
 */
const maxRunning = 4;
/** A lookup frees its slot after this time, so that names of dead name servers do not delay the others. */
const stuckMs = 200;
/** The most unfinished lookups: libuv gives getaddrinfo half of its threads. */
const maxUnfinished = Math.max(maxRunning, Math.floor(Number(process.env['UV_THREADPOOL_SIZE'] ?? 4) / 2));
const maxAddresses = 64;

/** The most unfinished lookups of names that did not resolve the last time. */
const maxFailed = 2;
/** The most unfinished lookups of names that did not resolve the last time, or of which nothing is known. */
const maxUnsure = Math.max(maxFailed, Math.ceil(maxUnfinished * 0.75));

type Kind = 'resolved' | 'unknown' | 'failed';
/** The kinds in the order of their turns: a name that was good does not wait behind names that were not. */
const kinds: readonly Kind[] = ['resolved', 'unknown', 'failed'];

/** The number of lookups that hold a slot. */
let running = 0;
const waiting: Readonly<Record<Kind, Set<() => void>>> = { resolved: new Set(), unknown: new Set(), failed: new Set() };
const unfinished = new Map<string, { readonly kind: Kind; readonly answer: Promise<readonly LookupAddress[]> }>();

/**
 * Returns the addresses of a name, in the system's order (hosts file, name servers), at most 64. Rejects with the
 * system's error, or with `signal.reason` as soon as the signal is aborted, even if the name server does not answer.
 * Names that resolved the last time come first, and names that did not come last, two at a time.
 */
export async function resolveHost(
  host: string,
  signal: AbortSignal,
  names: NameMemory | null = null,
): Promise<readonly LookupAddress[]> {
  const family = isIP(host);
  if (family !== 0) return [{ address: host, family }];
  signal.throwIfAborted();
  const found = unfinished.get(host)?.answer;
  return await withDeadline({ signal }, async ({ over }) => await (found ?? queued(host, names, over)));
}

function mayStart(kind: Kind): boolean {
  if (running >= maxRunning || unfinished.size >= maxUnfinished) return false;
  if (kind === 'resolved') return true;
  const all = [...unfinished.values()];
  const unsure = all.filter((one) => one.kind !== 'resolved').length;
  if (kind === 'unknown') return unsure < maxUnsure;
  return unsure < maxUnsure && all.filter((one) => one.kind === 'failed').length < maxFailed;
}

async function queued(
  host: string,
  names: NameMemory | null,
  aborted: Promise<never>,
): Promise<readonly LookupAddress[]> {
  const kind = names?.outcomeOf(host) ?? 'unknown';
  while (!mayStart(kind)) {
    let wake: (() => void) | undefined;
    try {
      await Promise.race([aborted, new Promise<void>((resolve) => waiting[kind].add((wake = resolve)))]);
    } finally {
      if (wake !== undefined) waiting[kind].delete(wake);
    }
  }
  return await (unfinished.get(host)?.answer ?? start(host, kind, names));
}

/** Lets the next name that may be looked up have its turn. */
function wakeNext(): void {
  const kind = kinds.find((one) => waiting[one].size > 0 && mayStart(one));
  if (kind === undefined) return;
  for (const wake of waiting[kind]) {
    waiting[kind].delete(wake);
    wake();
    break;
  }
}

function start(host: string, kind: Kind, names: NameMemory | null): Promise<readonly LookupAddress[]> {
  running += 1;
  let holds = true;
  const giveUpPlace = (): void => {
    if (holds) running -= 1;
    holds = false;
    wakeNext();
  };
  const stuck = setTimeout(giveUpPlace, stuckMs);
  stuck.unref();
  const answer = new Promise<readonly LookupAddress[]>((resolve, reject) => {
    lookup(host, { all: true, order: 'verbatim' }, (error, addresses) => {
      clearTimeout(stuck);
      unfinished.delete(host);
      if (error === null) {
        const found = addresses.slice(0, maxAddresses);
        names?.noteAddresses(
          host,
          found.map(({ address }) => address),
        );
        resolve(found);
      } else {
        names?.noteFailure(host, error.code === 'ENOTFOUND');
        reject(error);
      }
      giveUpPlace();
    });
  });
  unfinished.set(host, { kind, answer });
  // Another kind may have places left, of which nobody would tell it.
  setImmediate(wakeNext);
  return answer;
}
