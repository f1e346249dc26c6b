import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { connect, type Socket } from 'node:net';

import { corkWrites } from '../transport/connection/cork-writes.ts';
import { newSshServer } from './ssh-server.ts';
import type { AuthContext, ParsedKey, ServerConnection, SshServer } from './ssh-server.ts';

/** The handling of a connection after its key exchange. */
export interface SshVisitor {
  /** The answer to a login with the right key. */
  readonly login: 'accept' | 'refuse' | 'hang';
  /** Called after the login. */
  readonly onReady: (client: ServerConnection) => void;
}

export interface SshFrontOptions {
  readonly hostKey: ParsedKey;
  readonly username: string;
  /** The public blob of the key that may log in (RFC 4253, section 6.6), of type ssh-ed25519. */
  readonly loginKey: Buffer;
}

/** A server that speaks SSH on sockets, with a visitor for each. */
export interface SshFront {
  serve(socket: Socket, visitor: SshVisitor): void;
}

/**
 * A keepalive interval that never passes: ssh2 starts a keepalive timer for each client, which a simulation does not
 * need.
 */
const neverMs = 2 ** 31 - 1;

/**
 * Creates a server with one host key and one login key. Uses the cheapest key exchange and signatures of real servers
 * (curve25519, Ed25519), because the simulator's load reduces what is left for the measured collector.
 */
export function createSshFront(options: SshFrontOptions): SshFront {
  const loginKey = publicKeyOf(options.loginKey);
  // ssh2.Server does not tell the socket of a connection: each server serves one socket at a time. Servers are used
  // again, because a new one costs 50 us.
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
        // A client may break off the connection: that is no error of the server.
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
  // A request without a signature only asks if the key is acceptable.
  if (attempt.signature === undefined || attempt.blob === undefined) attempt.accept();
  else if (verify(null, attempt.blob, key, attempt.signature)) attempt.accept();
  else attempt.reject(['publickey']);
}

/** Returns the key of a public blob: its last 32 bytes. */
function publicKeyOf(blob: Buffer): KeyObject {
  const x = blob.subarray(-32).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}

/**
 * Forwards connections of a login at the bastion to these addresses on one port, and to no others (RFC 4254, section
 * 7.2).
 */
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
