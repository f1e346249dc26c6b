import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { PostalMime } from '../../../src/notify/postal-mime.ts';
import { kindOfCopy, messageDigest, parseReply } from '../../../src/notify/replies/parse-reply.ts';
import { newReplyToken, replyAddress, tokenIn } from '../../../src/notify/replies/reply-token.ts';

const token = '0123456789abcdef01234567';
const to = `fleet+${token}@example.org`;

interface MailOptions {
  readonly headers?: readonly string[];
  readonly to?: string;
  readonly body?: string;
}

function mail({ headers = [], to: addressee = to, body = 'ack\n' }: MailOptions = {}): Buffer {
  const head = ['From: Kim <kim@example.org>', `To: ${addressee}`, 'Subject: Re: CRITICAL', ...headers];
  return Buffer.from([...head, '', body].join('\n').replace(/\r?\n/g, '\r\n'));
}

test('says who replied what to which mail', async () => {
  const [ack, silence] = await Promise.all([parseReply(mail()), parseReply(mail({ body: 'Silence 1d\n> ack\n' }))]);
  const expected = { token, from: 'kim@example.org', automatic: false };
  assert.match(ack?.message ?? '', /^[0-9a-f]{64}$/);
  assert.notEqual(ack?.message, silence?.message);
  assert.deepEqual(ack, { ...expected, message: ack?.message, line: 'ack', command: { kind: 'ack', forMs: null } });
  assert.deepEqual(silence, {
    ...expected,
    message: silence?.message,
    line: 'Silence 1d',
    command: { kind: 'silence', forMs: 86_400_000 },
  });
});

test('is the same message by its Message-ID, whatever a server has added to it', async () => {
  const id = 'Message-ID: <1@mail.example.org>';
  const headers = [[id], ['Status: RO', id], ['Message-ID: <2@mail.example.org>'], []];
  const read = await Promise.all(headers.map((one) => parseReply(mail({ headers: one }))));
  const [first, again, ...others] = read.map((reply) => reply?.message);
  assert.equal(first, again);
  assert.equal(new Set([first, ...others]).size, 3);
});

const automatic: readonly (readonly [header: string, isAutomatic: boolean])[] = [
  ['Auto-Submitted: auto-replied', true],
  ['Auto-Submitted: auto-generated; type=vacation', true],
  ['auto-submitted: AUTO-NOTIFIED', true],
  ['Auto-Submitted: no', false],
  ['Auto-Submitted: No; owner-email="x"', false],
  ['Precedence: bulk', true],
  ['Precedence: list', true],
  ['Precedence: junk', true],
  ['Precedence: auto_reply', true],
  ['Precedence: first-class', false],
  ['List-Id: Ops <ops.example.org>', true],
  ['X-Autoreply: yes', true],
  ['Return-Path: <>', true],
  ['Return-Path: <kim@example.org>', false],
  ['Content-Type: multipart/report; report-type=delivery-status; boundary=b', true],
  ['X-Auto-Response-Suppress: OOF', false],
  ['X-Auto-Response-Suppress: All', true],
  ['X-Auto-Reply: yes', true],
  ['X-Auto-Reply: no', false],
  ['X-Auto-Reply-From: kim@example.org', true],
  ['X-AutoReply-From: kim@example.org', true],
  ['X-Mail-Autoreply: 1', true],
  ['X-Autoresponder: 1', true],
  ['X-Failed-Recipients: kim@example.org', true],
  ['Precedence: auto-reply', true],
  ['Delivered-To: Autoresponder', true],
  ['Return-Path: <MAILER-DAEMON>', true],
  ['Return-Path: <mailer-daemon@mail.example.org>', true],
  ['From: Mail Delivery System <MAILER-DAEMON@mail.example.org>', true],
];

for (const [header, isAutomatic] of automatic) {
  test(`${header} is ${isAutomatic ? 'a program' : 'a person'}`, async () => {
    assert.equal((await parseReply(mail({ headers: [header] })))?.automatic, isAutomatic);
  });
}

test('takes the token from any header with the address, in letters of either case', async () => {
  for (const options of [
    { to: `Fleet <FLEET+${token.toUpperCase()}@EXAMPLE.ORG>` },
    { to: `kim@example.org, "Fleet, Health" <${to}>` },
    { to: 'ops@example.org', headers: [`Cc: ${to}`] },
    { to: 'ops@example.org', headers: [`Delivered-To: ${to}`] },
    { to: 'ops@example.org', headers: [`X-Original-To: ${to}`] },
  ]) {
    assert.equal((await parseReply(mail(options)))?.token, token, JSON.stringify(options));
  }
  for (const other of ['fleet@example.org', `fleet+${token}0@example.org`, `fleet+${token.slice(1)}@example.org`]) {
    assert.equal(await parseReply(mail({ to: other, body: `ack\n${to}\n` })), null, other);
  }
});

