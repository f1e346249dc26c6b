/**
 * Servers that each misbehave in one exact respect, for the failure paths of a visit. They use real TCP and real SSH.
 */
import type { Socket } from 'node:net';
import { randomBytes } from 'node:crypto';

import { hostileSsh, writeForEver, type HostileMode } from './hostile-ssh.ts';
import { startSsh2Server, type Ssh2Server } from './ssh2-server.ts';
import { until } from '../until.ts';

export interface HostileServer extends Ssh2Server {
  /** Returns the number of TCP connections so far; `open` returns the number of open ones. */
  accepted(): number;
  open(): number;
  /** Waits until no connection is open. */
  allClosed(): Promise<void>;
  /** Returns the channel's input so far. */
  received(): Buffer;
}

export async function startHostileServer(mode: HostileMode): Promise<HostileServer> {
  const received: Buffer[] = [];
  const timers = new Set<NodeJS.Timeout>();
  let accepted = 0;
  const server = await startSsh2Server({
    serve: (pem) => hostileSsh(mode, pem, received, timers),
    onSocket: (socket) => {
      accepted += 1;
      return misbehaveInTcp(mode, socket, timers);
    },
  });
  return {
    ...server,
    accepted: () => accepted,
    open: () => server.sockets.size,
    allClosed: () => until(() => server.sockets.size === 0, 'a connection is open'),
    received: () => Buffer.concat(received),
    close: async () => {
      for (const timer of timers) clearInterval(timer);
      await server.close();
    },
  };
}

/** Returns true if the socket was handled and needs no SSH. */
function misbehaveInTcp(mode: HostileMode, socket: Socket, timers: Set<NodeJS.Timeout>): boolean {
  switch (mode) {
    case 'silent':
      socket.resume();
      return true;
    case 'close-at-once':
      socket.destroy();
      return true;
    case 'noise':
      socket.resume();
      socket.write(randomBytes(20_000));
      return true;
    case 'smtp':
      socket.resume();
      socket.write('220 mail.example.org ESMTP\r\n');
      return true;
    case 'tarpit':
      socket.resume();
      timers.add(setInterval(() => socket.writable && socket.write('no ssh here yet\r\n'), 20));
      return true;
    case 'endless-line':
      socket.resume();
      writeForEver(socket);
      return true;
    case 'endless-lines':
      socket.resume();
      timers.add(setInterval(() => socket.writableLength < 65_536 && socket.write('no ssh here\r\n'.repeat(2000)), 1));
      return true;
    case 'huge-packet':
      socket.resume();
      socket.write('SSH-2.0-hostile\r\n');
      socket.write(Buffer.of(0x7f, 0xff, 0xff, 0xff, 4, 20));
      writeForEver(socket);
      return true;
    case 'zlib-only':
      socket.resume();
      socket.write('SSH-2.0-hostile\r\n');
      socket.write(kexInit('zlib@openssh.com,zlib'));
      return true;
    case 'banner-only':
    case 'kexinit-only':
    case 'kexinit-close':
      socket.resume();
      socket.write('SSH-2.0-hostile\r\n');
      if (mode !== 'banner-only') socket.write(kexInit());
      if (mode === 'kexinit-close') socket.end();
      return true;
    default:
      return false;
  }
}

/** Returns an unencrypted packet with algorithms that any client can agree to (RFC 4253, sections 6 and 7.1). */
function kexInit(compression = 'none'): Buffer {
  const lists = ['curve25519-sha256', 'ssh-ed25519', 'aes128-ctr', 'aes128-ctr', 'hmac-sha2-256', 'hmac-sha2-256'];
  const strings = [...lists, compression, compression, '', ''].map((list) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(list.length);
    return Buffer.concat([length, Buffer.from(list)]);
  });
  const payload = Buffer.concat([Buffer.from([20]), randomBytes(16), ...strings, Buffer.alloc(5)]);
  const padding = 8 - ((5 + payload.length) % 8) + 8;
  const head = Buffer.alloc(5);
  head.writeUInt32BE(1 + payload.length + padding);
  head[4] = padding;
  return Buffer.concat([head, payload, Buffer.alloc(padding)]);
}
