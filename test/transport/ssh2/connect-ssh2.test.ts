/** The request of a connection of ssh2, and the bounds of its server, on a client without a peer. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { Duplex } from 'node:stream';
import { test, type TestContext } from 'node:test';

import { groupExchange } from '../../../src/config/values/key-exchanges.ts';
import { newClient, type Client, type ConnectConfig } from '../../../src/transport/connection/ssh2.ts';
import { boundRequests, connectSsh2, wantsAnswer } from '../../../src/transport/ssh2/connect-ssh2.ts';

type Handlers = Record<string, (...args: readonly unknown[]) => void>;

/** Returns the handlers of a client whose server is bounded. `pass` moves the clock, `answered` has what went on. */
function bounded(t: TestContext, channels: Readonly<Record<number, object>> = {}) {
  let now = 1000;
  t.mock.method(performance, 'now', () => now);
  const ssh = newClient();
  const errors: string[] = [];
  ssh.on('error', ({ message }) => errors.push(message));
  const sock = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  ssh.connect({ sock, username: 'nobody', readyTimeout: 0 });
  t.after(() => sock.destroy());
  const inside = ssh as unknown as {
    readonly _protocol: { readonly _handlers: Handlers };
    readonly _chanMgr: { get: (id: number) => object | undefined };
  };
  inside._chanMgr.get = (id) => channels[id];
  const { _handlers: handlers } = inside._protocol;
  const answered: string[] = [];
  for (const name of Object.keys(handlers)) handlers[name] = () => void answered.push(name);
  for (let calls = 0; calls < 2; calls += 1) boundRequests(ssh);
  const destroyed = t.mock.method(ssh, 'destroy');
  const pass = (ms: number): void => void (now += ms);
  return { ssh, handlers, answered, errors, pass, ends: () => destroyed.mock.callCount() };
}

const requests: Readonly<Record<keyof typeof wantsAnswer, readonly unknown[]>> = {
  GLOBAL_REQUEST: [null, 'keepalive@openssh.com', true, null],
  CHANNEL_REQUEST: [null, 0, 'invented', true, null],
  CHANNEL_OPEN: [null, { type: 'x11' }],
  SERVICE_ACCEPT: [null, 'ssh-userauth'],
  USERAUTH_FAILURE: [null, ['publickey'], false],
  USERAUTH_PK_OK: [null, 'ssh-ed25519', null],
  USERAUTH_INFO_REQUEST: [null, '', '', []],
};
test('a case stands for each message that wants an answer', () => {
  assert.deepEqual(Object.keys(requests), Object.keys(wantsAnswer));
});
for (const [name, message] of Object.entries(requests)) {
  test(`${name}: 64 are answered, and one more each second`, (t) => {
    const { handlers, answered, errors, pass, ends } = bounded(t);
    const send = (count: number): void => {
      for (let sent = 0; sent < count; sent += 1) handlers[name]?.(...message);
    };
    send(64);
    pass(2000);
    send(2);
    assert.deepEqual([answered.length, errors, ends()], [66, [], 0]);
    send(3);
    assert.deepEqual([answered.length, errors, ends()], [66, ['the server sends requests without end'], 1]);
  });
}

test('what wants no answer is not counted, and announced host keys go no further', (t) => {
  const { handlers, answered, errors } = bounded(t);
  for (let sent = 0; sent < 70; sent += 1) {
    handlers['GLOBAL_REQUEST']?.(null, 'hostkeys-00@openssh.com', false, []);
    handlers['CHANNEL_REQUEST']?.(null, 0, 'exit-status', false, 0);
  }
  assert.deepEqual([answered.length, errors], [70, []]);
  handlers['GLOBAL_REQUEST']?.(null, 'hostkeys-00@openssh.com', true, []);
  handlers['GLOBAL_REQUEST']?.(null, 'other', false, []);
  handlers['CHANNEL_REQUEST']?.(null, 'hostkeys-00@openssh.com', 'x', false, 0);
  assert.equal(answered.length, 73);
});

const channels = { 0: { type: 'session' }, 1: { type: 'direct-tcpip' } };
for (const [name, channel, isRight] of [
  ['CHANNEL_DATA', 0, true],
  ['CHANNEL_DATA', 1, true],
  ['CHANNEL_DATA', 2, false],
  ['CHANNEL_EXTENDED_DATA', 0, true],
  ['CHANNEL_EXTENDED_DATA', 1, false],
  ['CHANNEL_EXTENDED_DATA', 2, false],
] as const) {
  test(`${name} on channel ${channel}: ${isRight ? 'is read' : 'ends the connection'}`, (t) => {
    const { handlers, answered, errors, ends } = bounded(t, channels);
    for (let sent = 0; sent < 2; sent += 1) handlers[name]?.(null, channel, Buffer.from('x'));
    assert.deepEqual([answered.length, ends()], isRight ? [2, 0] : [0, 1]);
    assert.deepEqual(errors, isRight ? [] : ['the server sends data that no channel is open for']);
    if (isRight) return;
    handlers['CHANNEL_DATA']?.(null, 0, Buffer.from('x'));
    handlers['CHANNEL_OPEN']?.(null, { type: 'x11' });
    assert.deepEqual(answered, [], 'nothing is read after the end');
  });
}

test('keys are exchanged once, and once more each minute', (t) => {
  const { ssh, errors, pass, ends } = bounded(t);
  for (let exchanges = 0; exchanges < 2; exchanges += 1) ssh.emit('handshake', {});
  pass(60_000);
  ssh.emit('handshake', {});
  assert.equal(ends(), 0);
  for (let exchanges = 0; exchanges < 2; exchanges += 1) ssh.emit('handshake', {});
  assert.deepEqual([errors, ends()], [['the server exchanges keys more than once a minute'], 1]);
});

/** Returns what a connection asks ssh2 for. */
function asked(more: object): ConnectConfig & { readonly hostVerifier: (blob: Buffer) => boolean } {
  const given: object[] = [];
  const ssh = Object.assign(new EventEmitter(), { connect: (config: object) => given.push(config) });
  const options = { username: 'me', hostKeyAlgorithms: ['ssh-ed25519' as const], acceptHostKey: () => true, ...more };
  connectSsh2(ssh as unknown as Client, options);
  return given[0] as ReturnType<typeof asked>;
}

test('a connection has no deadline of ssh2, no compression, and the algorithms that it is given', () => {
  const { readyTimeout, username, algorithms, hostVerifier } = asked({ kex: 'curve25519-sha256' });
  assert.deepEqual([readyTimeout, username], [0, 'me']);
  assert.deepEqual(algorithms, { kex: ['curve25519-sha256'], serverHostKey: ['ssh-ed25519'], compress: ['none'] });
  assert.equal(hostVerifier(Buffer.of()), true);
  assert.equal(asked({ acceptHostKey: () => false }).hostVerifier(Buffer.of()), false);
});

test('the key exchanges are the usual ones, or those of `kex`, of which one has to be known', () => {
  const usual = asked({}).algorithms?.kex as readonly string[];
  assert.ok(usual.length > 2 && usual.includes('curve25519-sha256'));
  assert.deepEqual(asked({ kex: groupExchange }).algorithms?.kex, [groupExchange]);
  assert.throws(() => asked({ kex: 'unknown' }), /^Error: none of the key exchanges of `kex` can be offered$/);
});
