/**
 * An attacker between the client and a real server who rewrites, inserts or drops packets of the key exchange. No login
 * follows.
 */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';

import ssh2, { type Connection } from 'ssh2';

import { wirePacket, wireString } from '../support/ssh/dear-exchanges.ts';
import { startSsh2Server } from '../support/ssh/ssh2-server.ts';
import { startTcpProxy } from '../support/servers/tcp-proxy.ts';
import { connectTo, failure } from '../support/ssh/login.ts';
import { stoppedAfter } from '../support/stopped-after.ts';

type End = 'client' | 'server';

interface Attack {
  /** Replaces a message of an end before the new keys apply. Default: the message itself. */
  readonly change?: (from: End, payload: Buffer) => readonly Buffer[];
  /** The number of encrypted packets of the server that are dropped. */
  readonly drops?: number;
  /** True if the client may log in before it detects the attack: only encrypted packets reveal it. */
  readonly late?: true;
}

const ignore = Buffer.concat([Buffer.of(2), wireString('')]);
const isInit = (payload: Buffer): boolean => payload[0] === 20;
const isAnswer = (payload: Buffer): boolean => payload[0] === 31;
const isKeys = (payload: Buffer): boolean => payload[0] === 21;

/** Returns KEXINIT with one of its lists changed (RFC 4253, section 7.1). */
function withList(payload: Buffer, list: number, change: (names: string) => string): Buffer {
  const parts = [payload.subarray(0, 17)];
  let at = 17;
  for (let index = 0; index < 10; index += 1) {
    const end = at + 4 + payload.readUInt32BE(at);
    const names = payload.toString('latin1', at + 4, end);
    parts.push(wireString(index === list ? change(names) : names));
    at = end;
  }
  return Buffer.concat([...parts, payload.subarray(at)]);
}

const rewrites = (who: End, list: number, change: (names: string) => string): Attack => ({
  change: (from, payload) => [from === who && isInit(payload) ? withList(payload, list, change) : payload],
});
const inserts = (who: End, before: (payload: Buffer) => boolean): Attack => ({
  change: (from, payload) => (from === who && before(payload) ? [ignore, payload] : [payload]),
});
const without = (pattern: RegExp) => (names: string) => String(names.split(',').filter((name) => !pattern.test(name)));

const firstDropped = 'the first encrypted one is dropped';
const lateDrop = { drops: 1, late: true } as const;
const attacks: Readonly<Record<string, Attack>> = {
  'the server cannot do strict key exchange, it is said': rewrites('server', 0, without(/^kex-strict/)),
  'the client cannot do strict key exchange, it is said': rewrites('client', 0, without(/^kex-strict/)),
  'the server has a weaker exchange alone, it is said': rewrites('server', 0, () => 'diffie-hellman-group14-sha256'),
  'the client asks for a weaker exchange': rewrites('client', 0, () => 'diffie-hellman-group14-sha256'),
  'the client asks for the weakest exchange': rewrites('client', 0, () => 'diffie-hellman-group1-sha1'),
  'the server has another cipher alone, it is said': rewrites('server', 3, () => 'aes128-ctr'),
  'the client asks for another cipher': rewrites('client', 2, () => 'aes128-ctr'),
  'the server compresses, it is said': rewrites('server', 7, () => 'zlib'),
  'the client asks for no extensions': rewrites('client', 0, without(/^ext-info/)),
  'the cookie of the server is another': {
    change: (from, payload) => [from === 'server' && isInit(payload) ? Buffer.from(payload).fill(0, 1, 17) : payload],
  },
  'a message before the first of the server': inserts('server', isInit),
  'a message before the answer': inserts('server', isAnswer),
  'a message before the keys of the server': inserts('server', isKeys),
  [`a message before the keys of the server, and ${firstDropped}`]: { ...inserts('server', isKeys), drops: 1 },
  [`a message before the keys of the client, and ${firstDropped}`]: { ...inserts('client', isKeys), ...lateDrop },
  'the first encrypted message is dropped': lateDrop,
  'the first two encrypted messages are dropped': { drops: 2, late: true },
};

/**
 * Splits a stream into messages while they are unencrypted, and then into encrypted packets (AES-GCM shows their
 * length).
 */
function relay(from: End, source: Socket, target: Socket, { change, drops = 0 }: Attack): void {
  let pending = Buffer.alloc(0);
  let greeted = false;
  let encrypted = false;
  let left = from === 'server' ? drops : 0;
  source.on('data', (data: Buffer) => {
    pending = Buffer.concat([pending, data]);
    if (!greeted) {
      const end = pending.indexOf('\n') + 1;
      if (end === 0) return;
      greeted = true;
      target.write(pending.subarray(0, end));
      pending = pending.subarray(end);
    }
    while (pending.length >= 5) {
      const length = 4 + pending.readUInt32BE(0) + (encrypted ? 16 : 0);
      if (pending.length < length) return;
      const packet = pending.subarray(0, length);
      pending = pending.subarray(length);
      if (encrypted) {
        if (left > 0) left -= 1;
        else target.write(packet);
        continue;
      }
      const payload = Buffer.from(packet.subarray(5, length - packet.readUInt8(4)));
      encrypted = isKeys(payload);
      for (const one of change?.(from, payload) ?? [payload]) target.write(wirePacket(one));
    }
  });
}

describe('somebody on the way', async () => {
  let attack: Attack = {};
  let offered = 0;
  let sessions = 0;
  const algorithms = { cipher: ['aes128-gcm@openssh.com' as const, 'aes128-ctr' as const] };
  const onClient = (client: Connection): void => {
    client.on('error', () => undefined);
    client.on('authentication', (attempt) => {
      if (attempt.method === 'password') offered += 1;
      attempt.accept();
    });
    client.on('session', () => (sessions += 1));
  };
  const serve = (pem: string) => new ssh2.Server({ hostKeys: [pem], algorithms }, onClient);
  const inner = await stoppedAfter(startSsh2Server({ serve }));
  const { port, sockets } = await stoppedAfter(
    startTcpProxy(inner.port, (near, far) => {
      relay('client', near, far, attack);
      relay('server', far, near, attack);
    }),
  );
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    offered = 0;
    sessions = 0;
  });

  const tryLogin = (connectTimeoutMs: number) =>
    connectTo({
      server: { port, hostKeyLine: () => `[127.0.0.1]:${port} ${inner.hostKey.type} ${inner.hostKey.key}` },
      username: 'u',
      credentials: { password: 'a secret word' },
      options: { connectTimeoutMs },
    });

  it('who changes nothing is not noticed', async () => {
    attack = {};
    (await tryLogin(60_000)).destroy();
    assert.equal(offered, 1);
  });

  for (const [what, one] of Object.entries(attacks)) {
    it(what, async () => {
      attack = one;
      const error = await failure(tryLogin(1500));
      if (one.late !== true) assert.equal(error.stage, 'handshake', error.message);
      assert.ok(one.late === true || offered === 0, 'a password was offered');
      assert.equal(sessions, 0);
    });
  }
});
