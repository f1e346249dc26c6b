/** Webhooks, heartbeats and Alertmanagers through an HTTP proxy: a tunnel for https, forwarded requests for http. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { sendHeartbeat } from '../../../src/notify/heartbeat.ts';
import { freezeWebhook } from '../../../src/notify/webhook/freeze-webhook.ts';
import { postAlerts } from '../../../src/notify/webhook/post-alerts.ts';
import { createWebhookChannel, verifyWebhook } from '../../../src/notify/webhook/webhook.ts';
import { makeCertificates } from '../../support/servers/certificates.ts';
import { freePort } from '../../support/servers/free-port.ts';
import { openProxy } from '../../support/servers/http-proxy.ts';
import { openReceiver } from '../../support/servers/http-receiver.ts';
import { isWide } from '../../support/long-tests.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';
import { skipWithoutUnpacked, unpacked } from '../../wide/support/plugins.ts';
import { noticeAlert, noticeOf, webhookConfig } from '../support/notices.ts';
import { faultOf, never, outgoing, sendOptions } from '../support/smtp-config.ts';

const dir = tempFolder();
const { ca, good } = makeCertificates(path.join(dir, 'tls'));
const content = freezeWebhook(noticeOf([noticeAlert()]), { name: 'chat', format: 'alertmanager' });
const mail = outgoing({ recipient: 'webhook:chat', content });

/** Posts to a webhook through a proxy. */
async function postThrough(proxy: string, origin: string): Promise<void> {
  await createWebhookChannel(webhookConfig(`${origin}/hook`, { ca, proxy })).send(mail, sendOptions());
}

test('https goes through a tunnel, whose proxy sees the host alone, with the login of its URL', async (t) => {
  const receiver = await openReceiver(t, { tls: good });
  const { port, asked } = await openProxy(t);
  await postThrough(`http://me:p%40ss@127.0.0.1:${port}`, receiver.origin);
  await verifyWebhook(webhookConfig(receiver.origin, { ca, proxy: `http://127.0.0.1:${port}` }), never);
  const login = Buffer.from('me:p@ss').toString('base64');
  assert.deepEqual(asked, [`CONNECT 127.0.0.1:${receiver.port} Basic ${login}`, `CONNECT 127.0.0.1:${receiver.port}`]);
  assert.equal(receiver.received.length, 1);
  assert.equal(receiver.received[0]?.headers['proxy-authorization'], undefined);
});

test('http is forwarded: webhooks, Alertmanagers and heartbeats', async (t) => {
  const receiver = await openReceiver(t);
  const { port, asked } = await openProxy(t);
  const proxy = `http://127.0.0.1:${port}`;
  await postThrough(proxy, receiver.origin);
  await sendHeartbeat(`${receiver.origin}/alive?a=b`, { timeoutMs: 60_000, signal: never, proxy });
  const config = { urls: [receiver.origin], labels: {}, ca: null, proxy, timeoutMs: 60_000 };
  const options = { validUntilMs: Date.now() + 60_000, signal: never };
  assert.deepEqual(await postAlerts(config, [noticeAlert()], options), []);
  const paths = ['/hook', '/alive?a=b', '/api/v2/alerts'];
  const methods = ['POST', 'GET', 'POST'];
  assert.deepEqual(
    asked,
    paths.map((one, index) => `${methods[index] ?? ''} ${receiver.origin}${one}`),
  );
  assert.deepEqual(
    receiver.received.map(({ path: asPath, headers }) => [asPath, headers.host]),
    paths.map((one) => [one, `127.0.0.1:${receiver.port}`]),
  );
});

for (const status of [403, 407, 502] as const) {
  test(`a proxy that answers ${status} is named with its status, and the notification waits`, async (t) => {
    const { port } = await openProxy(t, status);
    const fault = await faultOf(postThrough(`http://me:s3cret@127.0.0.1:${port}`, 'https://127.0.0.1:1'));
    assert.deepEqual([fault.code, fault.stage], ['mail-unavailable', 'connect']);
    assert.equal(fault.message, `webhook chat: the proxy answered ${status}`);
    const options = { timeoutMs: 60_000, signal: never, proxy: `http://127.0.0.1:${port}` };
    const heartbeat = await faultOf(sendHeartbeat('https://127.0.0.1:1/token', options));
    assert.equal(heartbeat.message, `heartbeat 127.0.0.1:1: the proxy answered ${status}`);
  });
}

test('a proxy that is silent or away costs no more than the timeout', async (t) => {
  const { port } = await openProxy(t, 'silent');
  const webhook = webhookConfig('https://127.0.0.1:1/', { proxy: `http://127.0.0.1:${port}`, timeoutMs: 200 });
  const silent = await faultOf(createWebhookChannel(webhook).send(mail, sendOptions()));
  assert.equal(silent.message, 'webhook chat: no answer within 0.2 s while connecting');
  for (const origin of ['https://127.0.0.1:1', 'http://127.0.0.1:1']) {
    const away = await faultOf(postThrough(`http://127.0.0.1:${await freePort()}`, origin));
    assert.equal(away.message, 'webhook chat: the proxy: ECONNREFUSED');
    assert.match(away.advice, /^Check proxy="\.\.\." of <webhook>/);
  }
});

/** Starts tinyproxy until the end of the test. Returns its URL. */
async function startTinyproxy(t: TestContext): Promise<string> {
  const port = await freePort();
  const file = path.join(dir, 'tinyproxy.conf');
  writeFileSync(file, `Port ${port}\nListen 127.0.0.1\nAllow 127.0.0.1\nBasicAuth me s3cret\nTimeout 60\n`);
  const child = spawn(path.join(unpacked('tinyproxy-bin'), 'usr/bin/tinyproxy'), ['-d', '-c', file]);
  let text = '';
  child.stdout.on('data', (bytes: Buffer) => (text += String(bytes)));
  t.after(() => child.kill('SIGKILL'));
  await until(
    () => text.includes('Accepting connections') || child.exitCode !== null,
    () => text,
    30_000,
  );
  return `http://me:s3cret@127.0.0.1:${port}`;
}

test(
  'tinyproxy opens tunnels and forwards requests, and refuses another login',
  { skip: isWide ? skipWithoutUnpacked('tinyproxy-bin') : 'in the second tier' },
  async (t) => {
    const proxy = await startTinyproxy(t);
    const secure = await openReceiver(t, { tls: good });
    const plain = await openReceiver(t);
    await postThrough(proxy, secure.origin);
    await postThrough(proxy, plain.origin);
    await sendHeartbeat(`${plain.origin}/alive`, { timeoutMs: 60_000, signal: never, proxy });
    assert.deepEqual([secure.received.length, plain.received.length], [1, 2]);
    const wrong = await faultOf(postThrough(proxy.replace('s3cret', 'wrong'), secure.origin));
    assert.match(wrong.message, /^webhook chat: the proxy answered 40[17]$/);
  },
);