const multipart = (type: string, ...parts: readonly (readonly [type: string, body: string])[]): MailOptions => ({
  headers: ['MIME-Version: 1.0', `Content-Type: multipart/${type}; boundary="b"`],
  body: [...parts.map(([kind, body]) => `--b\nContent-Type: ${kind}\n\n${body}`), '--b--', ''].join('\n'),
});

const bodies: readonly { readonly what: string; readonly options: MailOptions; readonly line: string | null }[] = [
  {
    what: 'text beside HTML',
    options: multipart('alternative', ['text/plain', 'ack 4h'], ['text/html', '<p>no</p>']),
    line: 'ack 4h',
  },
  {
    what: 'HTML alone',
    options: {
      headers: ['Content-Type: text/html; charset=utf-8'],
      body:
        '<html><head><style>ack{}</style></head><body><div>ack&nbsp;4h</div><div>x</div>' +
        '<blockquote>CRITICAL</blockquote>',
    },
    line: 'ack 4h',
  },
  {
    what: 'HTML that quotes alone',
    options: { headers: ['Content-Type: text/html'], body: '<blockquote>ack</blockquote>' },
    line: null,
  },
  {
    what: 'base64',
    options: { headers: ['Content-Transfer-Encoding: base64'], body: Buffer.from('ack\r\n').toString('base64') },
    line: 'ack',
  },
  {
    what: 'quoted-printable',
    options: { headers: ['Content-Transfer-Encoding: quoted-printable'], body: '=61ck=20=\n4h\n' },
    line: 'ack 4h',
  },
  {
    what: 'HTML beside an empty text',
    options: multipart('alternative', ['text/plain', '\n'], ['text/html', '<p>ack&#8203; 4h</p>']),
    line: 'ack 4h',
  },
  {
    what: 'HTML beside a text that only quotes',
    options: multipart(
      'alternative',
      ['text/plain', 'Fleet wrote:\n> CRITICAL\n'],
      ['text/html', '<div>silence 1d</div><blockquote>CRITICAL</blockquote>'],
    ),
    line: 'silence 1d',
  },
  { what: 'an enclosed mail', options: multipart('mixed', ['message/rfc822', 'Subject: x\n\nack']), line: null },
  { what: 'an attachment', options: multipart('mixed', ['application/octet-stream', 'ack']), line: null },
  { what: 'no text', options: { body: '' }, line: null },
  {
    what: 'Outlook below a table that Exchange put there',
    options: multipart('alternative', [
      'text/html; charset=us-ascii',
      '<html><head><style>p{}</style></head><body><div style="display:none;mso-hide:all">CRITICAL ack 9h</div>' +
        '<table><tr><td>CAUTION:</td><td>This email is external.<br>Do not click.</td></tr></table><br>' +
        '<div class="WordSection1"><p class="MsoNormal">ack 4h<o:p></o:p></p><p>Kim</p><div><div style="border:none">' +
        '<p><b>From:</b> Fleet &lt;fleet@example.org&gt;<br><b>Sent:</b> Monday<br><b>To:</b> Kim<br>' +
        '<b>Subject:</b> CRITICAL</p></div></div><p>ack 9h</p></div></body></html>',
    ]),
    line: 'ack 4h',
  },
  {
    what: 'Outlook that says no above an earlier ack',
    options: multipart('alternative', [
      'text/html; charset=us-ascii',
      '<p>No, wait.</p><hr><div id="divRplyFwdMsg"><b>From:</b> Bob<br><b>Sent:</b> x<br><b>To:</b> y</div><p>ack</p>',
    ]),
    line: null,
  },
  {
    what: 'a text part with the warning alone',
    options: multipart(
      'alternative',
      ['text/plain', 'EXTERNAL EMAIL\nShow this mail as HTML.\n'],
      ['text/html', '<p>EXTERNAL EMAIL</p><p>ack</p>'],
    ),
    line: 'ack',
  },
  {
    what: 'UTF-16',
    options: {
      headers: ['Content-Type: text/plain; charset=utf-16le', 'Content-Transfer-Encoding: base64'],
      body: `${Buffer.from('ack 4h\r\n', 'utf16le').toString('base64')}\n`,
    },
    line: 'ack 4h',
  },
  {
    what: 'UTF-16 with its mark',
    options: {
      headers: ['Content-Type: text/plain; charset=utf-16', 'Content-Transfer-Encoding: base64'],
      body: `${Buffer.from('\ufeffack 4h\r\n', 'utf16le').toString('base64')}\n`,
    },
    line: 'ack 4h',
  },
  {
    what: 'a charset that nobody knows',
    options: { headers: ['Content-Type: text/plain; charset=x-unknown'], body: 'ack\n' },
    line: 'ack',
  },
];

