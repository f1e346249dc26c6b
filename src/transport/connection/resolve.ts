import { lookup, type LookupAddress } from 'node:dns';
import { isIP } from 'node:net';

import { withDeadline } from '../../platform/deadline.ts';

/**
 * The most lookups that hold a slot. getaddrinfo blocks a thread of Node's pool until the name server answers, and
 * cannot be cancelled. More lookups would not be faster, and each unfinished lookup delays the end of the process.
 */
const maxRunning = 4;
/** A lookup frees its slot after this time, so that names of dead name servers do not delay the others. */
const stuckMs = 200;
/** The most unfinished lookups: libuv gives getaddrinfo half of its threads. */
const maxUnderWay = Math.max(maxRunning, Math.floor(Number(process.env['UV_THREADPOOL_SIZE'] ?? 4) / 2));
const maxAddresses = 8;

/** The number of lookups that hold a slot. */
let running = 0;
const waiting = new Set<() => void>();
const underWay = new Map<string, Promise<readonly LookupAddress[]>>();

/**
 * Returns the addresses of a name, in the system's order (hosts file, name servers), at most eight. Rejects with the
 * system's error, or with `signal.reason` as soon as the signal is aborted, even if the name server does not answer.
 */
export async function resolveHost(host: string, signal: AbortSignal): Promise<readonly LookupAddress[]> {
  const family = isIP(host);
  if (family !== 0) return [{ address: host, family }];
  signal.throwIfAborted();
  return await withDeadline({ signal }, async ({ over }) => await (underWay.get(host) ?? queued(host, over)));
}

async function queued(host: string, aborted: Promise<never>): Promise<readonly LookupAddress[]> {
  while (running >= maxRunning || underWay.size >= maxUnderWay) {
    let wake: (() => void) | undefined;
    try {
      await Promise.race([aborted, new Promise<void>((resolve) => waiting.add((wake = resolve)))]);
    } finally {
      if (wake !== undefined) waiting.delete(wake);
    }
  }
  return await (underWay.get(host) ?? start(host));
}

function start(host: string): Promise<readonly LookupAddress[]> {
  running += 1;
  let holds = true;
  const giveUpPlace = (): void => {
    if (holds) running -= 1;
    holds = false;
    for (const wake of waiting) {
      waiting.delete(wake);
      wake();
      break;
    }
  };
  const stuck = setTimeout(giveUpPlace, stuckMs);
  stuck.unref();
  const answer = new Promise<readonly LookupAddress[]>((resolve, reject) => {
    lookup(host, { all: true, order: 'verbatim' }, (error, addresses) => {
      clearTimeout(stuck);
      underWay.delete(host);
      if (error === null) resolve(addresses.slice(0, maxAddresses));
      else reject(error);
      giveUpPlace();
    });
  });
  underWay.set(host, answer);
  return answer;
}
