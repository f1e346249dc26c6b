/** nginx as a proxy with TLS in front of `serve`, with pages, pushes and events. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { contentDigest, encodePushHeader, maxPushBytes, requestMac, sha256 } from '../../src/report/seal/push.ts';
import { collector } from '../look/serve/support/pushing-collector.ts';
import { makeCertificates } from '../support/servers/certificates.ts';
import { freePort } from '../support/servers/free-port.ts';
import { acknowledgedIn, pushedStream } from '../support/clients/pushed-stream.ts';
import { agentProgram, outcomeOf, succeeded } from '../support/programs/run-cli.ts';
import { until } from '../support/until.ts';
import { tempFolder } from '../support/temp-folder.ts';

const nginx = '/usr/sbin/nginx';
const skip = existsSync(nginx) ? false : 'nginx is not installed';

/**
 * Starts nginx with TLS in front of a port. It takes addresses of loopback for those of other machines. Returns its
 * URL, and the file of its authority.
 */
async function proxyTo(t: TestContext, port: number) {
  const dir = tempFolder();
  const { ca, good } = makeCertificates(path.join(dir, 'tls'));
  const own = await freePort();
  const file = path.join(dir, 'nginx.conf');
  mkdirSync(path.join(dir, 'tmp'));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${dir}/tmp/${name};`,
  );
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${dir}/pid; error_log ${dir}/error.log; events {}
    http { access_log off; geo $who { default 203.0.113.9; 127.0.0.7 203.0.113.7; 127.0.0.8 203.0.113.8; } ${temporary.join(' ')} client_max_body_size 4m;
      server { listen 127.0.0.1:${own} ssl; ssl_certificate ${good.certFile}; ssl_certificate_key ${good.keyFile};
        location / { proxy_pass http://127.0.0.1:${port}; proxy_http_version 1.1; proxy_set_header Host $host;
          proxy_set_header X-Forwarded-For "$http_x_forwarded_for, $who"; } } }\n`,
  );
  const child = spawn(nginx, ['-c', file, '-p', dir, '-e', `${dir}/error.log`], { stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  let isUp = false;
  const look = (): void => {
    const socket = connect(own, '127.0.0.1', () => ((isUp = true), socket.destroy()));
    socket.on('error', () => undefined);
  };
  await until(() => (look(), isUp), `nginx did not start: ${dir}/error.log`, 10_000, 100);
  return { url: `https://127.0.0.1:${own}`, ca, dir };
}

interface Asked extends RequestOptions {
  readonly body?: string | Buffer;
}

type Ask = (where: string, asked?: Asked) => Promise<{ readonly status: number | undefined; readonly body: Buffer }>;
type Served = Awaited<ReturnType<typeof collector>>;

/** Returns a function that sends requests to the proxy, each over a connection of its own. */
function askerOf(url: string, ca: string): Ask {
  return async (where: string, { body, ...options }: Asked = {}) => {
    const sent = request(`${url}${where}`, { agent: false, ca: readFileSync(ca), ...options });
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    return { status: response.statusCode, body: Buffer.concat(chunks) };
  };
}

async function assertEvents(ask: Ask, { log }: Served): Promise<void> {
  // A line reaches this process through a pipe, so an answer can come before it.
  const logged = (line: string) =>
    until(
      () => log().includes(line),
      () => `no ${line} in ${log()}`,
    );
  // The clients of the predecessor and of this product, by the URL of the proxy.
  const event = JSON.stringify({ host: 'nas', service: 'backup', status: 'OK' });
  const posted = await ask('/events', {
    method: 'POST',
    headers: { 'Content-Length': event.length },
    body: event,
    localAddress: '127.0.0.7',
  });
  assert.equal(posted.status, 200);
  assert.equal(posted.body.toString(), '{"message":"Event received","result":true}\n');
  await logged('event=event-received address=203.0.113.7 ');
  const forged = { 'Content-Length': event.length, 'X-Forwarded-For': '198.51.100.1' };
  assert.equal(
    (await ask('/events', { method: 'POST', headers: forged, body: event, localAddress: '127.0.0.8' })).status,
    200,
  );
  await logged('event=event-received address=203.0.113.8 ');
}

async function assertPages(ask: Ask, { run }: Served): Promise<void> {
  // A request for a page from another machine needs a token, though the proxy is this machine.
  assert.equal((await ask('/')).status, 401);
  const token = (await succeeded(run('tokens', 'add', 'anna'))).trim();
  const looked = await ask('/', { headers: { Authorization: `Bearer ${token}` } });
  assert.equal(looked.status, 200);
  assert.match(looked.body.toString(), /<html/);
}

async function assertPushes(ask: Ask, { agent, sample }: Served): Promise<void> {
  const push = async (body: Buffer, time: number) => {
    const digest = sha256(body);
    const mac = requestMac(Buffer.from(agent.pushKey, 'base64url'), time, digest.toString('hex'));
    const headers = {
      'Content-Length': body.length,
      'Content-Digest': contentDigest(digest),
      'Fleet-Health': encodePushHeader({ client: 'laptop-1', time, mac }),
    };
    return ask('/v1/visit', { method: 'POST', headers, body });
  };
  const { reportId, sealed } = sample();
  const { status, body } = await push(pushedStream({ sealed: [sealed] }), 1);
  assert.equal(status, 200);
  assert.deepEqual(acknowledgedIn(body), [reportId]);
  assert.equal((await push(Buffer.alloc(maxPushBytes), 2)).status, 200, 'the largest body');
}

/** Runs the agent program, which pushes to the proxy. */
async function runAgent({ agent }: Served, { url, ca, dir }: Awaited<ReturnType<typeof proxyTo>>): Promise<string> {
  const file = path.join(dir, 'agent.json');
  const place = path.join(dir, 'place');
  mkdirSync(place, { mode: 0o700 });
  const own = { ...agent, push: { to: `${url}/`, every: '5m' }, changes: 'no', state_directory: place };
  writeFileSync(file, JSON.stringify(own), { mode: 0o600 });
  const program = spawn(process.execPath, [agentProgram, '-c', file, 'push', '--once'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', NODE_EXTRA_CA_CERTS: ca },
  });
  return succeeded(outcomeOf(program));
}

const title = 'pages, pushes and events go through nginx with TLS, each under the address of its sender';
test(title, { skip, timeout: 120_000 }, async (t) => {
  const served = await collector(t, '<look/><push/><events from="203.0.113.0/24"/>', 'trustedProxies="127.0.0.1"');
  const proxy = await proxyTo(t, served.port);
  const ask = askerOf(proxy.url, proxy.ca);
  await assertEvents(ask, served);
  await assertPages(ask, served);
  await assertPushes(ask, served);
  assert.match(await runAgent(served, proxy), /^2 reports sent$/m);
  assert.equal(served.sealedFiles().length, 3);
});
