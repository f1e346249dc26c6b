// Second tier: starts a server for each kind of socket and each bound.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { Agent, type ClientRequest, get, type IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { connect, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { reportedFleet } from '../../cli/support/reported-fleet.ts';
import { makeCertificates } from '../../support/servers/certificates.ts';
import { freePort, listenOn } from '../../support/servers/free-port.ts';
import { outcomeOf, program, startCli } from '../../support/programs/run-cli.ts';
import { ask, serveFolder, servedFleet } from './support/served-fleet.ts';

test('a Unix socket is for its owner and group, and goes with the server', async (t) => {
  const { dir, run } = await reportedFleet(t);
  const file = path.join(dir, 'serve.sock');
  const config = path.join(dir, 'config.xml');
  const text = readFileSync(config, 'utf8').replace('</config>', '<serve socket="serve.sock"><look/></serve></config>');
  writeFileSync(config, text);
  const start = async (): Promise<ReturnType<typeof startCli>> => {
    const child = startCli(['serve'], { cwd: dir });
    t.after(() => child.kill('SIGKILL'));
    await once(child.stdout ?? child, 'data');
    return child;
  };
  const killed = await start();
  assert.equal(statSync(file).mode & 0o777, 0o660);
  assert.equal((await ask(0, '/', { socketPath: file, headers: { host: 'any' } })).status, 200);
  const second = await run('serve');
  assert.match(second.stderr, /cannot listen on .*serve\.sock: another server listens there \(listen-failed\)/);
  killed.kill('SIGKILL');
  await once(killed, 'close');
  assert.ok(existsSync(file), 'a killed server leaves its socket');
  const after = await start();
  assert.equal((await ask(0, '/', { socketPath: file, headers: { host: 'any' } })).status, 200);
  after.kill('SIGTERM');
  const [status] = (await once(after, 'close')) as [number];
  assert.deepEqual([status, existsSync(file)], [0, false]);
  writeFileSync(file, 'no socket');
  assert.match((await run('serve')).stderr, /another file stands there/);
});

test('a socket that a supervisor passes is taken in place of the configuration, and an idle server ends', async (t) => {
  const { dir } = await reportedFleet(t);
  const config = path.join(dir, 'config.xml');
  const serve = '<serve socket="/nowhere/serve.sock"><look/></serve>';
  writeFileSync(config, readFileSync(config, 'utf8').replace('</config>', `${serve}</config>`));
  const listening = createServer();
  const port = await listenOn(listening);
  const { fd } = (listening as unknown as { _handle: { fd: number } })._handle;
  const line = 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"';
  const child = spawn('/bin/sh', ['-c', line, 'sh', process.execPath, program, 'serve', '--idle-exit', '1s'], {
    cwd: dir,
    env: { PATH: '/usr/bin:/bin' },
    stdio: ['ignore', 'pipe', 'pipe', fd],
  });
  t.after(() => child.kill('SIGKILL'));
  const outcome = outcomeOf(child);
  await once(child.stdout ?? child, 'data');
  listening.close();
  assert.equal((await ask(port, '/')).status, 200);
  const { status, stdout, stderr } = await outcome;
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /event=serve-started on="descriptor 3".*\n.*event=serve-stopping reason="nobody has come/);
});

test('TLS: a token is asked for, and an address beyond loopback without it is a fault', async (t) => {
  const { dir, run } = await reportedFleet(t);
  const { good, ca } = makeCertificates(path.join(dir, 'tls'));
  chmodSync(good.keyFile, 0o600);
  const token = (await run('tokens', 'add', 'anna')).stdout.trim();
  const { port } = await serveFolder(t, dir, {
    attributes: `host="0.0.0.0" tlsCert="${good.certFile}" tlsKey="${good.keyFile}" auth="always"`,
  });
  const askTls = async (headers: Record<string, string>): Promise<readonly unknown[]> => {
    const sent = request({ host: 'localhost', port, path: '/', headers, agent: false, ca: readFileSync(ca) });
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    response.resume();
    return [response.statusCode, response.headers['strict-transport-security']];
  };
  assert.deepEqual(await askTls({}), [401, 'max-age=15552000']);
  assert.deepEqual(await askTls({ authorization: `Bearer ${token}` }), [200, 'max-age=15552000']);
  const silent = connect(port, '127.0.0.1');
  const plain = connect(port, '127.0.0.1');
  plain.write('GET / HTTP/1.1\r\n\r\n');
  await Promise.all([silent, plain].map(async (socket) => once(socket.resume(), 'close')));
});

