// Runs alone: programs that it has started go on for a while.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { homedir } from 'node:os';
import { describe, it, test } from 'node:test';
import { buffer, text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import { FleetError } from '../../../src/platform/errors/errors.ts';
import { createLocalTransport } from '../../../src/transport/connection/local.ts';
import type { Connection } from '../../../src/transport/transport.ts';
import { fails, failure } from '../../support/ssh/login.ts';
import { setHome } from '../../support/programs/set-home.ts';

const connect = (signal = new AbortController().signal): Promise<Connection> =>
  createLocalTransport('here').connect({ tcpTimeoutMs: 1000, connectTimeoutMs: 1000, signal });

/** Waits until a process has ended. */
async function gone(pid: number): Promise<void> {
  await assert.rejects(async () => {
    for (let wait = 0; wait < 400; wait += 1) {
      process.kill(pid, 0);
      await sleep(5);
    }
  }, /ESRCH/);
}

describe('the local transport', () => {
  it('carries input, output, errors and the exit status', async () => {
    const connection = await connect();
    const channel = await connection.exec('cat; echo oops >&2; exit 7');
    const sent = Buffer.alloc(200_000, 'x');
    channel.stdin.end(sent);
    const [received, errors, exit] = await Promise.all([buffer(channel.stdout), text(channel.stderr), channel.exit]);
    assert.ok(received.equals(sent));
    assert.equal(errors, 'oops\n');
    assert.deepEqual(exit, { status: 7, signal: null });
    assert.deepEqual(connection.bytes(), { in: 200_005, out: 200_000 });
    assert.equal(connection.connectMs, 0);
    await connection.leave();
  });

  it('runs one command after another, in the home', async () => {
    const connection = await connect();
    assert.equal(await text((await connection.exec('pwd')).stdout), `${homedir()}\n`);
    assert.equal(await text((await connection.exec('echo two')).stdout), 'two\n');
    await connection.leave();
  });

  it('runs in / where the account has no home', async (t) => {
    setHome(t, '/nonexistent');
    const connection = await connect();
    try {
      assert.equal(await text((await connection.exec('pwd')).stdout), '/\n');
    } finally {
      await connection.leave();
    }
  });

  it('keeps our environment, and what secrets stand in it, to ourselves', async () => {
    process.env['FH_TEST_SECRET'] = 'not for commands';
    const connection = await connect();
    const printed = await text((await connection.exec('env')).stdout);
    delete process.env['FH_TEST_SECRET'];
    assert.ok(!printed.includes('not for commands'));
    assert.match(printed, /^PATH=/m);
    await connection.leave();
  });

  it('destroy kills the command and what it started', async () => {
    const connection = await connect();
    const channel = await connection.exec('sleep 60 & echo $!; wait');
    const pid = Number(await new Promise((resolve) => channel.stdout.once('data', resolve)));
    connection.destroy();
    connection.destroy();
    await fails(channel.exit, 'connect-failed');
    await gone(pid);
    assert.ok((await failure(connection.exec('true'))) instanceof FleetError);
    await connection.leave();
  });

  it('an aborted visit ends the command with the reason', async () => {
    const visit = new AbortController();
    const connection = await connect(visit.signal);
    const channel = await connection.exec('echo $$; exec sleep 60');
    const pid = Number(await new Promise((resolve) => channel.stdout.once('data', resolve)));
    visit.abort(new FleetError({ code: 'interrupted', stage: 'run', message: 'SIGTERM' }));
    const error = await failure(channel.exit);
    assert.equal(error.code, 'interrupted');
    assert.equal(error.client, 'here');
    await gone(pid);
    await fails(connect(visit.signal), 'interrupted');
  });

  it('leave ends the input and lets the command finish', async () => {
    const connection = await connect();
    const channel = await connection.exec('echo go; cat >/dev/null; exit 5');
    await new Promise((resolve) => channel.stdout.once('data', resolve));
    channel.stdin.write('acknowledged');
    await connection.leave();
    assert.deepEqual(await channel.exit, { status: 5, signal: null });
  });

  it('a command that does not read its input harms nobody', async () => {
    const connection = await connect();
    const channel = await connection.exec('exit 0');
    channel.stdin.write(Buffer.alloc(1_000_000));
    channel.stdin.end();
    assert.deepEqual(await channel.exit, { status: 0, signal: null });
    await connection.leave();
  });
});

const passedOn = [
  ...['HOME', 'USER', 'LOGNAME', 'SHELL', 'PATH', 'LANG', 'LC_ALL', 'LC_MESSAGES', 'TZ', 'TMPDIR'],
  ...['XDG_STATE_HOME', 'XDG_RUNTIME_DIR'],
];

test('a command has the variables of a login alone', async (t) => {
  const { env } = process;
  t.after(() => (process.env = env));
  const others = ['SECRET', 'MYHOME', 'TZDIR', 'XDG_CONFIG_HOME', 'LC_1', 'SSH_AUTH_SOCK'];
  process.env = { ...Object.fromEntries([...passedOn, ...others].map((name) => [name, 'C'])), PATH: env['PATH'] ?? '' };
  const connection = await connect();
  const { stdout } = await connection.exec('exec env');
  const names = (await text(stdout))
    .trim()
    .split('\n')
    .map((line) => line.split('=')[0] ?? '');
  // The shell itself adds some.
  assert.deepEqual(names.filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(name)).sort(), passedOn.sort());
});

test('the first end of a connection stays its reason, and nothing listens to the visit after it', async () => {
  const visit = new AbortController();
  const listeners = (): number => getEventListeners(visit.signal, 'abort').length;
  const connection = await connect(visit.signal);
  // Nobody waits for this exit.
  const { stdout, stdin } = await connection.exec('exec sleep 60');
  assert.equal(listeners(), 1);
  connection.destroy();
  assert.deepEqual([listeners(), stdout.destroyed, stdin.destroyed], [0, true, true]);
  visit.abort();
  connection.destroy();
  await assert.rejects(connection.exec('true'), { code: 'connect-failed', stage: 'channel', client: 'here' });
  const late = new AbortController();
  const other = await connect(late.signal);
  const { exit } = await other.exec('exec sleep 60');
  late.abort();
  await assert.rejects(exit, { code: 'visit-deadline', stage: 'channel' });
  other.destroy();
  await assert.rejects(other.exec('true'), { code: 'visit-deadline', stage: 'channel' });
});

test('a command that is left gets the end of its input, and its output is dropped', async () => {
  const visit = new AbortController();
  const connection = await connect(visit.signal);
  const much = 'head -c 2000000 /dev/zero';
  const { exit } = await connection.exec(`cat; ${much}; ${much} >&2; exit 7`);
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  await connection.leave();
  assert.equal(timers(), before);
  visit.abort();
  assert.deepEqual(await exit, { status: 7, signal: null });
});
