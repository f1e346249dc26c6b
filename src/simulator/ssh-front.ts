import { createPublicKey, randomBytes, verify, type KeyObject } from 'node:crypto';
import { connect, type Socket } from 'node:net';

import { corkWrites } from '../transport/connection/cork-writes.ts';
import { newSshServer, type AuthContext, type ParsedKey, type ServerConnection } from './ssh-server.ts';

/** The handling of a connection after its key exchange. */
export interface SshVisitor {
  /** The answer to a login with the right key. */
  readonly login: 'accept' | 'refuse' | 'hang';
  /** Called after the login. */
  readonly onReady: (client: ServerConnection) => void;
}

export interface LoginAllowed {
  readonly username: string;
  /** The public blob of the key that may log in (RFC 4253, section 6.6), of type ssh-ed25519. */
  readonly loginKey: Buffer;
}

/**
 * A keepalive interval that never passes: ssh2 starts a keepalive timer for each client, which a simulation does not
 * need.
 */
const neverMs = 2 ** 31 - 1;
const ident = 'fleet-health-simulator';

/**
 * Returns a function that speaks SSH on a socket, with a visitor for each. Uses the cheapest key exchange and
 * signatures of real servers (curve25519, Ed25519), because the simulator's load slows the measured collector.
 */
export function createSshFront(
  allowed: LoginAllowed,
  hostKey: ParsedKey,
): (socket: Socket, visitor: SshVisitor) => void {
  const loginKey = publicKeyOf(allowed.loginKey);
  const config = {
    algorithms: { kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org'], compress: ['none'] },
    ident,
    keepaliveInterval: neverMs,
  } satisfies Parameters<typeof newSshServer>[2];
  return (socket, visitor) => {
    // ssh2.Server does not expose the socket of a connection, so each socket has a server of its own.
    const server = newSshServer(
      hostKey,
      (client) => {
        // A client that breaks off the connection is no error of the server.
        client.on('error', () => undefined);
        client.on('authentication', (attempt) => answerAttempt(attempt, visitor, allowed, loginKey));
        client.once('ready', () => visitor.onReady(client));
      },
      config,
    );
    server.injectSocket(corkWrites(socket));
  };
}

function answerAttempt(
  attempt: AuthContext,
  { login }: SshVisitor,
  { username, loginKey: blob }: LoginAllowed,
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

/** Returns the key of a public blob, which is its last 32 bytes. */
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

/** The number of SSH_MSG_KEXINIT (RFC 4253, section 7.1). */
const messageNumber = 20;
const blockBytes = 8;
const minPaddingBytes = 4;

/** The server's version line (RFC 4253, section 4.2). */
export const versionLine = `SSH-2.0-${ident}\r\n`;

/** Returns the server's unencrypted offer (RFC 4253, sections 6 and 7.1). */
export function keyExchangeOffer(): Buffer {
  const lists = [
    'curve25519-sha256',
    'ssh-ed25519',
    'aes128-gcm@openssh.com',
    'aes128-gcm@openssh.com',
    'hmac-sha2-256',
    'hmac-sha2-256',
    'none',
    'none',
    '',
    '',
  ].map((list) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(list.length);
    return Buffer.concat([length, Buffer.from(list)]);
  });
  // first_kex_packet_follows, and the reserved word.
  const payload = Buffer.concat([Uint8Array.of(messageNumber), randomBytes(16), ...lists, Buffer.alloc(1 + 4)]);
  const shortBytes = blockBytes - ((5 + payload.length) % blockBytes);
  const paddingBytes = shortBytes < minPaddingBytes ? shortBytes + blockBytes : shortBytes;
  const head = Buffer.alloc(5);
  head.writeUInt32BE(1 + payload.length + paddingBytes);
  head[4] = paddingBytes;
  return Buffer.concat([head, payload, Buffer.alloc(paddingBytes)]);
}
