/** The connection after a login: its limits and faults, on a session whose far end does what a case says. */
import assert from 'node:assert/strict';
import { EventEmitter, getEventListeners, once } from 'node:events';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';

import { FleetError } from '../../../src/platform/errors/errors.ts';
import { sshConnection, type SshSession } from '../../../src/transport/ssh2/ssh-connection.ts';
import { failure } from '../../support/ssh/login.ts';

const ignore = (): void => undefined;

type Opened = (error: Error | undefined, channel?: unknown) => void;

/** Returns a channel whose output is its input. Only the far end closes it. */
function newChannel() {
  return Object.assign(new PassThrough({ autoDestroy: false }), { stderr: new PassThrough() });
}

/** Returns a session whose channel opens as `answer` says, and its connection. Default: no channel opens. */
function connected(answer: (done: Opened) => void = ignore, more: Partial<SshSession> = {}, wire: object = {}) {
  const calls: string[] = [];
  const ssh = Object.assign(new EventEmitter(), {
    exec: (command: string, done: Opened) => {
      calls.push(command);
      answer(done);
    },
  });
  const socket = Object.assign(new EventEmitter(), {
    ...{ destroyed: false, writableLength: 0, bytesRead: 11, bytesWritten: 7 },
    destroy: () => {
      if (!socket.destroyed) calls.push('destroyed');
      socket.destroyed = true;
    },
    end: () => void calls.push('ended'),
    ...wire,
  });
  const visit = new AbortController();
  const given = { client: 'web-1', connectMs: 5, byKey: true, channelTimeoutMs: 3000, opened: null };
  const session = { ...given, ssh, socket, signal: visit.signal, ...more } as unknown as SshSession;
  return { ssh, socket, visit, calls, connection: sshConnection(session) };
}

/** Returns code, stage, client and message of a fault. */
async function faultOf(attempt: Promise<unknown>): Promise<readonly unknown[]> {
  const { code, stage, client, message } = await failure(attempt);
  return [code, stage, client, message];
}

const faultAt = (code: string, message: string) => [code, 'channel', 'web-1', message];

test('a connection tells the time of its login, if a key was enough, and its bytes by their way', () => {
  const { connection } = connected();
  assert.deepEqual([connection.connectMs, connection.byKey, connection.bytes()], [5, true, { in: 11, out: 7 }]);
});

test('a command has the streams of its channel, and the exit that the server tells, or none', async () => {
  for (const [event, told, exit] of [
    ['exit', [7, undefined], { status: 7, signal: null }],
    ['exit', [null, 'TERM'], { status: null, signal: 'TERM' }],
    ['close', [], { status: null, signal: null }],
  ] as const) {
    const channel = newChannel();
    const { connection, calls } = connected((done) => done(undefined, channel));
    const { stdin, stdout, stderr, exit: ended } = await connection.exec('uptime');
    assert.ok(stdin === (channel as unknown) && stdout === (channel as unknown) && stderr === channel.stderr);
    channel.emit(event, ...told);
    channel.emit('close', 1, 'HUP');
    assert.deepEqual([await ended, calls], [exit, ['uptime']]);
  }
});

test('an error of a stream of a command is no error of this process', async () => {
  const channel = newChannel();
  const { connection } = connected((done) => done(undefined, channel));
  await connection.exec('true');
  for (const stream of [channel, channel.stderr]) assert.equal(stream.emit('error', new Error('broken')), true);
});

test('a command that the client refuses is a fault of the channel, and the next one may begin', async () => {
  const answers: Parameters<Opened>[] = [[new Error('no room')], [undefined, newChannel()]];
  const { connection, calls } = connected((done) => done(...(answers.shift() ?? assert.fail())));
  assert.deepEqual(await faultOf(connection.exec('one')), faultAt('channel-failed', 'no room'));
  assert.ok(await connection.exec('two'));
  assert.deepEqual(calls, ['one', 'two']);
});

test('a command on a connection that cannot send is a broken connection', async () => {
  const { connection } = connected(() => {
    throw new Error('Not connected');
  });
  assert.deepEqual(await faultOf(connection.exec('true')), faultAt('connect-failed', 'Not connected'));
});

test('a command that does not begin in time ends the connection, and one that began has time', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const late = connected();
  const waiting = faultOf(late.connection.exec('true'));
  t.mock.timers.tick(2999);
  assert.deepEqual(late.calls, ['true']);
  t.mock.timers.tick(1);
  const expected = faultAt('channel-timeout', 'no channel for a command within 3000 ms');
  assert.deepEqual([await waiting, late.calls], [expected, ['true', 'destroyed']]);
  assert.deepEqual(await faultOf(late.connection.exec('more')), expected);
  const answers: Parameters<Opened>[] = [[undefined, newChannel()], [new Error('no')]];
  for (const answer of answers) {
    const early = connected((done) => done(...answer));
    await early.connection.exec('true').catch(() => undefined);
    t.mock.timers.tick(3000);
    assert.deepEqual(early.calls, ['true']);
  }
});

