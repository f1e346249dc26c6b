/** A webhook's channel against a receiver that accepts, refuses, hangs, breaks off, floods and lies. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { inspect } from 'node:util';

import type { WebhookConfig } from '../../../src/config/config.ts';
import { Secret } from '../../../src/config/secret.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import { freezeWebhook } from '../../../src/notify/webhook/freeze-webhook.ts';
import { createWebhookChannel, verifyWebhook } from '../../../src/notify/webhook/webhook.ts';
import { TryLater, type OutgoingMail } from '../../../src/notify/notify.ts';
import { hourMs, minuteMs } from '../../../src/platform/units.ts';
import { makeCertificates } from '../../support/servers/certificates.ts';
import { assertHidden, encoded, encodingNames } from '../../support/encodings.ts';
import { freePort, listen } from '../../support/servers/free-port.ts';
import { openReceiver, type HttpReceiver, type ReceiverAnswer } from '../../support/servers/http-receiver.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';
import { noticeAlert, noticeOf, webhookConfig } from '../support/notices.ts';
import { faultOf, never, outgoing, sendOptions } from '../support/smtp-config.ts';

const dir = tempFolder();
const certificates = makeCertificates(path.join(dir, 'tls'));
const token = 'T0KEN-8f3c91';

const notice = noticeOf([noticeAlert({ value: 'Größe 97 %' })]);
const mail: OutgoingMail = outgoing({
  recipient: 'webhook:chat',
  messageId: notice.messageId,
  content: freezeWebhook(notice, { name: 'chat', format: 'alertmanager' }),
});
const body = mail.content.slice(mail.content.indexOf('\r\n\r\n') + 4);

function channelTo(origin: string, overrides: Partial<WebhookConfig> = {}) {
  return createWebhookChannel(webhookConfig(`${origin}/hook/${token}?key=${token}%20x`, overrides));
}

const literal = (value: string): Secret => new Secret({ kind: 'literal', value });

async function answering(t: TestContext, answer: ReceiverAnswer): Promise<HttpReceiver> {
  const receiver = await openReceiver(t);
  receiver.act(() => answer);
  return receiver;
}

test('the body as it was frozen, its Message-ID as the key, and the header', async (t) => {
  const receiver = await openReceiver(t);
  const header = literal('X-Auth: Bearer  abc:def');
  await channelTo(receiver.origin, { header }).send(mail, sendOptions());
  const [post] = receiver.received;
  assert.deepEqual([post?.method, post?.path], ['POST', `/hook/${token}?key=${token}%20x`]);
  assert.equal(post?.body, body);
  assert.ok(post.body.includes('Größe'));
  const { headers } = post;
  assert.deepEqual(
    [headers['idempotency-key'], headers['content-type'], headers['x-auth'], headers.host],
    [mail.messageId, 'application/json', 'Bearer  abc:def', `127.0.0.1:${receiver.port}`],
  );
  assert.equal(headers['content-length'], String(Buffer.byteLength(body)));
});

test('a login in the URL is sent apart from it, and a header of config.xml goes before it', async (t) => {
  const receiver = await openReceiver(t);
  const url = receiver.origin.replace('//', '//me:p%40ss@');
  await channelTo(url).send(mail, sendOptions());
  await channelTo(url, { header: literal('Authorization: Bearer x-1') }).send(mail, sendOptions());
  const logins = receiver.received.map(({ headers }) => headers.authorization);
  assert.deepEqual(logins, [`Basic ${Buffer.from('me:p@ss').toString('base64')}`, 'Bearer x-1']);
});

for (const status of [200, 201, 202, 204]) {
  test(`${status} is taken, whatever follows`, async (t) => {
    const receiver = await answering(t, (socket) => {
      socket.write(`HTTP/1.1 ${status} x\r\nContent-Length: 1000000\r\n\r\n`);
      if (status === 200) socket.destroy();
    });
    await channelTo(receiver.origin).send(mail, sendOptions());
    assert.equal(receiver.received.length, 1);
  });
}

test('2xx with an error of the vendor in its body is refused, or put off', async (t) => {
  const answers = [
    { status: 200, body: 'ok' },
    { status: 200, body: '{"ok":false,"error":"channel_not_found"}' },
    { status: 200, body: '{"ok":false,"error":"ratelimited"}' },
  ];
  const receiver = await openReceiver(t);
  receiver.act(() => answers.shift() ?? { status: 200 });
  const chat = channelTo(receiver.origin, { format: 'slack' });
  await chat.send(mail, sendOptions());
  const refused = await faultOf(chat.send(mail, sendOptions()));
  assert.deepEqual([refused.code, /channel_not_found/.test(refused.message)], ['mail-refused', true]);
  assert.equal((await faultOf(chat.send(mail, sendOptions()))).code, 'mail-unavailable');
});

for (const [status, stage] of [
  [408, 'mail'],
  [425, 'mail'],
  [429, 'channel'],
  [500, 'mail'],
  [502, 'mail'],
  [503, 'connect'],
  [504, 'mail'],
] as const) {
  test(`${status} is put off, and not before Retry-After`, async (t) => {
    const receiver = await answering(t, { status, headers: { 'retry-after': '600' }, body: 'not now' });
    const fault = await faultOf(channelTo(receiver.origin).send(mail, sendOptions()));
    assert.deepEqual([fault.code, fault.stage], ['mail-unavailable', stage]);
    assert.equal(fault.message, `webhook chat: status ${status}: not now`);
    assert.equal(fault instanceof TryLater && fault.afterMs, 10 * minuteMs);
  });
}

test('a Retry-After of days counts as an hour, and one that is none as nothing', async (t) => {
  const receiver = await openReceiver(t);
  for (const { text, minMs, maxMs } of [
    { text: '999999', minMs: hourMs, maxMs: hourMs },
    {
      text: new Date(Date.now() + 20 * minuteMs).toUTCString(),
      minMs: 18 * minuteMs,
      maxMs: 20 * minuteMs,
    },
    { text: '2.5', minMs: 2_500, maxMs: 2_500 },
    // The two older forms of a date (RFC 9110, section 5.6.7), the second of which has no zone.
    { text: 'Friday, 31-Dec-99 23:59:59 GMT', minMs: 0, maxMs: 0 },
    {
      text: new Date(Date.now() + 20 * minuteMs)
        .toUTCString()
        .replace(/^(\w{3}), (\d+) (\w+) (\d+) (\S+) GMT$/, '$1 $3 $2 $5 $4'),
      minMs: 18 * minuteMs,
      maxMs: 20 * minuteMs,
    },
    { text: 'Fri, 31 Dec 1999 23:59:59 GMT', minMs: 0, maxMs: 0 },
    { text: '-5', minMs: 0, maxMs: 0 },
    { text: 'soon', minMs: 0, maxMs: 0 },
    { text: '9'.repeat(5_000), minMs: 0, maxMs: 0 },
    { text: '9'.repeat(60), minMs: hourMs, maxMs: hourMs },
  ]) {
    receiver.act(() => ({ status: 503, headers: { 'retry-after': text } }));
    const fault = await faultOf(channelTo(receiver.origin).send(mail, sendOptions()));
    assert.ok(fault instanceof TryLater);
    assert.ok(fault.afterMs >= minMs && fault.afterMs <= maxMs, `${text.slice(0, 40)}: ${fault.afterMs}`);
  }
});

for (const status of [300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 409, 410, 413, 418, 422]) {
  test(`${status} is a refusal, and no redirect is followed`, async (t) => {
    const elsewhere = await openReceiver(t);
    const receiver = await answering(t, { status, headers: { location: `${elsewhere.origin}/${token}` } });
    const fault = await faultOf(channelTo(receiver.origin).send(mail, sendOptions()));
    const { code, stage, retryable } = fault;
    assert.deepEqual({ code, stage, retryable }, { code: 'mail-refused', stage: 'mail', retryable: false });
    assert.equal(fault.message, `webhook chat: status ${status}`);
    assert.deepEqual(elsewhere.received, []);
  });
}

test('a refusal has the first 300 characters of the answer on one line, and no control character', async (t) => {
  const answer = `no\r\nsuch \u001b[31mchannel\u202e\0${'x'.repeat(100_000)}`;
  const receiver = await answering(t, { status: 404, body: answer });
  const { message } = await faultOf(channelTo(receiver.origin).send(mail, sendOptions()));
  assert.match(message, /^webhook chat: status 404: no such \ufffd\[31mchannel\ufffd\ufffdx+…$/);
  assert.ok(message.length <= 'webhook chat: status 404: '.length + 300);
});

test('what repeats the URL, a part of it, or the header is said without it', async (t) => {
  const receiver = await openReceiver(t);
  const url = `http://me:pa-5550123@127.0.0.1:${receiver.port}/hook/${token}?key=k%20${token}`;
  receiver.act(({ path: asked, headers }) => ({
    status: 400,
    body: `${asked} ${url} ${token} ${headers['x-auth']?.toString()} pa-5550123 ${Buffer.from(token).toString('hex')}`,
  }));
  const webhook = webhookConfig(url, { header: literal('X-Auth: s3cr3t-of-header') });
  const fault = await faultOf(createWebhookChannel(webhook).send(mail, sendOptions()));
  assert.match(fault.message, /\[secret\]/);
  const said = inspect([fault, webhook], { depth: 9, showHidden: true });
  for (const secret of [token, 's3cr3t-of-header', 'pa-5550123', Buffer.from(token).toString('hex')]) {
    assert.ok(!said.includes(secret), said);
  }
});

test('a login that the receiver repeats in any encoding is not said', async (t) => {
  const receiver = await openReceiver(t);
  const login = 'anna:7x-"Käse/&<aZ9!';
  const url = receiver.origin.replace('//', `//anna:${encodeURIComponent(login.slice('anna:'.length))}@`);
  const header = literal(`Authorization: Basic ${Buffer.from('bert:8y-"Käse/&<aZ9!').toString('base64')}`);
  const webhooks = [webhookConfig(url), webhookConfig(receiver.origin, { header })];
  for (const [index, webhook] of webhooks.entries()) {
    const secret = index === 0 ? login : 'bert:8y-"Käse/&<aZ9!';
    for (const name of encodingNames) {
      receiver.act(() => ({ status: 400, body: `refused: ${encoded(name, secret, 'Basic ', '')}` }));
      const fault = await faultOf(createWebhookChannel(webhook).send(mail, sendOptions()));
      assert.match(fault.message, /^webhook chat: status 400: /);
      assertHidden(
        inspect(fault, { depth: 9 }),
        encoded(name, secret.slice('anna:'.length), '', '').slice(2, -4),
        name,
      );
    }
  }
});

/** Servers that break off, each at another step of the conversation. */
const breaks: readonly { readonly what: string; readonly act: (socket: Socket) => void; readonly words: RegExp }[] = [
  { what: 'at once', act: (socket) => socket.resetAndDestroy(), words: /ECONNRESET|EPIPE|the connection ended/ },
  {
    what: 'after the request',
    act: (socket) => socket.once('data', () => socket.resetAndDestroy()),
    words: /ECONNRESET/,
  },
  {
    what: 'with an end',
    act: (socket) => socket.once('data', () => socket.end()),
    words: /ECONNRESET|the connection ended/,
  },
  {
    what: 'in the status',
    act: (socket) => socket.once('data', () => socket.end('HTTP/1.1 2')),
    words: /HPE_|ECONNRESET/,
  },
  {
    what: 'in a header',
    act: (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nX: ')),
    words: /HPE_|ECONNRESET/,
  },
  { what: 'with another protocol', act: (socket) => socket.write('220 mail.example.org ESMTP\r\n'), words: /HPE_/ },
  {
    what: 'with headers without an end',
    act: (socket) => socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(100_000)}`)),
    words: /HPE_HEADER_OVERFLOW/,
  },
];

for (const { what, act, words } of breaks) {
  test(`a server that breaks off ${what}: tried again, the mark before the body`, async (t) => {
    const listener = await listen(act, '127.0.0.1');
    t.after(() => listener.close());
    let marks = 0;
    const onDataBegun = (): Promise<void> => {
      marks += 1;
      return Promise.resolve();
    };
    const channel = channelTo(`http://127.0.0.1:${listener.port}`);
    const fault = await faultOf(channel.send(mail, sendOptions({ onDataBegun })));
    assert.equal(fault.code, 'mail-unavailable');
    assert.match(fault.message, words);
    assert.ok(!inspect(fault, { depth: 9 }).includes(token));
    assert.ok(marks <= 1);
    if (what !== 'at once') assert.equal(marks, 1);
  });
}