test('a certificate or key of TLS that cannot be used is a fault of its attribute', async (t) => {
  const { dir, run } = await reportedFleet(t);
  const { good, wrongHost } = makeCertificates(path.join(dir, 'tls'));
  const config = path.join(dir, 'config.xml');
  const before = readFileSync(config, 'utf8');
  writeFileSync(path.join(dir, 'rubbish'), 'rubbish', { mode: 0o600 });
  chmodSync(wrongHost.keyFile, 0o600);
  const fault = async (cert: string, key: string): Promise<string> => {
    const serve = `<serve port="${await freePort()}" tlsCert="${cert}" tlsKey="${key}"><look/></serve>`;
    writeFileSync(config, before.replace('</config>', `${serve}</config>`));
    const { status, stderr } = await run('serve');
    assert.equal(status, 2, stderr);
    return stderr;
  };
  assert.match(await fault('rubbish', good.keyFile), /<serve> tlsCert=".*rubbish" cannot be used: .*config-invalid/);
  assert.match(await fault(good.certFile, 'rubbish'), /<serve> tlsKey=".*rubbish" cannot be used: .*config-invalid/);
  assert.match(await fault(good.certFile, wrongHost.keyFile), /tlsKey=".*" cannot be used: .*mismatch/);
  assert.match(await fault(good.certFile, 'missing'), /tlsKey=".*missing" cannot be used: it does not exist /);
});

test('slow and silent senders are given up, and others are answered meanwhile', async (t) => {
  const { port, ask: asked } = await servedFleet(t);
  const open = (): Promise<Socket> =>
    new Promise((resolve) => {
      const socket: Socket = connect(port, '127.0.0.1', () => resolve(socket));
      socket.on('error', () => undefined);
    });
  const [silent, slow] = [await open(), await open()];
  const dripping = setInterval(() => slow.write('x'), 200);
  t.after(() => clearInterval(dripping));
  slow.write('GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
  silent.resume();
  slow.resume();
  assert.equal((await asked('/')).status, 200);
  await Promise.all([once(silent, 'close'), once(slow, 'close')]);
  const large = await open();
  large.write(`GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: ${'x'.repeat(20_000)}\r\n\r\n`);
  large.resume();
  await once(large, 'close');
  assert.equal((await asked('/')).status, 200);
});

test('an address has 16 connections, and the server 64; others learn it', async (t) => {
  const { port, ask: asked } = await servedFleet(t);
  const held: Socket[] = [];
  t.after(() => held.forEach((socket) => socket.destroy()));
  const hold = async (localAddress: string, count: number): Promise<void> => {
    for (let index = 0; index < count; index += 1) {
      const socket = connect({ port, host: '127.0.0.1', localAddress });
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      held.push(socket);
    }
  };
  // The server takes connections in the order in which they were made.
  await hold('127.0.0.2', 16);
  const refused = await asked('/', { localAddress: '127.0.0.2' });
  assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '5']);
  assert.equal((await asked('/', { localAddress: '127.0.0.3' })).status, 200);
  await hold('127.0.0.2', 80);
  assert.equal((await asked('/', { localAddress: '127.0.0.3' })).status, 200);
  await assert.rejects(asked('/', { localAddress: '127.0.0.2' }), /ECONNRESET|socket hang up/);
  for (const address of ['127.0.0.4', '127.0.0.5', '127.0.0.6']) await hold(address, 16);
  assert.equal((await asked('/', { localAddress: '127.0.0.7' })).status, 503);
});