test('a channel that opens once the connection has broken is not used', async () => {
  let open: Opened = assert.fail;
  const { connection } = connected((done) => (open = done));
  const attempt = faultOf(connection.exec('true'));
  connection.destroy();
  open(undefined, newChannel());
  assert.deepEqual(await attempt, faultAt('connect-failed', 'the connection was ended here'));
});

type Parts = ReturnType<typeof connected>;

const bastion = new FleetError({ client: 'gate', code: 'bastion-failed', stage: 'connect', message: 'gone' });
const breaks: readonly (readonly [string, (parts: Parts) => void, readonly unknown[]])[] = [
  [
    'an error of SSH',
    ({ ssh }) => ssh.emit('error', new Error('bad packet')),
    faultAt('connect-failed', 'the connection broke: bad packet'),
  ],
  [
    'the end of the socket',
    ({ socket }) => socket.emit('close'),
    faultAt('connect-failed', 'the client closed the connection'),
  ],
  [
    'an end from here',
    ({ connection }) => connection.destroy(),
    faultAt('connect-failed', 'the connection was ended here'),
  ],
  ['the end of the visit', ({ visit }) => visit.abort(), faultAt('visit-deadline', 'the visit was ended')],
  [
    'a bastion that broke first',
    ({ socket }) => Object.assign(socket, { brokenBy: bastion }).emit('close'),
    ['bastion-failed', 'connect', 'gate', 'gone'],
  ],
];
for (const [what, breakIt, fault] of breaks) {
  test(`${what} ends the command that runs, its streams, the one that waits, and all later ones`, async () => {
    const channel = newChannel();
    let asked = 0;
    const parts = connected((done) => (asked++ === 0 ? done(undefined, channel) : undefined));
    const { connection, socket, visit } = parts;
    const running = await connection.exec('one');
    const waiting = faultOf(connection.exec('two'));
    breakIt(parts);
    assert.deepEqual(await faultOf(running.exit), fault);
    assert.deepEqual(await waiting, fault);
    assert.deepEqual(await faultOf(connection.exec('three')), fault);
    assert.deepEqual(await Promise.all([text(running.stdout), text(running.stderr)]), ['', '']);
    assert.equal(socket.destroyed, true);
    socket.emit('close');
    connection.destroy();
    assert.deepEqual(await faultOf(connection.exec('four')), fault, 'the first reason stays');
    await connection.leave();
    // The second waits for the end of the first one's channel.
    assert.deepEqual(parts.calls, ['one', 'destroyed']);
    assert.equal(getEventListeners(visit.signal, 'abort').length, 0);
  });
}

test('a connection that has ended before it is used says so', async () => {
  const gone = connected(undefined, {}, { destroyed: true });
  const closed = faultAt('connect-failed', 'the client closed the connection');
  assert.deepEqual(await faultOf(gone.connection.exec('true')), closed);
  const reason = new FleetError({ code: 'interrupted', stage: 'run', message: 'SIGTERM' });
  const over = connected(undefined, { signal: AbortSignal.abort(reason) });
  assert.deepEqual(await faultOf(over.connection.exec('true')), faultAt('interrupted', 'SIGTERM'));
  assert.deepEqual([gone.calls, over.calls], [[], ['destroyed']]);
});

const mib = 1024 * 1024;
const tooMuch = 'the client sends more than its window allows';
const backlogs: readonly (readonly [stdout: number, stderr: number, unsent: number, message: string | null])[] = [
  [8 * mib, 0, 16 * mib, null],
  [8 * mib + 1, 0, 0, tooMuch],
  [4 * mib, 4 * mib, 0, null],
  [4 * mib, 4 * mib + 1, 0, tooMuch],
  [0, 0, 16 * mib + 1, 'the client does not read'],
];
for (const [out, err, writableLength, message] of backlogs) {
  test(`${out} and ${err} bytes unread and ${writableLength} unsent: ${message ?? 'goes on'}`, async () => {
    const stream = (readableLength: number, parts = {}) =>
      Object.assign(new EventEmitter(), { readableLength, push: () => true, ...parts });
    const fake = stream(out, { stderr: stream(err) });
    const { connection, socket } = connected((done) => done(undefined, fake), {}, { writableLength });
    const { exit } = await connection.exec('true');
    socket.emit('data', Buffer.of(1));
    assert.equal(socket.destroyed, message !== null);
    if (message !== null) assert.deepEqual(await faultOf(exit), faultAt('connect-failed', message));
  });
}