test('an answer that breaks off in its body is evaluated by its status', async (t) => {
  const receiver = await answering(t, (socket) => {
    socket.end('HTTP/1.1 404 x\r\nContent-Length: 1000\r\n\r\nno such');
  });
  const fault = await faultOf(channelTo(receiver.origin).send(mail, sendOptions()));
  assert.deepEqual([fault.code, fault.message], ['mail-refused', 'webhook chat: status 404: no such']);
});

test('a receiver that is not there costs no mark: all its mails wait', async () => {
  const port = await freePort();
  const onDataBegun = (): Promise<void> => Promise.reject(new Error('marked'));
  const refused = await faultOf(channelTo(`http://127.0.0.1:${port}`).send(mail, sendOptions({ onDataBegun })));
  assert.deepEqual([refused.code, refused.stage], ['mail-unavailable', 'connect']);
  assert.equal(refused.message, 'webhook chat: ECONNREFUSED');
  const nameless = await faultOf(channelTo('http://nothing.invalid').send(mail, sendOptions({ onDataBegun })));
  assert.equal(nameless.stage, 'connect');
  assert.match(nameless.message, /^webhook chat: (ENOTFOUND|EAI_AGAIN)$/);
});

test('silence ends by the deadline, before and after the request', async (t) => {
  const receiver = await answering(t, () => undefined);
  const silent = await faultOf(channelTo(receiver.origin, { timeoutMs: 300 }).send(mail, sendOptions()));
  assert.deepEqual([silent.code, silent.stage], ['mail-unavailable', 'mail']);
  assert.match(silent.message, /^webhook chat: no answer within 0\.3 s while waiting for its answer$/);
  const listener = await listen(() => undefined, '127.0.0.1');
  t.after(() => listener.close());
  const origin = `https://127.0.0.1:${listener.port}`;
  const mute = await faultOf(channelTo(origin, { timeoutMs: 300 }).send(mail, sendOptions()));
  assert.deepEqual([mute.stage, mute.message], ['connect', 'webhook chat: no answer within 0.3 s while connecting']);
});