for (const { what, options, line } of bodies) {
  test(`reads the command of ${what}`, async () => {
    assert.equal((await parseReply(mail(options)))?.line, line);
  });
}

test('cleans the sender, and names one that is missing', async () => {
  const odd = await parseReply(mail({ headers: ['X: y'] }));
  assert.equal(odd?.from, 'kim@example.org');
  const from = (text: string): Buffer => Buffer.from(`From: ${text}\r\nTo: ${to}\r\n\r\nack\r\n`);
  assert.equal((await parseReply(from('<k\u202eim\u0007@example.org>')))?.from.includes('\u202e'), false);
  assert.equal((await parseReply(from('')))?.from, 'unknown sender');
  assert.ok(((await parseReply(from(`<${'k'.repeat(3000)}@example.org>`)))?.from.length ?? 0) <= 255);
});

test('a message is known again by its Message-ID, whatever else its server makes anew', () => {
  const sent = (id: string | null, body: string): string =>
    messageDigest(mail({ body, headers: id === null ? [] : [`Message-ID: <${id}@example.org>`] }));
  assert.equal(sent('a', 'ack'), sent('a', 'ack\n\n'));
  assert.notEqual(sent('a', 'ack'), sent('b', 'ack'));
  assert.notEqual(sent(null, 'ack'), sent(null, 'ack 4h'));
  assert.equal(sent(null, 'ack'), sent(null, 'ack'));
});

test('the token is looked up before the body is read', async (t) => {
  const parse = t.mock.method(PostalMime, 'parse');
  const body = '\n'.repeat(60_000);
  assert.equal(await parseReply(mail({ to: 'fleet@example.org', body })), null);
  assert.equal(parse.mock.callCount(), 0);
  assert.equal((await parseReply(mail({ body: `${body}ack` })))?.line, 'ack');
});

test('a token is found in a folded header, in any order of headers, and not in the body', async () => {
  const found = async (text: string): Promise<string | undefined> => (await parseReply(Buffer.from(text)))?.token;
  assert.equal(await found(`X: y\r\nTo:\r\n Fleet\r\n\t<${to}>\r\nFrom: a@b\r\n\r\nack`), token);
  assert.equal(await found(`to:${to}\n\nack`), token);
  assert.equal(await found(`X-To: ${to}\r\n\r\nack`), undefined);
  assert.equal(await found(`X: y\r\n\r\nTo: ${to}\r\n`), undefined);
  assert.equal(await found(`X: ${'y'.repeat(66_000)}\r\nTo: ${to}\r\n\r\nack`), undefined);
});

test('no bytes break the reading', async () => {
  const head = Buffer.from(`To: ${to}\r\nContent-Type: multipart/mixed; boundary=b\r\n`);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.nat(400), async (bytes, end) => {
      const whole = Buffer.concat([head, bytes, Buffer.from('\r\n--b\r\n\r\nack\r\n--b--')]);
      const read = await parseReply(whole.subarray(0, head.length + end));
      assert.ok(read === null || read.token === token);
    }),
  );
  assert.equal(await parseReply(Buffer.from(`X: ${'y'.repeat(70_000)}\r\nTo: ${to}\r\n\r\nack`)), null);
});

test('makes addresses that replies are recognised by', () => {
  const made = newReplyToken();
  const address = replyAddress('fleet@example.org', made);
  assert.match(address, /^fleet\+[0-9a-f]{24}@example\.org$/);
  assert.equal(tokenIn([address]), made);
  assert.notEqual(newReplyToken(), made);
});

const report = ['Content-Type: multipart/report; boundary=x', 'From: MAILER-DAEMON@x.org'];
for (const { what, headers, body = '', kind } of [
  { what: 'the canary itself', headers: [`Message-ID: <canary-${token}@x.org>`, ...report], kind: 'itself' },
  { what: 'a forwarded canary', headers: ['Message-ID: <1@x.org>'], kind: 'itself' },
  { what: 'an answer of a program', headers: ['Auto-Submitted: auto-replied (vacation)'], kind: 'answer' },
  {
    what: 'a bounce',
    headers: report,
    body: 'Action: failed\nDiagnostic-Code: smtp; 550 5.1.1\n  no \u202esuch user\nX: y',
    kind: { bounce: '550 5.1.1 no \ufffdsuch user' },
  },
  { what: 'a bounce without a code', headers: ['From: postmaster@x.org'], kind: { bounce: 'Re: CRITICAL' } },
  { what: 'a report of a delay', headers: report, body: 'Action: delayed\n', kind: 'answer' },
] as const) {
  test(`tells a canary, its bounce and an answer to it apart: ${what}`, () => {
    const source = mail({ headers, body: `${token}\n${body}\n` });
    assert.deepEqual(
      kindOfCopy(Buffer.from(source.toString().replace('From: Kim <kim@example.org>\r\n', '')), token),
      kind,
    );
  });
}
