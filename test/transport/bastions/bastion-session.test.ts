import assert from 'node:assert/strict';
import { EventEmitter, getMaxListeners, once } from 'node:events';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';

import { FleetError } from '../../../src/platform/errors/errors.ts';
import { BastionSession } from '../../../src/transport/bastions/bastion-session.ts';
import type { Wire } from '../../../src/transport/connection/wire.ts';
import type { SshSession } from '../../../src/transport/ssh2/ssh-connection.ts';

type Opened = (error: Error | undefined, channel?: unknown) => void;

/** Returns a channel whose output is its input. */
function newChannel() {
  const stderr = new PassThrough();
  return Object.assign(new PassThrough(), { stderr });
}

/** Returns a login at a bastion. Default: it opens every channel that is asked for. */
function login(answer: (done: Opened) => void = (done) => done(undefined, newChannel()), more: object = {}) {
  const forwardOut = (...args: readonly unknown[]): void => answer(args.at(-1) as Opened);
  const ssh = Object.assign(new EventEmitter(), { forwardOut });
  const socket = Object.assign(new EventEmitter(), {
    destroyed: false,
    destroy: () => void (socket.destroyed = true),
    end: () => void (socket.ended = true),
    ended: false,
    ...more,
  });
  return { ssh, socket };
}

const ignore = (): void => undefined;

/** Returns a session at a bastion, with what it says when it breaks. */
function sessionOf(own: ReturnType<typeof login>) {
  const broken: string[] = [];
  const bastion = new BastionSession({
    ...{ name: 'gate', session: own as unknown as SshSession, onIdle: ignore, mayMove: () => true },
    onBroken: ({ message }) => void broken.push(message),
  });
  return { ...own, bastion, broken };
}

const { signal } = new AbortController();
const target = { client: 'web-1', host: '192.0.2.1', port: 22, timeoutMs: 60_000, signal };

/** Returns a connection through the bastion. */
async function wireOf(bastion: BastionSession): Promise<Wire> {
  const wire = await bastion.forward(target);
  assert.ok(wire !== null);
  return wire;
}

/** Returns the code, the client and the message of a fault. */
async function faultOf(attempt: Promise<unknown>): Promise<readonly unknown[]> {
  const fault: unknown = await attempt.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.ok(fault instanceof FleetError, String(fault));
  return [fault.code, fault.client, fault.message];
}

test('a bastion is idle once the last connection through it has ended, and not before', async () => {
  let idle = 0;
  const onIdle = (): void => void (idle += 1);
  const session = login() as unknown as SshSession;
  const bastion = new BastionSession({ name: 'gate', session, onBroken: assert.fail, onIdle, mayMove: () => true });
  const wires = await Promise.all([wireOf(bastion), wireOf(bastion)]);
  const seen: unknown[] = [];
  for (const wire of wires) {
    seen.push({ idle, busy: bastion.busy });
    wire.destroy();
    await once(wire, 'close');
  }
  seen.push({ idle, busy: bastion.busy });
  assert.deepEqual(seen, [
    { idle: 0, busy: true },
    { idle: 0, busy: true },
    { idle: 1, busy: false },
  ]);
});

const refusals: readonly (readonly [reason: unknown, full: boolean, fault: readonly unknown[]])[] = [
  [1, false, ['bastion-failed', 'bastion gate: it does not forward to 192.0.2.1 port 22: no room (channel-failed)']],
  [2, false, ['connect-failed', '192.0.2.1 port 22, dialled by bastion gate: no room']],
  [3, false, ['bastion-failed', 'bastion gate: no connection to 192.0.2.1 port 22: no room (channel-failed)']],
  [4, true, ['bastion-failed', 'bastion gate: no connection to 192.0.2.1 port 22: no room (channel-failed)']],
];
for (const [reason, full, [code, message]] of refusals) {
  test(`a channel that is refused for reason ${String(reason)}: ${String(code)}, full: ${full}`, async () => {
    const error = Object.assign(new Error('(SSH) Channel open failure: no room'), { reason });
    const { bastion, broken } = sessionOf(login((done) => done(error)));
    assert.deepEqual(await faultOf(bastion.forward(target)), [code, 'web-1', message]);
    assert.deepEqual([bastion.full, bastion.usable, bastion.busy, broken], [full, !full, false, []]);
  });
}

