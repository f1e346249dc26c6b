import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';

import type { SmtpConfig } from '../../src/config/config.ts';
import { Secret } from '../../src/config/secret.ts';
import { FleetError } from '../../src/errors.ts';
import { verifyMailServer } from '../../src/notify/email.ts';

const never = new AbortController().signal;
const password = 'correct horse';

/** A server that answers each line with what `answer` says; null: nothing. Returns its port. */
async function mailServer(t: TestContext, greeting: string, answer: (line: string) => string | null): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    if (greeting !== '') socket.write(`${greeting}\r\n`);
    let rest = '';
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString('latin1')).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const reply = answer(line);
        if (reply !== null) socket.write(`${reply}\r\n`);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function smtp(port: number, overrides: Partial<SmtpConfig> = {}): SmtpConfig {
  return {
    host: '127.0.0.1',
    port,
    security: 'none',
    username: 'fleet',
    password: new Secret({ kind: 'literal', value: password }),
    from: 'fleet@example.org',
    ca: null,
    verify: true,
    fallback: null,
    maxMailsPerHour: 12,
    ...overrides,
  };
}

function esmtp(login: string): (line: string) => string | null {
  return (line) => {
    if (line.startsWith('EHLO')) return '250-mail.example.org\r\n250 AUTH PLAIN';
    if (line.startsWith('AUTH')) return login;
    return line === 'QUIT' ? '221 bye' : '250 ok';
  };
}

async function faultOf(promise: Promise<void>): Promise<FleetError> {
  const thrown = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof FleetError, `not a FleetError: ${String(thrown)}`);
  return thrown;
}

test('a server that takes the login is well', async (t) => {
  const port = await mailServer(t, '220 mail.example.org', esmtp('235 ok'));
  await verifyMailServer(smtp(port), { timeoutMs: 5000, signal: never });
});

test('a refused login is for good, and the password is not in what is said', async (t) => {
  const port = await mailServer(t, '220 mail.example.org', esmtp(`535 5.7.8 no such user`));
  const fault = await faultOf(verifyMailServer(smtp(port), { timeoutMs: 5000, signal: never }));
  assert.equal(fault.code, 'mail-refused');
  assert.match(fault.message, /535/);
  const encoded = Buffer.from(`\0fleet\0${password}`).toString('base64');
  for (const secret of [password, encoded]) assert.ok(!fault.message.includes(secret));
});

test('nobody there, and a server without STARTTLS where it is wanted, may be well later', async (t) => {
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, 'close');
  assert.equal(
    (await faultOf(verifyMailServer(smtp(port), { timeoutMs: 5000, signal: never }))).code,
    'mail-unavailable',
  );

  const plain = await mailServer(t, '220 mail.example.org', (line) => (line.startsWith('EHLO') ? '250 ok' : '502 no'));
  const fault = await faultOf(
    verifyMailServer(smtp(plain, { security: 'starttls' }), { timeoutMs: 5000, signal: never }),
  );
  assert.equal(fault.stage, 'connect');
});

test('a server that says nothing ends by the deadline', async (t) => {
  const port = await mailServer(t, '', () => null);
  const started = performance.now();
  const fault = await faultOf(verifyMailServer(smtp(port), { timeoutMs: 200, signal: never }));
  assert.equal(fault.code, 'mail-unavailable');
  assert.ok(performance.now() - started < 2000);
});

test('an abort ends the wait with its reason', async (t) => {
  const port = await mailServer(t, '', () => null);
  const abort = new AbortController();
  const verified = verifyMailServer(smtp(port), { timeoutMs: 60_000, signal: abort.signal });
  const reason = new FleetError({ code: 'interrupted', stage: 'run', message: 'ended by a test' });
  abort.abort(reason);
  assert.equal(await faultOf(verified), reason);
});
