import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { connect, type Socket } from 'node:net';

import { corkWrites } from '../transport/connection/cork-writes.ts';
import { newSshServer } from './ssh-server.ts';
import type { AuthContext, ParsedKey, ServerConnection, SshServer } from './ssh-server.ts';

/** What a connection comes to that was let through the key exchange. */
export interface SshVisitor {
  /** What becomes of its login with the right key. */
  readonly login: 'accept' | 'refuse' | 'hang';
  /** It is logged in. */
  readonly onReady: (client: ServerConnection) => void;
}

export interface SshFrontOptions {
  readonly hostKey: ParsedKey;
  readonly username: string;
  /** Of the key that may log in: the whole blob of RFC 4253, section 6.6, of type ssh-ed25519. */
  readonly loginKey: Buffer;
}

/** Speaks SSH on sockets, each for a visitor of its own. */
export interface SshFront {
  serve(socket: Socket, visitor: SshVisitor): void;
}

/** ssh2 makes every new client's keepalive timer; simulated clients ask nobody whether he still lives. */
const neverMs = 2 ** 31 - 1;

/**
 * One host key, one login key. Key exchange and signatures are those of the cheapest real server there is (Ed25519,
 * curve25519), for the load that a simulator makes is taken from what it measures.
 */
export function createSshFront(options: SshFrontOptions): SshFront {
  const loginKey = publicKeyOf(options.loginKey);
  // A new ssh2.Server costs 50 us, and it does not say which socket a connection came from: so each serves one socket at a
  // time and is used again.
  const idle: Desk[] = [];
  const newDesk = (): Desk => {
    const desk: Desk = { server: null, visitor: null };
    const server = newSshServer(
      {
        hostKey: options.hostKey,
        algorithms: { kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org'], compress: ['none'] },
        ident: 'fleet-health-simulator',
        keepaliveMs: neverMs,
      },
      (client) => {
        const { visitor } = desk;
        // A client that breaks off is no fault of the server.
        client.on('error', () => undefined);
        if (visitor === null) {
          client.end();
          return;
        }
        client.on('authentication', (attempt) => judge(attempt, visitor, options, loginKey));
        client.once('ready', () => visitor.onReady(client));
      },
    );
    return Object.assign(desk, { server });
  };
  return {
    serve: (socket, visitor) => {
      const desk = idle.pop() ?? newDesk();
      desk.visitor = visitor;
      socket.once('close', () => {
        desk.visitor = null;
        idle.push(desk);
      });
      desk.server?.injectSocket(corkWrites(socket));
    },
  };
}

interface Desk {
  server: SshServer | null;
  visitor: SshVisitor | null;
}

function judge(
  attempt: AuthContext,
  { login }: SshVisitor,
  { username, loginKey: blob }: SshFrontOptions,
  key: KeyObject,
): void {
  if (login === 'hang') return;
  const offered =
    login === 'accept' &&
    attempt.method === 'publickey' &&
    attempt.username === username &&
    attempt.key.data.equals(blob);
  if (!offered) {
    attempt.reject(['publickey']);
    return;
  }
  // Without a signature the client only asks whether the key would do.
  if (attempt.signature === undefined || attempt.blob === undefined) attempt.accept();
  else if (verify(null, attempt.blob, key, attempt.signature)) attempt.accept();
  else attempt.reject(['publickey']);
}

/** The key itself is the last 32 bytes of its blob. */
function publicKeyOf(blob: Buffer): KeyObject {
  const x = blob.subarray(-32).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}

/** Lets a login at the bastion through to these addresses, all on one port, and to nothing else (RFC 4254, section 7.2). */
export function forwardTo(client: ServerConnection, addresses: ReadonlySet<string>, port: number): void {
  client.on('tcpip', (accept, reject, { destIP, destPort }) => {
    if (destPort !== port || !addresses.has(destIP)) {
      reject();
      return;
    }
    const socket = connect({ host: destIP, port, noDelay: true });
    socket.once('error', () => reject());
    socket.once('connect', () => {
      const channel = accept();
      socket.removeAllListeners('error');
      socket.on('error', () => channel.end());
      channel.on('error', () => socket.destroy());
      channel.on('close', () => socket.destroy());
      client.once('close', () => socket.destroy());
      socket.pipe(channel).pipe(socket);
    });
  });
}
