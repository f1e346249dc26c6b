import { hasKnownPrivateParts, type Client } from '../connection/ssh2.ts';

/** Most requests of a connection, with one more for each of its seconds: sshd may ask that often whether we live. */
const mostRequests = 64;

type Handler = (...args: never[]) => void;

interface PrivateParts {
  readonly _protocol?: { readonly _handlers?: Record<string, Handler | undefined> };
  readonly _chanMgr?: { get(id: unknown): { readonly type?: string } | null | undefined };
}

/** True for a message that has to be answered: each answer waits in memory until the other side reads it. */
const wantsAnswer: Readonly<Record<string, (args: readonly unknown[]) => boolean>> = {
  GLOBAL_REQUEST: (args) => args[2] === true,
  CHANNEL_REQUEST: (args) => args[3] === true,
  CHANNEL_OPEN: () => true,
  // A login takes a dozen of these; ssh2 answers each, and a key that would be taken with a signature.
  SERVICE_ACCEPT: () => true,
  USERAUTH_FAILURE: () => true,
  USERAUTH_PK_OK: () => true,
  USERAUTH_INFO_REQUEST: () => true,
};

/** True for data of a channel that is not open, as sshd's own client sees it, and for errors of a forwarded connection. */
const breaksProtocol: Readonly<Record<string, (channel: { readonly type?: string } | null) => boolean>> = {
  CHANNEL_DATA: (channel) => channel === null,
  CHANNEL_EXTENDED_DATA: (channel) => channel === null || channel.type === 'direct-tcpip',
};

const bounded = new WeakSet<Client>();

/**
 * Ends a connection whose server asks without end for what nobody here offers, or for new keys. To be called while a
 * client's first key exchange goes on: no request comes before. Ends too a connection with data of no open channel, as
 * sshd does (serverloop.c, channel_lookup). ssh2 has no event for requests, so its private parts are
 * touched, as in pipelining.ts.
 */
export function boundRequests(ssh: Client): void {
  if (bounded.has(ssh) || !hasKnownPrivateParts) return;
  bounded.add(ssh);
  const handlers = (ssh as unknown as PrivateParts)._protocol?._handlers ?? {};
  const startedMs = performance.now();
  const seconds = (): number => (performance.now() - startedMs) / 1000;
  let requests = 0;
  let exchanges = 0;
  let ended = false;
  const end = (why: string): void => {
    ended = true;
    ssh.emit('error', new Error(why));
    ssh.destroy();
  };
  for (const [name, counts] of Object.entries(wantsAnswer)) {
    const handle = handlers[name];
    if (handle === undefined) continue;
    handlers[name] = (...args) => {
      if (ended) return;
      if (counts(args)) requests += 1;
      if (requests <= mostRequests + seconds()) handle(...args);
      else end('the server sends requests without end');
    };
  }
  // Data that nobody reads would only make garbage, as fast as the server can send.
  for (const [name, isWrong] of Object.entries(breaksProtocol)) {
    const handle = handlers[name];
    if (handle === undefined) continue;
    handlers[name] = (...args: readonly unknown[]) => {
      if (ended) return;
      const channel = (ssh as unknown as PrivateParts)._chanMgr?.get(args[1]) ?? null;
      if (isWrong(channel)) end('the server sends data that no channel is open for');
      else handle(...(args as never[]));
    };
  }
  // The first exchange, and then one a minute.
  ssh.on('handshake', () => {
    exchanges += 1;
    if (!ended && exchanges > 2 + seconds() / 60) end('the server exchanges keys more than once a minute');
  });
}