test('64 connections look, and keep nobody from sending events', async (t) => {
  const { port, ask: asked } = await servedFleet(t, { parts: '<look/><events/>' });
  const listen = async (localAddress: string): Promise<ClientRequest> => {
    const sent = get({ port, host: '127.0.0.1', localAddress, path: '/live', agent: false });
    sent.on('error', () => undefined);
    t.after(() => sent.destroy());
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    assert.equal(response.statusCode, 200);
    return sent;
  };
  const [first] = await Promise.all(Array.from({ length: 64 }, (_, index) => listen(`127.0.0.${2 + (index % 5)}`)));
  const localAddress = '127.0.0.7';
  const { status, headers, body } = await asked('/', { localAddress });
  assert.deepEqual({ status, body }, { status: 503, body: 'Too many connections.\n' });
  assert.equal(headers['retry-after'], '5');
  const event = JSON.stringify({ host: 'web-1', service: 'backup', status: 'OK', description: 'done' });
  assert.equal((await asked('/events', { localAddress, method: 'POST', body: event })).status, 200);
  // The last request on a connection decides its kind.
  const agent = new Agent({ keepAlive: true, maxSockets: 1, localAddress });
  t.after(() => agent.destroy());
  const onOne = async (where: string): Promise<number | undefined> => {
    const sent = get({ port, host: '127.0.0.1', path: where, agent });
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    await once(response.resume(), 'end');
    return response.statusCode;
  };
  assert.equal(await onOne('/events/ping/nobody'), 404);
  assert.equal(await onOne('/runs'), 503);
  first?.destroy();
  for (let tried = 1; (await onOne('/runs')) !== 200; tried += 1) {
    assert.ok(tried < 1200, 'the place of a connection that ended is not given back');
    await sleep(50);
  }
  assert.equal((await asked('/runs', { localAddress })).status, 503);
});

test('an address that asks too fast is asked to wait, and others are not', async (t) => {
  const attributes = 'trustedProxies="127.0.0.1" userHeader="X-User"';
  const { ask: asked } = await servedFleet(t, { attributes, elements: '<collector every="1d"/>' });
  const as = (address: string): Promise<{ status: number }> =>
    asked('/ping', { headers: { 'x-forwarded-for': address, 'x-user': 'anna' } });
  const statuses: number[] = [];
  for (let index = 0; index < 200; index += 1) statuses.push((await as('198.51.100.7')).status);
  assert.ok(statuses.includes(429));
  assert.equal(statuses.filter((status) => status === 200).length >= 120, true);
  assert.equal((await as('198.51.100.8')).status, 200);
});

test('an address that a proxy names has 16 requests at a time', async (t) => {
  const { port, ask: asked } = await servedFleet(t, { attributes: 'trustedProxies="127.0.0.1" userHeader="X-User"' });
  const headersOf = (address: string) => ({ 'x-forwarded-for': address, 'x-user': 'anna' });
  const listen = async (address: string): Promise<ClientRequest> => {
    const sent = get({ port, host: '127.0.0.1', path: '/live', headers: headersOf(address), agent: false });
    sent.on('error', () => undefined);
    t.after(() => sent.destroy());
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    assert.equal(response.statusCode, 200);
    return sent;
  };
  const look = (address: string) => asked('/runs', { headers: headersOf(address) });
  const [first] = await Promise.all(Array.from({ length: 16 }, () => listen('198.51.100.7')));
  const { status, headers, body } = await look('198.51.100.7');
  assert.deepEqual({ status, body }, { status: 429, body: 'Too many requests at a time.\n' });
  assert.equal(headers['retry-after'], '5');
  assert.equal((await look('198.51.100.8')).status, 200);
  first?.destroy();
  for (let tried = 0; tried < 1200; tried += 1) {
    if ((await look('198.51.100.7')).status === 200) return;
    await sleep(50);
  }
  assert.fail('the place of a request that ended is not given back');
});

test('a server that is killed within a request harms nothing', async (t) => {
  const { ask: asked, child, run, port } = await servedFleet(t);
  const before = (await run('--json', 'alerts')).stdout.replace(/"at":"[^"]*"/, '');
  const answers = Array.from({ length: 8 }, () => asked('/c/web-1').catch(() => null));
  await sleep(30);
  child.kill('SIGKILL');
  await Promise.all(answers);
  assert.equal((await run('--json', 'alerts')).stdout.replace(/"at":"[^"]*"/, ''), before);
  await assert.rejects(ask(port, '/ping'), /ECONNREFUSED/);
});
