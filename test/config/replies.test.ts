import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import fc from 'fast-check';

import { parseImapUrl } from '../../src/config/values/imap-url.ts';
import { assertFault, faultsOfText, load } from './support/config-files.ts';
import { codePoint } from '../support/code-points.ts';

const client = '<client ip="10.0.0.1"/>';
const from = '<smtp host="127.0.0.1" from="Fleet &lt;fleet@example.org&gt;"/>';

test('the mailbox of replies: its settings, and its defaults', () => {
  const { replies } = load(
    `${from}<replies imap="imaps://fleet@imap.example.org" passwordFile="imap.password"/>${client}`,
  );
  const { password, ...rest } = replies ?? assert.fail('no replies');
  assert.match(password.file ?? '', /\/imap\.password$/);
  assert.deepEqual(rest, {
    host: 'imap.example.org',
    port: 993,
    security: 'tls',
    username: 'fleet',
    mailbox: 'INBOX',
    address: 'fleet@example.org',
    ca: null,
  });
  const other =
    load(`<replies imap="imap://me%40example.net@imap.example.org:1143/Fleet/Replies%20in" password="S3CRET-8f"
    ca="ca.pem"/>${client}`).replies;
  assert.ok(other);
  const { port, security, username, mailbox, address } = other;
  assert.deepEqual(
    { port, security, username, mailbox, address },
    {
      port: 1143,
      security: 'starttls',
      username: 'me@example.net',
      mailbox: 'Fleet/Replies in',
      address: 'me@example.net',
    },
  );
  assert.match(other.ca ?? '', /\/ca\.pem$/);
  assert.doesNotMatch(inspect(other, { depth: 9, showHidden: true }) + JSON.stringify(other), /S3CRET/);
  const local = load(
    `<replies imap="imap://fleet@localhost" passwordEnv="P" address="all@example.org"/>${client}`,
  ).replies;
  assert.deepEqual([local?.security, local?.address, local?.password.origin], ['none', 'all@example.org', '$P']);
  assert.equal(load(client).replies, null);
});

for (const [attributes, words] of [
  ['imap="imaps://fleet@imap.example.org"', /<replies> has no password; add passwordFile/],
  ['password="S3CRET-8f"', /<replies> has no imap; add imap="imaps:..\.\.\." or links="yes"/],
  ['links="no"', /<replies> has no imap/],
  ['links="yes"', /<replies> has links but no page; add url="https:..fleet.example.org." to <serve>/],
  [
    'imap="imaps://fleet:S3CRET-8f@imap.example.org" passwordFile="x"',
    /<replies> imap is no mailbox; .* without the password/,
  ],
  ['imap="imaps://imap.example.org" passwordFile="x"', /imap is no mailbox/],
  ['imap="https://fleet@imap.example.org" passwordFile="x"', /imap is no mailbox/],
  ['imap="imaps://fleet@imap.example.org/a%0d%0ab" passwordFile="x"', /imap is no mailbox/],
  ['imap="imaps://fleet@imap.example.org" passwordFile="x" password="S3CRET-8f"', /has password and passwordFile/],
  ['imap="imap://fleet@127.0.0.1" passwordFile="x" ca="ca.pem"', /has ca but no encryption; write imaps:/],
  [
    'imap="imaps://fleet health@imap.example.org" passwordFile="x"',
    /no usable mail address \(fleet health@example.org\)/,
  ],
  [
    'imap="imaps://f@h" passwordFile="x" address="a-name-with-fourty-characters-in-it-at-all@example.org"',
    /no usable mail/,
  ],
] as const) {
  test(`refused without the secret: ${attributes}`, () => {
    const found = faultsOfText(`<config>${from}<replies ${attributes}/>${client}</config>`).join('\n');
    assert.match(found, words);
    assert.doesNotMatch(found, /S3CRET/);
  });
}

