import type { Client } from '../connection/ssh2.ts';
import { privatePartsOf } from './private-parts.ts';

/** The most requests of a connection, with one more for each of its seconds: sshd may ask that often whether we live. */
const mostRequests = 64;

/** True for a message that has to be answered: each answer waits in memory until the other side reads it. */
export const wantsAnswer: Readonly<Record<string, (args: readonly unknown[]) => boolean>> = {
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

/**
 * True for a request that is passed over. OpenSSH announces its host keys after a login (PROTOCOL of its sources, section 2.5), and ssh2 has it prove each for an event
 * that has no listener here: a round trip, and a signature and its check for each key, a fourteenth of the CPU time of a visit.
 * known_hosts alone says which key is right.
 */
function announcesHostKeys([, request, wantsReply]: readonly unknown[]): boolean {
  return request === 'hostkeys-00@openssh.com' && wantsReply !== true;
}

const bounded = new WeakSet<Client>();

/**
 * Ends a connection whose server sends requests without end, exchanges keys more than once a minute, or sends data of no open
 * channel, as sshd does (serverloop.c, channel_lookup); passes over announced host keys. To be called during a client's first
 * key exchange: no request comes before. Later calls do nothing.
 */
export function boundRequests(ssh: Client): void {
  if (bounded.has(ssh)) return;
  bounded.add(ssh);
  const parts = privatePartsOf(ssh);
  const handlers = parts?.handlers ?? {};
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
      if (requests > mostRequests + seconds()) end('the server sends requests without end');
      else if (name !== 'GLOBAL_REQUEST' || !announcesHostKeys(args)) handle(...args);
    };
  }
  // Data that nobody reads would only make garbage, as fast as the server can send.
  for (const [name, isWrong] of Object.entries(breaksProtocol)) {
    const handle = handlers[name];
    if (handle === undefined) continue;
    handlers[name] = (...args: readonly unknown[]) => {
      if (ended) return;
      const channel = parts?.openChannel(args[1]) ?? null;
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
