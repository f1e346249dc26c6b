import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { buffer, text } from 'node:stream/consumers';

import { FleetError, type ErrorCode, type Stage } from '../../src/errors.ts';
import type { Connection, ConnectOptions } from '../../src/transport/transport.ts';
import { startHostileServer, type HostileServer } from '../support/hostile-server.ts';
import type { HostileMode } from '../support/hostile-ssh.ts';
import { connectTo, failure } from '../support/login.ts';

const open: HostileServer[] = [];

async function start(mode: HostileMode): Promise<HostileServer> {
  const server = await startHostileServer(mode);
  open.push(server);
  return server;
}

afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

function connect(server: HostileServer, options: Partial<ConnectOptions> = {}): Promise<Connection> {
  return connectTo({ server, username: 'monitor', credentials: { password: 'right' }, options });
}

/** Timers, sockets and name look-ups that keep this process alive. */
function handles(): string {
  const kinds = /^(?:Timeout|TCPSocketWrap|TCPConnectWrap|GetAddrInfoReqWrap)/;
  return process
    .getActiveResourcesInfo()
    .filter((name) => kinds.test(name))
    .sort()
    .join(' ');
}

/** The handles are those of before the server was started, once it is closed (closing takes a few turns of the loop). */
async function assertNothingLeft(server: HostileServer, before: string): Promise<void> {
  await server.allClosed();
  await server.close();
  open.splice(open.indexOf(server), 1);
  for (let turn = 0; turn < 50 && handles() !== before; turn += 1) await new Promise(setImmediate);
  assert.equal(handles(), before);
}

interface Case {
  readonly mode: HostileMode;
  readonly code: ErrorCode;
  readonly stage: Stage;
  readonly says: RegExp;
}

describe('a client that falls silent before the login is done ends by the deadline', () => {
  const cases: readonly Case[] = [
    { mode: 'silent', code: 'handshake-timeout', stage: 'handshake', says: /nothing that speaks SSH/ },
    { mode: 'tarpit', code: 'handshake-timeout', stage: 'handshake', says: /key exchange/ },
    { mode: 'banner-only', code: 'handshake-timeout', stage: 'handshake', says: /key exchange/ },
    { mode: 'kexinit-only', code: 'handshake-timeout', stage: 'handshake', says: /key exchange/ },
    { mode: 'login-silent', code: 'auth-timeout', stage: 'login', says: /no answer to the login within 300 ms/ },
  ];
  for (const { mode, code, stage, says } of cases) {
    it(mode, async () => {
      const before = handles();
      const server = await start(mode);
      const startedMs = performance.now();
      const error = await failure(connect(server, { connectTimeoutMs: 300 }));
      const tookMs = performance.now() - startedMs;
      assert.equal(error.code, code, error.message);
      assert.equal(error.stage, stage);
      assert.equal(error.client, 'web-1');
      assert.match(error.message, says);
      assert.ok(tookMs >= 290 && tookMs < 800, `took ${tookMs} ms`);
      await assertNothingLeft(server, before);
    });
  }
});

describe('a client that breaks off or refuses before the login is done fails at once', () => {
  const cases: readonly Case[] = [
    { mode: 'close-at-once', code: 'handshake-failed', stage: 'handshake', says: /closed|ECONNRESET|lost/ },
    { mode: 'noise', code: 'handshake-failed', stage: 'handshake', says: /./ },
    { mode: 'endless-line', code: 'handshake-failed', stage: 'handshake', says: /./ },
    { mode: 'endless-lines', code: 'handshake-failed', stage: 'handshake', says: /./ },
    { mode: 'huge-packet', code: 'handshake-failed', stage: 'handshake', says: /packet/i },
    { mode: 'zlib-only', code: 'handshake-failed', stage: 'handshake', says: /compression/ },
    { mode: 'kexinit-close', code: 'handshake-failed', stage: 'handshake', says: /closed/ },
    { mode: 'stolen-host-key', code: 'handshake-failed', stage: 'handshake', says: /signature/ },
    { mode: 'login-close', code: 'connect-failed', stage: 'login', says: /closed|ECONNRESET/ },
    { mode: 'login-disconnect', code: 'auth-failed', stage: 'login', says: /ended the login/ },
    { mode: 'login-asks-code', code: 'auth-failed', stage: 'login', says: /"Verification code:".* not answered/ },
    { mode: 'login-expired', code: 'auth-failed', stage: 'login', says: /expired/ },
  ];
  for (const { mode, code, stage, says } of cases) {
    it(mode, async () => {
      const server = await start(mode);
      const startedMs = performance.now();
      const error = await failure(connect(server));
      assert.equal(error.code, code, error.message);
      assert.equal(error.stage, stage);
      assert.match(error.message, says);
      assert.ok(performance.now() - startedMs < 2000);
      assert.ok(!error.message.includes('right'), 'the password stands in the message');
      await server.allClosed();
    });
  }
});