test('links of mails need https, unless they stay on this machine, and no mailbox', () => {
  const read = (url: string) => load(`<serve url="${url}"><look/></serve><replies links="yes"/>${client}`);
  const { replies, replyLinks, serve } = read('https://fleet.example.org');
  assert.deepEqual(
    [replies, replyLinks, serve?.url],
    [null, 'https://fleet.example.org/', 'https://fleet.example.org/'],
  );
  assert.equal(read('http://localhost:5151/').replyLinks, 'http://localhost:5151/');
  assert.equal(load(`<serve url="https://f.example.org/"><look/></serve>${client}`).replyLinks, null);
  assertFault(
    `<serve url="http://f.example.org/"><look/></serve><replies links="yes"/>${client}`,
    /<replies> would send the tokens of links in clear to http:..f\.example\.org.; write https:/,
  );
  const both = load(
    `<serve url="https://f.example.org/"><look/></serve>${from}` +
      `<replies links="yes" imap="imaps://fleet@h" passwordFile="x"/>${client}`,
  );
  assert.deepEqual([both.replies?.host, both.replyLinks], ['h', 'https://f.example.org/']);
  assertFault(
    `${from}<serve url="https://f.example.org/"><look/></serve><replies links="yes"/><canary to="c@example.org"/>${client}`,
    /<canary> needs the mailbox/,
  );
});

test('it stands once, at the top', () => {
  const replies = '<replies imap="imaps://fleet@h" passwordFile="x" address="fleet@example.org"/>';
  assert.match(faultsOfText(`<config>${replies}${replies}${client}</config>`).join(), /second <replies>|more than one/);
  assert.match(
    faultsOfText(`<config><alerts>${replies}</alerts>${client}</config>`).join(),
    /cannot stand in <alerts>/,
  );
});

test('no text breaks the reading of a mailbox', () => {
  const text = fc.oneof(
    fc.string({ unit: codePoint }),
    // fc.webUrl lists all code points at its first use.
    fc
      .tuple(fc.string({ unit: codePoint }), fc.domain(), fc.nat(70_000), fc.string({ unit: codePoint }))
      .map(
        ([user, host, port, mailbox]) => `imaps://${encodeURIComponent(user)}@${host}:${port}/${encodeURI(mailbox)}`,
      ),
  );
  fc.assert(
    fc.property(text, (one) => {
      const url = parseImapUrl(one);
      assert.ok(url === null || (url.username !== '' && url.mailbox !== '' && url.port >= 0));
    }),
  );
  assert.deepEqual(parseImapUrl('imaps://a@[::1]:1993/x'), {
    implicit: true,
    host: '::1',
    port: 1993,
    username: 'a',
    mailbox: 'x',
  });
});

const replies = '<replies imap="imaps://fleet@imap.example.org" passwordFile="imap.password"/>';

test('the canary: its settings, and its defaults', () => {
  const read = (attributes: string) =>
    load(`${from}${replies}<canary to="c@example.org" ${attributes}/>${client}`).canary;
  assert.deepEqual(read(''), { to: 'c@example.org', everyMs: 86_400_000, atMinute: 250 });
  assert.deepEqual(read('every="6h" at="23:05"'), { to: 'c@example.org', everyMs: 21_600_000, atMinute: 1385 });
  assert.equal(load(client).canary, null);
});

for (const [elements, words] of [
  [`${replies}<canary to="c@example.org"/>`, /<canary> needs a mail server; write <smtp host=/],
  [
    `${from}<canary to="c@example.org"/>`,
    /<canary> needs the mailbox to which its mails come back; write <replies imap=/,
  ],
  [`${from}${replies}<canary to="c@example.org" every="1h"/>`, /every="1h" is neither 2h, .* nor 1d to 7d/],
  [`${from}${replies}<canary to="c@example.org" every="5h"/>`, /every="5h" is neither 2h/],
  [`${from}${replies}<canary to="c@example.org" every="8d"/>`, /every="8d" is neither 2h/],
  [`${from}${replies}<canary/>`, /<canary> lacks to; write to=/],
] as const) {
  test(`refuses a canary: ${words.source}`, () => {
    assertFault(`${elements}${client}`, words);
  });
}
