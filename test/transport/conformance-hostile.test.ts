// Second tier: hostile servers by both transports.
/**
 * Clients that each misbehave in one exact respect, over both transports: the same codes and stages, within the
 * deadlines.
 */
import assert from 'node:assert/strict';
import { buffer, text } from 'node:stream/consumers';
import { afterEach, describe, it } from 'node:test';

import { FleetError, type ErrorCode, type Stage } from '../../src/platform/errors/errors.ts';
import type { Connection, ConnectOptions } from '../../src/transport/transport.ts';
import { startDeafListener } from '../support/servers/deaf-listener.ts';
import { freePort } from '../support/servers/free-port.ts';
import { startHostileServer, type HostileServer } from '../support/ssh/hostile-server.ts';
import type { HostileMode } from '../support/ssh/hostile-ssh.ts';
import { fails, failure } from '../support/ssh/login.ts';
import { isWide } from '../support/long-tests.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { connectBy, noChildLeft, transports, type LoginTarget } from '../support/ssh/both-transports.ts';
import { assertWithin } from '../support/within.ts';

interface Case {
  readonly mode: HostileMode;
  readonly code: ErrorCode;
  readonly stage: Stage;
  readonly says: RegExp;
}

const silent: readonly Case[] = [
  { mode: 'silent', code: 'handshake-timeout', stage: 'handshake', says: /nothing that speaks SSH/ },
  {
    mode: 'tarpit',
    code: 'handshake-timeout',
    stage: 'handshake',
    says: /nothing that speaks SSH answered within 2500 ms/,
  },
  { mode: 'banner-only', code: 'handshake-timeout', stage: 'handshake', says: /key exchange/ },
  { mode: 'kexinit-only', code: 'handshake-timeout', stage: 'handshake', says: /key exchange/ },
  {
    mode: 'login-browser',
    code: 'auth-timeout',
    stage: 'login',
    says: /within 2500 ms; the client says "[^"]{0,150}To log in, visit[\ufffd[ 0-9a-z\\]{1,20} https:\/\/login.example.org\/a1b2"$/,
  },
  { mode: 'login-silent', code: 'auth-timeout', stage: 'login', says: /no answer to the login within 2500 ms/ },
];