test('a bastion that breaks ends the connections through it with its own fault, once', async () => {
  const { bastion, broken, ssh, socket } = sessionOf(login());
  const wire = await wireOf(bastion);
  const closed = once(wire, 'close');
  ssh.emit('error', new Error('ECONNRESET'));
  socket.emit('close');
  await closed;
  const message = 'bastion gate: the connection broke: ECONNRESET (connect-failed)';
  assert.deepEqual(broken, [message]);
  const { brokenBy } = wire;
  assert.deepEqual([brokenBy?.code, brokenBy?.client, brokenBy?.message], ['bastion-failed', 'web-1', message]);
  assert.deepEqual([bastion.usable, socket.destroyed], [false, true]);
  assert.deepEqual(await faultOf(bastion.forward({ ...target, client: 'web-2' })), [
    'bastion-failed',
    'web-2',
    message,
  ]);
});

test('a bastion that closes its connection fails what is being opened, and names an outer one', async () => {
  const gone = 'bastion gate: it closed the connection (connect-failed)';
  const one = sessionOf(login(ignore));
  const opening = faultOf(one.bastion.forward(target));
  assert.equal(one.bastion.busy, true);
  one.socket.emit('close');
  assert.deepEqual(await opening, ['bastion-failed', 'web-1', gone]);
  assert.deepEqual([one.broken, one.bastion.busy], [[gone], false]);
  const cause = { client: null, code: 'bastion-failed', stage: 'connect', message: 'bastion outer: gone' } as const;
  const inner = sessionOf(login(ignore, { brokenBy: new FleetError(cause) }));
  inner.ssh.emit('end');
  assert.equal(inner.socket.destroyed, true);
  inner.socket.emit('close');
  assert.deepEqual(inner.broken, ['bastion outer: gone']);
  assert.deepEqual(sessionOf(login(ignore, { destroyed: true })).broken, [gone]);
});

test('a bastion that is left says nothing more, and its socket is destroyed if it does not close', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const [slow, quick] = [sessionOf(login()), sessionOf(login())];
  for (const { bastion, socket } of [slow, quick]) {
    bastion.end();
    assert.deepEqual([bastion.usable, socket.ended, socket.destroyed], [false, true, false]);
  }
  quick.socket.emit('close');
  t.mock.timers.tick(1999);
  assert.equal(slow.socket.destroyed, false);
  t.mock.timers.tick(1);
  assert.deepEqual([slow.socket.destroyed, quick.socket.destroyed], [true, false]);
  slow.socket.emit('close');
  assert.deepEqual([...slow.broken, ...quick.broken], []);
});

test('what opens after the end of its time is closed again, and an ended visit asks for nothing', async () => {
  const waiting: Opened[] = [];
  const { bastion, socket } = sessionOf(login((done) => void waiting.push(done)));
  const [late, over] = [new AbortController(), AbortSignal.abort()];
  assert.deepEqual((await faultOf(bastion.forward({ ...target, signal: over })))[0], 'visit-deadline');
  assert.deepEqual([waiting.length, bastion.busy], [0, false]);
  const opening = faultOf(bastion.forward({ ...target, signal: late.signal }));
  late.abort();
  assert.deepEqual((await opening).slice(0, 2), ['visit-deadline', 'web-1']);
  assert.equal(bastion.busy, false);
  const channel = newChannel();
  const closed = once(channel, 'close');
  waiting[0]?.(undefined, channel);
  await closed;
  const says = 'no answer from 192.0.2.1 port 22 through bastion gate within 1 ms';
  assert.deepEqual(await faultOf(bastion.forward({ ...target, timeoutMs: 1 })), ['connect-timeout', 'web-1', says]);
  // The bastion's own listener alone is left.
  assert.equal(socket.listenerCount('close'), 1);
});