test('an answer that drips, or has no end, is not waited for', async (t) => {
  const receiver = await answering(t, (socket) => {
    socket.write(`HTTP/1.1 410 x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngone\r\n`);
    const timer = setInterval(() => socket.write('1\r\n!\r\n'), 50);
    socket.on('close', () => clearInterval(timer)).on('error', () => undefined);
  });
  const fault = await faultOf(channelTo(receiver.origin, { timeoutMs: 8_000 }).send(mail, sendOptions()));
  assert.match(fault.message, /^webhook chat: status 410: gone!+$/);
  const flood = await answering(t, { status: 400, body: 'x'.repeat(50_000_000) });
  assert.equal(
    (await faultOf(channelTo(flood.origin, { timeoutMs: 60_000 }).send(mail, sendOptions()))).code,
    'mail-refused',
  );
});

test('an abort ends it with its reason, and a mail that is no longer ours is not posted', async (t) => {
  const receiver = await answering(t, () => undefined);
  const abort = new AbortController();
  const reason = new FleetError({ code: 'interrupted', stage: 'run', message: 'ended by a test' });
  const sent = faultOf(channelTo(receiver.origin).send(mail, sendOptions({ signal: abort.signal })));
  await until(() => receiver.received.length === 1, 'nothing was posted');
  abort.abort(reason);
  assert.equal(await sent, reason);
  const lost = new FleetError({ code: 'locked', stage: 'mail', message: 'no longer ours' });
  const options = sendOptions({ onDataBegun: () => Promise.reject(lost) });
  assert.equal(await faultOf(channelTo(receiver.origin).send(mail, options)), lost);
  assert.equal(receiver.received.length, 1);
});

