import { connect, type Socket } from 'node:net';

import ssh2, { type Connection } from 'ssh2';

import { generateHostKey } from '../../../src/simulator/loopback-server.ts';
import { fingerprint, hostKeyOf, type HostKey } from '../../../src/transport/known-hosts/fingerprint.ts';
import { listen, type Listener } from '../servers/free-port.ts';

/** An SSH server in this process. */
export interface Ssh2Server extends Listener {
  readonly hostKey: HostKey;
  readonly fingerprint: string;
  /** Returns a line of known_hosts without line break. */
  hostKeyLine(address?: string): string;
}

export interface Ssh2ServerOptions {
  /** The private host key (PEM). Default: a new one. */
  readonly pem?: string | undefined;
  /** Returns the server for a host key. */
  readonly serve: (pem: string) => ssh2.Server;
  /** Called with each connection. Returns true if it needs no SSH. */
  readonly onSocket?: (socket: Socket) => boolean;
}

/** Listens on every address of this machine, so that 127.0.0.1 to 127.0.0.50 all reach the server. */
export async function startSsh2Server(options: Ssh2ServerOptions): Promise<Ssh2Server> {
  const { pem = generateHostKey(), serve, onSocket } = options;
  const blob = publicBlobOf(pem);
  const hostKey = hostKeyOf(blob);
  if (hostKey === null) throw new Error('no host key');
  const server = serve(pem);
  const listener = await listen((socket) => {
    if (onSocket?.(socket) !== true) server.injectSocket(socket);
  });
  return {
    ...listener,
    hostKey,
    fingerprint: fingerprint(blob),
    hostKeyLine: (address = '127.0.0.1') => `[${address}]:${listener.port} ${hostKey.type} ${hostKey.key}`,
  };
}

/** Lets a client reach other servers, as sshd's AllowTcpForwarding does. `onForward` is called for each connection. */
export function forwardConnections(client: Connection, onForward: () => void = () => undefined): void {
  client.on('tcpip', (accept, _reject, { destIP, destPort }) => {
    const channel = accept();
    const socket = connect(destPort, destIP);
    for (const end of [channel, socket]) end.on('error', () => undefined);
    channel.pipe(socket).pipe(channel);
    onForward();
  });
}

/** Returns the blob of a private key's public half. */
export function publicBlobOf(pem: string): Buffer {
  const parsed = ssh2.utils.parseKey(pem);
  if (parsed instanceof Error) throw parsed;
  return parsed.getPublicSSH();
}
