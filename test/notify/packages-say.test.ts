/** The bytes that packages add to our words, as they arrive at another system (docs/internals.md). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';

import { createEmailChannel } from '../../src/notify/email.ts';
import { getStatus } from '../../src/notify/http/get-status.ts';
import { post } from '../../src/notify/http/post.ts';
import { freezeNotice } from '../../src/notify/mime.ts';
import { openServer } from '../alerter/support/sending.ts';
import { never, outgoing, sendOptions, smtpConfig } from './support/smtp-config.ts';

const notice = {
  subject: 'Größe',
  lines: ['.', 'größer', ''],
  messageId: '<1@example.org>',
  from: 'Flotte <fleet@example.org>',
  dateMs: 1_700_000_000_000,
};

test('a mail has the headers that are ours, in ASCII, and no name of a program or zone', async () => {
  const content = await freezeNotice({ ...notice, to: 'ops@example.org' });
  const head = content.split('\r\n\r\n', 1)[0] ?? '';
  const names = head.split(/\r\n(?![ \t])/).map((line) => line.split(':', 1)[0] ?? '');
  assert.deepEqual(names.toSorted(), [
    ...['Auto-Submitted', 'Content-Type', 'Date', 'From', 'MIME-Version', 'Message-ID', 'Subject', 'To'],
  ]);
  assert.match(head, /^Date: Tue, 14 Nov 2023 22:13:20 \+0000$/m);
  assert.doesNotMatch(content, /[^\x20-\x7e\r\n]|(?<!\r)\n|\r(?!\n)/);
  assert.ok(content.split('\r\n').every((line) => line.length <= 998));
});

test('a mail server hears of an extension only if it offers it and the mail needs it', async (t) => {
  const cases = [
    { to: 'ops@example.org', content: 'Subject: x\r\n\r\nx\r\n', said: '' },
    { to: 'ops@example.org', content: 'Subject: x\r\n\r\n\u00e4\r\n', said: ' BODY=8BITMIME' },
    { to: 'j\u00f6rg@example.org', content: 'Subject: x\r\n\r\nx\r\n', said: ' SMTPUTF8' },
  ];
  for (const extensions of [['8BITMIME', 'SMTPUTF8'], []]) {
    const server = await openServer(t, { extensions });
    const channel = createEmailChannel(smtpConfig(server.port));
    for (const { to, content } of cases)
      await channel.send(outgoing({ recipient: to, content }), sendOptions()).catch(() => undefined);
    channel.close();
    const lines = server.lines.filter((line) => /:MAIL/.test(line)).map((line) => line.replace(/^\d+:/, ''));
    const sent = cases.map(({ said }) => (extensions.length === 0 ? '' : said));
    assert.deepEqual(
      lines,
      sent.map((said) => `MAIL FROM:<fleet@example.org>${said}`),
    );
  }
});

test('a web server gets requests of HTTP/1.1 with a name, a length and no wish for compression', async () => {
  const heard: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      heard.push(chunk.toString());
      if (/^GET|"\}$/.test(heard.join(''))) socket.end('HTTP/1.1 204 No Content\r\n\r\n');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = new URL(`http://127.0.0.1:${port}/a?b=c`);
  const headers = { 'user-agent': 'fleet-health', 'content-type': 'application/json' };
  const request = { headers, body: '{"a":"\u00e4"}', signal: never, onDataBegun: () => Promise.resolve() };
  await post({ url, ca: null, proxy: 'none', timeoutMs: 60_000 }, request);
  const posted = heard.splice(0).join('');
  assert.equal(
    posted,
    [
      ...['POST /a?b=c HTTP/1.1', 'user-agent: fleet-health', 'content-type: application/json', 'connection: close'],
      ...['content-length: 10', `host: 127.0.0.1:${port}`, '', '{"a":"\u00e4"}'],
    ].join('\r\n'),
  );
  assert.equal(await getStatus(url, { headers: {}, proxy: 'none', signal: never }), 204);
  const got = heard.join('').toLowerCase();
  assert.match(got, /^get \/a\?b=c http\/1\.1\r\naccept: \*\/\*\r\nuser-agent: fleet-health\r\n/);
  assert.doesNotMatch(got, /accept-encoding|transfer-encoding/);
  server.close();
});