test('TLS: the authority of ca alone, the right host, and no expired certificate', async (t) => {
  const good = await openReceiver(t, { tls: certificates.good });
  await channelTo(good.origin, { ca: certificates.ca }).send(mail, sendOptions());
  await verifyWebhook(webhookConfig(good.origin, { ca: certificates.ca }), never);
  assert.equal(good.received.length, 1, 'a trial posts nothing');
  const wrong = await openReceiver(t, { tls: certificates.wrongHost });
  const expired = await openReceiver(t, { tls: certificates.expired });
  const foreign = /<webhook ca=/;
  for (const { origin, ca, words, advice } of [
    { origin: good.origin, ca: null, words: /UNABLE_TO|SELF_SIGNED/, advice: foreign },
    { origin: wrong.origin, ca: certificates.ca, words: /ERR_TLS_CERT_ALTNAME_INVALID/, advice: foreign },
    {
      origin: expired.origin,
      ca: certificates.ca,
      words: /CERT_HAS_EXPIRED/,
      advice: /^Have the certificate .* renewed/,
    },
  ] as const) {
    const webhook = webhookConfig(`${origin}/${token}`, { ca });
    for (const work of [createWebhookChannel(webhook).send(mail, sendOptions()), verifyWebhook(webhook, never)]) {
      const fault = await faultOf(work);
      assert.equal(fault.stage, 'connect');
      assert.match(fault.message, words);
      assert.match(fault.advice, advice);
      assert.ok(!inspect(fault, { depth: 9 }).includes(token));
    }
  }
  const plain = await openReceiver(t);
  const fault = await faultOf(channelTo(plain.origin.replace('http:', 'https:')).send(mail, sendOptions()));
  assert.equal(fault.stage, 'connect');
  assert.deepEqual([wrong.received, expired.received, plain.received], [[], [], []]);
});