describe('a client that misbehaves after the login', () => {
  for (const mode of ['channel-silent', 'exec-silent'] as const) {
    it(`${mode}: ends by the deadline of the channel`, async () => {
      const server = await start(mode);
      const connection = await connect(server, { channelTimeoutMs: 250 });
      const error = await failure(connection.exec('true'));
      assert.equal(error.code, 'channel-timeout');
      assert.equal(error.stage, 'channel');
      await server.allClosed();
    });
  }
  for (const mode of ['channel-refused', 'exec-refused'] as const) {
    it(`${mode}: fails at once`, async () => {
      const server = await start(mode);
      const connection = await connect(server);
      const error = await failure(connection.exec('true'));
      assert.equal(error.code, 'channel-failed', error.message);
      connection.destroy();
      await server.allClosed();
    });
  }

  for (const mode of ['agent-silent', 'no-window', 'endless'] as const) {
    it(`${mode}: the signal of the visit ends everything`, async () => {
      const before = handles();
      const server = await start(mode);
      const visit = new AbortController();
      const connection = await connect(server, { signal: visit.signal });
      const channel = await connection.exec('true');
      channel.stdin.write('request');
      const ended = buffer(channel.stdout);
      setTimeout(() => {
        visit.abort(new FleetError({ code: 'visit-deadline', stage: 'agent', message: 'no end within 1 s' }));
      }, 200);
      const error = await failure(channel.exit);
      assert.equal(error.code, 'visit-deadline');
      assert.equal(error.message, 'no end within 1 s');
      assert.equal(error.client, 'web-1');
      await ended;
      assert.equal((await failure(connection.exec('true'))).code, 'visit-deadline');
      await assertNothingLeft(server, before);
    });
  }

  it('agent-close: the exit rejects and the streams end', async () => {
    const server = await start('agent-close');
    const connection = await connect(server);
    const outcome = await failure(
      (async () => {
        const channel = await connection.exec('true');
        assert.equal(await text(channel.stdout), '');
        await channel.exit;
      })(),
    );
    assert.equal(outcome.code, 'connect-failed', outcome.message);
  });

  it('agent-half: what came before the end can be read', async () => {
    const server = await start('agent-half');
    const connection = await connect(server);
    const channel = await connection.exec('true');
    assert.equal((await buffer(channel.stdout)).length, 512);
    assert.equal((await failure(channel.exit)).code, 'connect-failed');
  });

  it('endless: is held up by the window while nobody reads', async () => {
    const server = await start('endless');
    const connection = await connect(server);
    const channel = await connection.exec('true');
    await new Promise((resolve) => channel.stdout.once('readable', resolve));
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.ok(channel.stdout.readableLength <= 4 * 1024 * 1024, `${channel.stdout.readableLength} bytes`);
    connection.destroy();
    await server.allClosed();
  });

  it('flood: a client that ignores the window is cut off', async () => {
    const server = await start('flood');
    const connection = await connect(server);
    const channel = await connection.exec('true');
    const error = await failure(channel.exit);
    assert.equal(error.code, 'connect-failed');
    assert.match(error.message, /more than its window/);
    assert.ok(channel.stdout.readableLength < 10 * 1024 * 1024, `${channel.stdout.readableLength} bytes`);
    await server.allClosed();
  });

  it('no-window: leaving is not held up by what could not be sent', async () => {
    const server = await start('no-window');
    const connection = await connect(server);
    const channel = await connection.exec('true');
    channel.stdin.write('acknowledgement');
    const left = await Promise.race([
      connection.leave().then(() => 'left'),
      new Promise((resolve) => setTimeout(resolve, 1000, 'held up')),
    ]);
    assert.equal(left, 'left');
  });

  it('late-window: what could not be sent yet is sent after leaving, also when the visit is aborted', async () => {
    const server = await start('late-window');
    const visit = new AbortController();
    const connection = await connect(server, { signal: visit.signal });
    const channel = await connection.exec('true');
    channel.stdin.write('acknowledgement');
    await connection.leave();
    visit.abort();
    assert.equal(server.received().toString(), '');
    await server.allClosed();
    assert.equal(server.received().toString(), 'acknowledgement');
  });

  it('greeting: lines before the version line are passed over', async () => {
    const server = await start('greeting');
    const connection = await connect(server);
    const channel = await connection.exec('true');
    assert.equal(await text(channel.stdout), 'ok\n');
    assert.deepEqual(await channel.exit, { status: 0, signal: null });
    await connection.leave();
    await server.allClosed();
  });
});

describe('the signal of the visit', () => {
  for (const mode of ['silent', 'kexinit-only', 'login-silent'] as const) {
    it(`ends a connection attempt at once: ${mode}`, async () => {
      const server = await start(mode);
      const visit = new AbortController();
      setTimeout(() => visit.abort(), 150);
      const startedMs = performance.now();
      const error = await failure(connect(server, { signal: visit.signal }));
      assert.equal(error.code, 'visit-deadline');
      assert.ok(performance.now() - startedMs < 1000);
      await server.allClosed();
    });
  }

  it('that is aborted already opens nothing', async () => {
    const server = await start('silent');
    const reason = new FleetError({ code: 'interrupted', stage: 'run', message: 'SIGTERM' });
    const error = await failure(connect(server, { signal: AbortSignal.abort(reason) }));
    assert.equal(error.code, 'interrupted');
    assert.equal(server.accepted(), 0);
  });
});