test('a connection through a bastion counts its bytes, and ends when the other side does', async () => {
  const channel = newChannel();
  const { bastion } = sessionOf(login((done) => done(undefined, channel)));
  const wire = await wireOf(bastion);
  wire.write('five!');
  const [heard] = (await once(wire, 'data')) as [Buffer];
  assert.deepEqual([heard.toString(), wire.bytesRead, wire.bytesWritten, wire.brokenBy], ['five!', 5, 5, null]);
  const closed = once(wire, 'close');
  channel.end();
  await closed;
  assert.deepEqual([wire.writableFinished, channel.destroyed, bastion.busy], [true, true, false]);
  const broken = newChannel();
  const other = await wireOf(sessionOf(login((done) => done(undefined, broken))).bastion);
  const otherClosed = once(other, 'close');
  broken.destroy();
  await otherClosed;
});

test('a bastion is asked for the place that is wanted, by as many visits at once as there are', () => {
  const asked: unknown[] = [];
  const own = login();
  Object.assign(own.ssh, { forwardOut: (...args: readonly unknown[]) => void asked.push(args.slice(0, 4)) });
  const { bastion, socket } = sessionOf(own);
  void bastion.forward(target).catch(ignore);
  assert.deepEqual(asked, [['127.0.0.1', 0, '192.0.2.1', 22]]);
  assert.equal(getMaxListeners(socket), 0);
  socket.emit('close');
});

test('a bastion that cannot be asked is at fault, and idle again', async () => {
  let idle = 0;
  const session = login(() => {
    throw new Error('Not connected');
  }) as unknown as SshSession;
  const onIdle = (): void => void (idle += 1);
  const bastion = new BastionSession({ name: 'gate', session, onBroken: assert.fail, onIdle, mayMove: () => true });
  const message = 'bastion gate: Not connected (connect-failed)';
  assert.deepEqual(await faultOf(bastion.forward(target)), ['bastion-failed', 'web-1', message]);
  assert.equal(idle, 1);
});

test('a visit that ends while a bastion dials ends at the connection', async () => {
  const visit = new AbortController();
  const opening = sessionOf(login(ignore)).bastion.forward({ ...target, signal: visit.signal });
  visit.abort();
  await assert.rejects(opening, { code: 'visit-deadline', stage: 'connect' });
});

test('a connection through a bastion reads no faster than its reader, and nothing once it is over', async () => {
  const channel = newChannel();
  const { bastion } = sessionOf(login((done) => done(undefined, channel)));
  const wire = await wireOf(bastion);
  assert.equal(channel.stderr.readableFlowing, true);
  channel.emit('data', Buffer.alloc(100_000));
  assert.equal(channel.isPaused(), true);
  wire.read();
  assert.equal(channel.isPaused(), false);
  channel.pause();
  wire.destroy(new Error('over'));
  assert.deepEqual([channel.destroyed, channel.isPaused()], [true, false]);
  channel.emit('data', Buffer.of(1));
  assert.equal(wire.bytesRead, 100_000);
});

test('an error of a channel ends its connection, and the end of one that of the channel', async () => {
  const [first, second] = [newChannel(), newChannel()];
  const channels = [first, second];
  const { bastion } = sessionOf(login((done) => done(undefined, channels.shift())));
  const wire = await wireOf(bastion);
  first.emit('error', new Error('broken'));
  assert.equal(wire.destroyed, true);
  const other = await wireOf(bastion);
  other.end('x');
  await once(other, 'finish');
  assert.equal(second.writableEnded, true);
});
