/** Hostile servers that only ssh2 is tested with, beside the suite of both transports (conformance-hostile.test.ts). */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { buffer } from 'node:stream/consumers';

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

/** Returns the timers, sockets and name look-ups that keep this process alive. */
function handles(): string {
  const kinds = /^(?:Timeout|TCPSocketWrap|TCPConnectWrap|GetAddrInfoReqWrap)/;
  return process
    .getActiveResourcesInfo()
    .filter((name) => kinds.test(name))
    .sort()
    .join(' ');
}

/**
 * Checks that the handles are the same as before the server was started. Closing takes a few turns of the event loop.
 */
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

describe('a client that sends what no server sends fails at once', () => {
  const cases: readonly Case[] = [
    { mode: 'endless-line', code: 'handshake-failed', stage: 'handshake', says: /./ },
    { mode: 'endless-lines', code: 'handshake-failed', stage: 'handshake', says: /./ },
    { mode: 'huge-packet', code: 'handshake-failed', stage: 'handshake', says: /packet/i },
    { mode: 'zlib-only', code: 'handshake-failed', stage: 'handshake', says: /compression/ },
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

describe('a client that says nothing more, or never stops', () => {
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
});
