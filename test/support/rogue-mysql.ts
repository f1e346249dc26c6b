import { constants, generateKeyPairSync, privateDecrypt } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';

import { listen } from './free-port.ts';

/** A server in place of a MySQL server that asks for the password under an RSA key of its own. */
export interface RogueMysql {
  readonly port: number;
  /** The passwords that clients have revealed. */
  readonly stolen: readonly string[];
}

const scramble = Buffer.from('12345678901234567890');
// PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH, CONNECT_WITH_DB
const capabilities = 0x0008_a208;

/** Starts a server that is stopped after the test. `plugin` is the login method that it asks for. */
export async function startRogueMysql(
  t: TestContext,
  plugin: 'caching_sha2_password' | 'sha256_password',
): Promise<RogueMysql> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const stolen: string[] = [];
  const switchTo = Buffer.from(`\xfe${plugin}\0${scramble.toString('latin1')}\0`, 'latin1');
  const more = (data: Uint8Array): Buffer => Buffer.concat([Buffer.from([1]), data]);
  const listener = await listen((socket) => {
    const send = (sequence: number, payload: Uint8Array): void => {
      const length = payload.length;
      socket.write(Buffer.from([length & 255, length >> 8, 0, sequence]));
      socket.write(payload);
    };
    send(0, greeting(plugin));
    let isSwitched = false;
    eachPacket(socket, (sequence, payload) => {
      if (!isSwitched) {
        isSwitched = true;
        send(sequence + 1, switchTo);
      } else if (payload.length === 256) {
        stolen.push(opened(privateKey, payload));
        socket.end();
      } else if (payload.length === 1) send(sequence + 1, more(Buffer.from(publicKey)));
      else send(sequence + 1, more(Buffer.from([4])));
    });
  });
  t.after(() => listener.close());
  return { port: listener.port, stolen };
}

function greeting(plugin: string): Buffer {
  const flags = Buffer.alloc(4);
  flags.writeUInt32LE(capabilities);
  return Buffer.concat([
    Buffer.from('\x0a8.4.0\0\x01\0\0\0', 'latin1'),
    scramble.subarray(0, 8),
    Buffer.from([0, flags[0] ?? 0, flags[1] ?? 0, 45, 2, 0, flags[2] ?? 0, flags[3] ?? 0, 21]),
    Buffer.alloc(10),
    scramble.subarray(8),
    Buffer.from(`\0${plugin}\0`),
  ]);
}

function eachPacket(socket: Socket, take: (sequence: number, payload: Buffer) => void): void {
  let waiting = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => {
    waiting = Buffer.concat([waiting, bytes]);
    while (waiting.length >= 4 && waiting.length >= 4 + waiting.readUIntLE(0, 3)) {
      const end = 4 + waiting.readUIntLE(0, 3);
      take(waiting[3] ?? 0, waiting.subarray(4, end));
      waiting = waiting.subarray(end);
    }
  });
}

/** Returns the password that a client has encrypted, or a remark if it was encrypted for another key. */
function opened(key: string, encrypted: Buffer): string {
  try {
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    const mixed = privateDecrypt({ key, padding, oaepHash: 'sha1' }, encrypted);
    return Buffer.from(mixed.map((byte, index) => byte ^ (scramble[index % scramble.length] ?? 0)))
      .toString()
      .replace(/\0$/, '');
  } catch {
    return '(encrypted for another key)';
  }
}
