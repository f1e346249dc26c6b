/** Bytes of others, in the encodings that their programs chose. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { Secret } from '../../src/config/secret.ts';
import { getStatus } from '../../src/notify/http/get-status.ts';
import { visitorReader } from '../../src/look/serve/visitor.ts';
import { kindOfCopy } from '../../src/notify/replies/parse-reply.ts';
import { readAnswer } from '../../src/notify/webhook/read-answer.ts';
import { decodeText, headerText } from '../../src/text/plain-text.ts';
import { parseJson, anyObject } from '../../src/platform/parse-json.ts';
import { startHttpReceiver } from '../support/servers/http-receiver.ts';

const word = 'Größe ok';
const utf16be = Buffer.from(`\ufeff${word}`, 'utf16le').swap16();

const texts: readonly (readonly [what: string, bytes: Buffer, text: string])[] = [
  ['UTF-8', Buffer.from(word), word],
  ['UTF-8 with a mark', Buffer.from(`\ufeff${word}`), word],
  ['UTF-16LE with a mark', Buffer.from(`\ufeff${word}`, 'utf16le'), word],
  ['UTF-16BE with a mark', utf16be, word],
  ['Latin-1', Buffer.from(word, 'latin1'), word],
  ['Latin-1 at the end', Buffer.from('Größ\u00e9', 'latin1'), 'Größ\u00e9'],
  ['Windows-1252', Buffer.from([0x93, 0x80, 0x35, 0x94, 0x20, 0x9f]), '“€5” Ÿ'],
  ['nothing', Buffer.alloc(0), ''],
];

for (const [what, bytes, text] of texts) {
  test(`decodes ${what}`, () => {
    assert.equal(decodeText(bytes), text);
  });
}

test('a long text that was cut within a character stays UTF-8', () => {
  const whole = Buffer.from('ö日🐟'.repeat(500));
  for (let end = whole.length - 12; end <= whole.length; end += 1)
    assert.ok(decodeText(whole.subarray(0, end)).startsWith('ö日🐟ö'), String(end));
});

test('a password is the same in a file of any encoding', (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'secret-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const file = path.join(dir, 'password');
  for (const [what, bytes] of texts.slice(0, 5)) {
    writeFileSync(
      file,
      Buffer.concat([bytes, Buffer.from(what.includes('LE') ? '\r\0\n\0' : what.includes('BE') ? '\0\n' : '\r\n')]),
    );
    assert.equal(new Secret({ kind: 'file', path: file }).reveal(), word, what);
  }
});

test('the name that a proxy sends in UTF-8 is the name of its user', () => {
  const header = Buffer.from('Jörg Größe').toString('latin1');
  assert.equal(headerText(header), 'Jörg Größe');
  assert.equal(headerText('J\u00f6rg'), 'J\u00f6rg');
  const serve = { trustedProxies: ['192.0.2.1'], userHeader: 'remote-user', tls: null };
  const request = { socket: { remoteAddress: '192.0.2.1' }, headers: { 'remote-user': header } };
  const visitor = visitorReader(serve as never)(request as unknown as IncomingMessage);
  assert.equal(visitor.user, 'Jörg Größe');
});

test('a redirect to a path that a server wrote in UTF-8 is followed there', async (t) => {
  const receiver = await startHttpReceiver();
  t.after(() => receiver.stop());
  const location = Buffer.from('/Größe').toString('latin1');
  receiver.act(({ path: at }) => (at === '/' ? { status: 302, headers: { location } } : { status: 204 }));
  const never = new AbortController().signal;
  assert.equal(await getStatus(new URL(`${receiver.origin}/`), { headers: {}, proxy: 'none', signal: never }), 204);
  assert.equal(receiver.received.at(-1)?.path, '/Gr%C3%B6%C3%9Fe');
});

test('a document of JSON may begin with a mark', () => {
  assert.deepEqual(parseJson(anyObject, '\ufeff{"a":1}'), { a: 1 });
  assert.equal(readAnswer('gotify', { status: 200, retryAfter: null, body: '\ufeff{"id":1}' }, 0).meaning, 'accepted');
});

test('the reason of a bounce is decoded, whatever its server wrote', () => {
  const head = 'From: MAILER-DAEMON@x.org\r\n';
  const bounce = (source: Buffer): unknown => Object(kindOfCopy(source, 'token'));
  for (const [subject, encoding] of [
    ['=?utf-8?Q?Nicht_zustellbar:_Gr=C3=B6=C3=9Fe?=', 'latin1'],
    ['=?iso-8859-1?B?TmljaHQgenVzdGVsbGJhcjogR3L232U=?=', 'latin1'],
    ['Nicht zustellbar: Größe', 'utf8'],
    ['Nicht zustellbar: Größe', 'latin1'],
  ] as const) {
    const source = Buffer.from(`${head}Subject: ${subject}\r\n\r\n`, encoding);
    assert.deepEqual(bounce(source), { bounce: 'Nicht zustellbar: Größe' }, subject);
  }
  const diagnostic = Buffer.from(`${head}\r\nDiagnostic-Code: smtp; 550 Größe\r\n`, 'latin1');
  assert.deepEqual(bounce(diagnostic), { bounce: '550 Größe' });
});