test('a URL, a header or an authority that cannot be used keeps the mails waiting, and is not said', async () => {
  const file = path.join(dir, 'url');
  writeFileSync(file, `ftp://example.org/${token}\n`);
  const url = new Secret({ kind: 'file', path: file });
  const http = 'http://127.0.0.1:9/';
  for (const [webhook, words] of [
    [webhookConfig('', { url }), /^webhook chat: there is no web address in .*url$/],
    [webhookConfig('', { url: new Secret({ kind: 'file', path: path.join(dir, 'none') }) }), /none does not exist/],
    [webhookConfig('', { url: new Secret({ kind: 'env', name: 'FLEET_NO_SUCH' }) }), /\$FLEET_NO_SUCH is not set/],
    [
      webhookConfig(http, { header: literal(`X: ${token}\r\nY: z`) }),
      /^webhook chat: there is no header in config\.xml$/,
    ],
    [
      webhookConfig(http, { header: literal(`Content-Length: 5`) }),
      /^webhook chat: there is no header in config\.xml$/,
    ],
    [
      webhookConfig(http, { ca: path.join(dir, 'no-ca') }),
      /^webhook chat: <webhook ca>: \/.*\/no-ca cannot be read: it does not exist$/,
    ],
  ] as const) {
    const fault = await faultOf(createWebhookChannel(webhook).send(mail, sendOptions()));
    assert.equal(fault.stage, 'config');
    assert.match(fault.message, words);
    assert.ok(!inspect(fault, { depth: 9 }).includes(token));
  }
});