test('without a command, only what was not sent can be too much', async () => {
  const { connection, socket } = connected(undefined, {}, { writableLength: 16 * mib });
  socket.emit('data', Buffer.of(1));
  assert.equal(socket.destroyed, false);
  socket.writableLength += 1;
  socket.emit('data', Buffer.of(1));
  assert.deepEqual(await faultOf(connection.exec('x')), faultAt('connect-failed', 'the client does not read'));
});

test('a command that went ahead is there for the first call alone', async () => {
  const channel = newChannel();
  const opened = { command: 'one', channel } as unknown as SshSession['opened'];
  const { connection, calls } = connected((done) => done(undefined, newChannel()), { opened });
  const first = await connection.exec('one');
  assert.equal(first.stdout, channel);
  const second = await connection.exec('one');
  assert.notEqual(second.stdout, channel);
  assert.deepEqual(calls, ['one']);
  channel.emit('exit', 3, undefined);
  assert.deepEqual(await first.exit, { status: 3, signal: null });
});

test('a command that went ahead in vain: refused, another, or on a connection that broke', async () => {
  const opened = { command: 'one', channel: new Error('no room') };
  const refused = connected(undefined, { opened });
  assert.deepEqual(await faultOf(refused.connection.exec('one')), faultAt('channel-failed', 'no room'));
  const channel = newChannel();
  const ahead = { opened: { command: 'one', channel } as unknown as SshSession['opened'] };
  await assert.rejects(connected(undefined, ahead).connection.exec('two'), /another command was sent ahead/);
  const broken = connected(undefined, ahead);
  broken.connection.destroy();
  const ended = faultAt('connect-failed', 'the connection was ended here');
  assert.deepEqual(await faultOf(broken.connection.exec('one')), ended);
  assert.equal(await text(channel), '');
});

test('leaving half-closes the socket once the input has left, and a timer ends what does not close', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const channel = newChannel();
  const parts = connected((done) => done(undefined, channel));
  (await parts.connection.exec('cat')).stdin.write('last words');
  await parts.connection.leave();
  assert.deepEqual([parts.calls, channel.writableFinished], [['cat', 'ended'], true]);
  await parts.connection.leave();
  parts.visit.abort();
  t.mock.timers.tick(4999);
  assert.deepEqual(parts.calls, ['cat', 'ended']);
  t.mock.timers.tick(1);
  assert.deepEqual(parts.calls, ['cat', 'ended', 'destroyed']);
});

test('the timer of a connection that closed by itself ends nothing', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { connection, socket, calls } = connected();
  await connection.leave();
  socket.emit('close');
  socket.destroyed = false;
  calls.length = 0;
  t.mock.timers.tick(5000);
  assert.deepEqual(calls, []);
});

/** Returns a command whose input the client does not read, and the function by which it does. */
async function unread(t: TestContext) {
  // No timer of a connection keeps a process alive.
  const alive = setInterval(() => undefined, 1000);
  t.after(() => clearInterval(alive));
  const takes: (() => void)[] = [];
  const channel = newChannel();
  channel._write = (_chunk, _encoding, done) => void takes.push(done);
  const parts = connected((done) => done(undefined, channel));
  (await parts.connection.exec('cat')).stdin.write('last words');
  return { ...parts, channel, read: () => takes.shift()?.() };
}

test('leaving waits a quarter of a second for a client that reads nothing, whose input still goes out', async (t) => {
  const { connection, channel, calls, read } = await unread(t);
  const startedMs = performance.now();
  await connection.leave();
  assert.ok(performance.now() - startedMs > 240);
  assert.deepEqual(calls, ['cat']);
  read();
  await once(channel, 'finish');
  await turn();
  assert.deepEqual(calls, ['cat', 'ended']);
});

for (const what of ['the channel', 'the socket'] as const) {
  test(`leaving does not wait for input if ${what} has closed`, async (t) => {
    const { connection, channel, socket, calls } = await unread(t);
    const leaving = connection.leave();
    (what === 'the channel' ? channel : socket).emit('close');
    await turn();
    assert.deepEqual(calls.at(-1), 'ended');
    await leaving;
    connection.destroy();
  });
}

test('leaving does not end the input of a channel twice, nor of a socket that is gone', async (t) => {
  const { connection, channel, calls } = await unread(t);
  Object.defineProperty(channel, 'writableFinished', { value: true });
  channel.end = () => assert.fail('ended again');
  await connection.leave();
  assert.deepEqual(calls, ['cat', 'ended']);
});

test('leaving drops the output that nobody reads', async () => {
  const channel = newChannel();
  const { connection } = connected((done) => done(undefined, channel));
  await connection.exec('cat');
  channel.stderr.write('much');
  await connection.leave();
  assert.deepEqual([channel.readableFlowing, channel.stderr.readableFlowing], [true, true]);
});

test('a connection that was left keeps no process alive', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const { connection } = connected();
  await connection.leave();
  assert.equal(timers(), before);
});
