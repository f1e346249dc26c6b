/** The attempt that goes ahead of a login, on a client without a peer: who is asked for the next attempt, and when. */
import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test, type TestContext } from 'node:test';

import { generateHostKey } from '../../../src/simulator/loopback-server.ts';
import { newClient, type AnyAuthMethod, type ParsedKey } from '../../../src/transport/connection/ssh2.ts';
import { decodeLoginKey } from '../../../src/transport/credentials/private-key.ts';
import type { Login } from '../../../src/transport/ssh2/login.ts';
import { LoginAhead } from '../../../src/transport/ssh2/pipelining.ts';

const key = decodeLoginKey(generateHostKey(), null).usable as ParsedKey;
const byKey: AnyAuthMethod = { type: 'publickey', username: 'me', key };
const byPassword: AnyAuthMethod = { type: 'password', username: 'me', password: 'secret' };

/** Sends a command ahead with a login of these attempts. `refuse` answers the attempt that went ahead. */
function sent(t: TestContext, attempts: readonly (AnyAuthMethod | false)[], connects = true) {
  const left = [...attempts];
  const asked: unknown[] = [];
  const next: Login['next'] = (...answer) => {
    asked.push(answer);
    return left.shift() ?? false;
  };
  const ssh = newClient();
  const errors: string[] = [];
  ssh.on('error', (error) => errors.push(`${(error as { level?: string }).level ?? 'none'}: ${error.message}`));
  const sock = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  t.after(() => sock.destroy());
  if (connects) ssh.connect({ sock, username: 'me', readyTimeout: 0 });
  const inside = ssh as unknown as {
    readonly _protocol: { _kex: object; readonly _handlers: Record<string, (...args: unknown[]) => void> };
    readonly _chanMgr: { readonly _count: number };
  };
  // A signature is over the identifier of the session.
  if (connects) inside._protocol._kex = { sessionID: Buffer.alloc(32) };
  const ahead = new LoginAhead({ next } as Login);
  ahead.send({ ssh, username: 'me', command: 'true', onChannel: () => assert.fail('a channel') });
  const refuse = (...answer: readonly unknown[]): void => {
    inside._protocol._handlers['USERAUTH_FAILURE']?.(null, ...answer);
  };
  return { ahead, asked, errors, refuse, channels: () => inside._chanMgr._count };
}

test('a first attempt that is no key waits for its turn, and the next one is asked for', (t) => {
  for (const first of [byPassword, false] as const) {
    const { ahead, asked } = sent(t, [first, byKey]);
    assert.deepEqual([ahead.isPending, ahead.isUnanswered], [false, false]);
    assert.deepEqual([ahead.next(null, null), ahead.next(['publickey'], true)], [first, byKey]);
    assert.deepEqual(asked, [
      [null, null],
      [['publickey'], true],
    ]);
  }
});

test('a key waits for its turn where nothing can go ahead', (t) => {
  const { ahead } = sent(t, [byKey], false);
  assert.deepEqual([ahead.isPending, ahead.next(null, null)], [false, byKey]);
});

test('a key that went ahead and was refused: its answer is that of the server, once', (t) => {
  const { ahead, asked, refuse, channels } = sent(t, [byKey, byPassword, byKey]);
  assert.deepEqual([ahead.isPending, ahead.isUnanswered, channels()], [true, false, 1]);
  refuse(['password'], true);
  assert.deepEqual([ahead.isPending, ahead.isUnanswered, channels()], [false, true, 0]);
  assert.equal(ahead.next(null, null), byPassword);
  assert.equal(ahead.isUnanswered, true, 'the server has answered nothing since');
  assert.equal(ahead.next(['publickey'], false), byKey);
  assert.equal(ahead.isUnanswered, false);
  assert.deepEqual(asked, [
    [null, null],
    [['password'], true],
    [['publickey'], false],
  ]);
});

test('a key that cannot sign is an error of the login, and its channel is given back', async (t) => {
  const sign = (): Error => new Error('no signature');
  const wrong = Object.assign(Object.create(key), { sign }) as ParsedKey;
  const { errors, channels } = sent(t, [{ ...byKey, key: wrong }]);
  await Promise.resolve();
  assert.deepEqual([errors, channels()], [['client-authentication: no signature'], 0]);
});