const refusing: readonly Case[] = [
  { mode: 'close-at-once', code: 'handshake-closed', stage: 'handshake', says: /closed|reset|ECONNRESET|lost/ },
  {
    mode: 'smtp',
    code: 'handshake-failed',
    stage: 'handshake',
    says: /^SMTP answers there, not SSH: "220 mail.example/,
  },
  { mode: 'noise', code: 'handshake-failed', stage: 'handshake', says: /./ },
  { mode: 'kexinit-close', code: 'handshake-failed', stage: 'handshake', says: /closed/i },
  { mode: 'stolen-host-key', code: 'handshake-failed', stage: 'handshake', says: /signature/ },
  { mode: 'login-close', code: 'connect-failed', stage: 'login', says: /closed|ECONNRESET|reset/i },
  { mode: 'login-disconnect', code: 'auth-failed', stage: 'login', says: /ended the login|disconnect/ },
  { mode: 'login-asks-code', code: 'auth-failed', stage: 'login', says: /Verification code: ?\\?".* not answered/ },
  { mode: 'login-expired', code: 'auth-failed', stage: 'login', says: /expired/ },
];

/** Faults that no real server has. OpenSSH has codes of its own for them. */
const refusedBySsh2: readonly Case[] = [
  { mode: 'endless-line', code: 'handshake-failed', stage: 'handshake', says: /./ },
  { mode: 'endless-lines', code: 'handshake-failed', stage: 'handshake', says: /./ },
  { mode: 'huge-packet', code: 'handshake-failed', stage: 'handshake', says: /packet/i },
  { mode: 'zlib-only', code: 'handshake-failed', stage: 'handshake', says: /compression/ },
];

/** Servers that answer the login, and then not the channel or the command. */
const channels: readonly Pick<Case, 'mode' | 'code'>[] = [
  { mode: 'channel-silent', code: 'channel-timeout' },
  { mode: 'exec-silent', code: 'channel-timeout' },
  { mode: 'channel-refused', code: 'channel-failed' },
  { mode: 'exec-refused', code: 'channel-failed' },
];

/** Returns the timers, sockets and name look-ups that keep this process alive. */
function handles(): string {
  const kinds = /^(?:Timeout|TCPSocketWrap|TCPConnectWrap|GetAddrInfoReqWrap)/;
  return process
    .getActiveResourcesInfo()
    .filter((name) => kinds.test(name))
    .sort()
    .join(' ');
}

for (const transport of isWide ? transports : (['ssh2'] as const)) {
  describe(`${transport}: clients that misbehave`, () => {
    const dir = tempFolder();
    const open: HostileServer[] = [];
    const close = async (): Promise<void> => {
      for (const server of open.splice(0)) await server.close();
    };
    afterEach(async () => {
      await close();
      await noChildLeft();
    });

    const login = { dir, username: 'monitor', password: 'right' };
    const target = (port: number, knownHosts: readonly string[]): LoginTarget => ({ ...login, port, knownHosts });
    const start = async (mode: HostileMode): Promise<HostileServer> => {
      const server = await startHostileServer(mode);
      open.push(server);
      return server;
    };
    const connect = (server: HostileServer, options: Partial<ConnectOptions> = {}): Promise<Connection> =>
      connectBy(transport, target(server.port, [server.hostKeyLine()]), options);
    /**
     * Checks that the handles are the same as before the server was started. Closing takes a few turns of the event
     * loop. The processes of OpenSSH have handles of their own.
     */
    const nothingLeft = async (server: HostileServer, before: string): Promise<void> => {
      await server.allClosed();
      await close();
      for (let turn = 0; turn < 50 && handles() !== before; turn += 1) await new Promise(setImmediate);
      if (transport === 'ssh2') assert.equal(handles(), before);
    };

    for (const { mode, code, stage, says } of silent) {
      it(`${mode}: ends by the deadline`, async () => {
        const before = handles();
        const server = await start(mode);
        const startedMs = performance.now();
        const error = await failure(connect(server, { connectTimeoutMs: 2500 }));
        assert.ok(performance.now() - startedMs >= 2480, error.message);
        assertWithin(startedMs, 4000);
        assert.deepEqual(
          { code: error.code, stage: error.stage, client: error.client },
          { code, stage, client: 'web-1' },
          error.message,
        );
        assert.match(error.message, says);
        await nothingLeft(server, before);
      });
    }

    for (const { mode, code, stage, says } of [...refusing, ...(transport === 'ssh2' ? refusedBySsh2 : [])]) {
      it(`${mode}: fails at once`, async () => {
        const server = await start(mode);
        const startedMs = performance.now();
        const error = await fails(connect(server), `${code} ${stage} web-1`, says);
        assertWithin(startedMs, 5000);
        assert.ok(!error.message.includes('right'), 'the password stands in the message');
        await server.allClosed();
      });
    }

    it('nothing listens: connect-refused at once', async () => {
      const port = await freePort();
      await fails(
        connectBy(transport, target(port, [])),
        'connect-refused connect web-1',
        new RegExp(`127.0.0.1.*${port}`),
      );
    });

    it('no such name: dns', async () => {
      const attempt = connectBy(transport, { ...target(22, []), address: 'no-such-host.invalid' });
      await fails(attempt, 'dns resolve', /no-such-host\.invalid/);
    });

    it('nobody answers: connect-timeout by the shorter deadline', async () => {
      const deaf = await startDeafListener();
      const startedMs = performance.now();
      const attempt = connectBy(transport, target(deaf.port, []), { tcpTimeoutMs: 2000 });
      await fails(attempt, 'connect-timeout connect', /no answer from 127.0.0.1 port \d+ within 2000 ms/);
      assertWithin(startedMs, 4000);
      deaf.stop();
    });

    for (const { mode, code } of channels) {
      it(`${mode}: ${code}`, async () => {
        const server = await start(mode);
        const connection = await connect(server, code === 'channel-timeout' ? { channelTimeoutMs: 400 } : {});
        const startedMs = performance.now();
        await fails(connection.exec('true'), `${code} channel`);
        assertWithin(startedMs, 3000);
        if (code === 'channel-failed') connection.destroy();
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
        assert.deepEqual([error.code, error.message, error.client], ['visit-deadline', 'no end within 1 s', 'web-1']);
        await ended;
        await fails(connection.exec('true'), 'visit-deadline');
        await nothingLeft(server, before);
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
      await fails(channel.exit, 'connect-failed');
    });

    it('endless: is held up while nobody reads', async () => {
      const server = await start('endless');
      const connection = await connect(server);
      const channel = await connection.exec('true');
      await new Promise((resolve) => channel.stdout.once('readable', resolve));
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.ok(channel.stdout.readableLength <= 4 * 1024 * 1024, `${channel.stdout.readableLength} bytes`);
      connection.destroy();
      await server.allClosed();
    });

    it('flood: a client that ignores the window is cut off, or held up', async () => {
      const server = await start('flood');
      const connection = await connect(server);
      const channel = await connection.exec('true');
      if (transport === 'ssh2') {
        await fails(channel.exit, 'connect-failed', /more than its window/);
      } else {
        // ssh itself stops reading from the network.
        await new Promise((resolve) => setTimeout(resolve, 500));
        connection.destroy();
      }
      assert.ok(channel.stdout.readableLength < 10 * 1024 * 1024, `${channel.stdout.readableLength} bytes`);
      await server.allClosed();
    });

    it('no-window: leaving is not held up by what could not be sent', async () => {
      const server = await start('no-window');
      const connection = await connect(server);
      const channel = await connection.exec('true');
      channel.stdin.write('acknowledgement');
      const startedMs = performance.now();
      await connection.leave();
      assertWithin(startedMs, 1000);
      await server.allClosed();
    });

    it('late-window: what could not be sent yet is sent after leaving, also when the visit is aborted', async () => {
      const server = await start('late-window');
      const visit = new AbortController();
      const connection = await connect(server, { signal: visit.signal });
      const channel = await connection.exec('true');
      channel.stdin.write('acknowledgement');
      await connection.leave();
      visit.abort();
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

    for (const mode of ['silent', 'kexinit-only', 'login-silent'] as const) {
      it(`${mode}: the signal of the visit ends the attempt at once`, async () => {
        const server = await start(mode);
        const visit = new AbortController();
        setTimeout(() => visit.abort(), 400);
        const startedMs = performance.now();
        await fails(connect(server, { signal: visit.signal }), 'visit-deadline');
        assertWithin(startedMs, 1500);
        await server.allClosed();
      });
    }

    it('a signal that is aborted already opens nothing', async () => {
      const server = await start('silent');
      const reason = new FleetError({ code: 'interrupted', stage: 'run', message: 'SIGTERM' });
      await fails(connect(server, { signal: AbortSignal.abort(reason) }), 'interrupted');
      assert.equal(server.accepted(), 0);
    });
  });
}
