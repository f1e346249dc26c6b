import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';
import PostalMime from 'postal-mime';

import { freezeMail, withFirstLine, type MailText } from '../../src/notify/mime.ts';

const dateMs = Date.UTC(2026, 10, 20, 10, 5);

const plain: MailText = {
  subject: 'CRITICAL web-1: disk /var 96.2 %',
  text: 'web-1: disk /var\n  96.2 %\n',
  html: '<p>web-1: disk /var</p>\n',
  messageId: '<0123456789abcdef0123456789abcdef@example.org>',
  inReplyTo: '<aaaa@example.org>',
  references: ['<bbbb@example.org>', '<aaaa@example.org>'],
  headers: { 'Auto-Submitted': 'auto-generated', 'List-Id': 'Fleet Health <fleet-health.example.org>' },
};

function freeze(over: Partial<MailText> = {}, to: string | null = 'ops@example.org'): Promise<string> {
  const from = 'Fleet Health <fleet-health@example.org>';
  return freezeMail({ mail: { ...plain, ...over }, from, to, dateMs });
}

/** Returns the fields of the header, unfolded, with names in lower case. */
function fieldsOf(content: string): readonly string[] {
  const [head = ''] = content.split('\r\n\r\n', 1);
  return head
    .replace(/\r\n[ \t]/g, ' ')
    .split('\r\n')
    .map((line) => line.split(':', 1)[0]?.toLowerCase() ?? '');
}

const expectedFields = [
  'auto-submitted',
  'content-type',
  'date',
  'from',
  'in-reply-to',
  'list-id',
  'message-id',
  'mime-version',
  'references',
  'subject',
  'to',
];

function assertWellMade(content: string): void {
  assert.ok(content.endsWith('\r\n'));
  assert.doesNotMatch(content, /[^\r]\n|\r[^\n]/);
  assert.doesNotMatch(content, /[^\r\n\t -~]/);
  const longest = Math.max(...content.split('\r\n').map((line) => line.length));
  assert.ok(longest < 998, `a line of ${longest} bytes`);
  assert.deepEqual([...fieldsOf(content)].sort(), expectedFields);
}

test('a first line stands before the text and in the HTML, however they are encoded', async () => {
  const sentence = 'This mail waited 2 hours for the mail server.';
  const page = (text: string): string =>
    `<!DOCTYPE html>\n<html>\n<body style="margin:0">\n${text}\n</body>\n</html>\n`;
  const texts = ['web-1: disk /var', 'web-1: '.repeat(40), 'db-ü: Festplatte', '数据库一号'.repeat(9)];
  for (const text of texts) {
    const before = await freeze({ text: `${text}\n`, html: page(text) });
    const content = withFirstLine(before, sentence);
    assertWellMade(content);
    const mail = await PostalMime.parse(content);
    assert.equal(mail.text?.trim(), `${sentence}\n\n${text.trim()}`);
    assert.equal(
      mail.html?.trim(),
      page(text)
        .replace('>\n' + text, `>\n<p>${sentence}</p>\n${text}`)
        .trim(),
    );
  }
  assert.equal(withFirstLine('Subject: x\r\n\r\n{}', sentence), 'Subject: x\r\n\r\n{}');
});

test('another parser reads what was written', async () => {
  const content = await freeze();
  assertWellMade(content);
  const mail = await PostalMime.parse(content);
  assert.equal(mail.subject, plain.subject);
  assert.equal(mail.text?.trim(), plain.text.trim());
  assert.equal(mail.html?.trim(), plain.html.trim());
  assert.equal(mail.messageId, plain.messageId);
  assert.equal(mail.inReplyTo, plain.inReplyTo);
  assert.equal(mail.references, plain.references.join(' '));
  assert.equal(mail.date, '2026-11-20T10:05:00.000Z');
  assert.deepEqual(mail.from, { address: 'fleet-health@example.org', name: 'Fleet Health' });
  assert.deepEqual(mail.to, [{ address: 'ops@example.org', name: '' }]);
  assert.equal(mail.headers.find(({ key }) => key === 'auto-submitted')?.value, 'auto-generated');
  assert.match(content, /^Content-Type: multipart\/alternative;/m);
  assert.ok(content.indexOf('text/plain') < content.indexOf('text/html'), 'what is best comes last');
});

test('the same words are the same bytes', async () => {
  assert.equal(await freeze(), await freeze());
  assert.notEqual(await freeze(), await freeze({ messageId: '<ffff@example.org>' }));
});

test('a mail for nobody that has an address', async () => {
  const mail = await PostalMime.parse(await freeze({}, null));
  assert.deepEqual(mail.to, [{ name: 'undisclosed-recipients', group: [] }]);
});

test('words of any script arrive as they were, in ASCII', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'grapheme', maxLength: 300 }), { maxLength: 20 }),
      fc.constantFrom('数据库', 'خادم', 'é', '👩‍👧', 'x'),
      async (lines, word) => {
        const clean = lines.map((line) => line.replace(/[\p{C}\s]+/gu, ' ').trim());
        const text = `${['.', 'From me', '--', `=20${word.repeat(400)}`, ...clean].join('\n')}\n`;
        const subject = `CRITICAL ${word.repeat(20)}: ${word} =?UTF-8?Q?x?= ${'long '.repeat(15)}end`;
        const content = await freeze({ text, subject, html: `<p>${word.repeat(400)}</p>` });
        assertWellMade(content);
        const mail = await PostalMime.parse(content);
        assert.equal(mail.text?.replace(/\n+$/, ''), text.replace(/\n+$/, ''));
        assert.equal(mail.html?.trim(), `<p>${word.repeat(400)}</p>`);
        assert.equal(mail.subject, subject);
      },
    ),
    { numRuns: 100 },
  );
});

const attacks: readonly (readonly [string, Partial<MailText>])[] = [
  ['a line break in the subject', { subject: 'x\r\nBcc: evil@example.com\r\n\r\nbody' }],
  ['a lone line feed', { subject: 'x\nBcc: evil@example.com' }],
  ['a lone carriage return', { subject: 'x\rBcc: evil@example.com' }],
  ['in an id', { inReplyTo: '<x@y>\r\nBcc: evil@example.com' }],
  ['in a reference', { references: ['<x@y>\r\nBcc: evil@example.com'] }],
  ['in a header', { headers: { ...plain.headers, 'Auto-Submitted': 'x\r\nBcc: evil@example.com' } }],
];

for (const [name, over] of attacks) {
  test(`no header can be slipped in: ${name}`, async () => {
    const content = await freeze(over);
    assertWellMade(content);
    const mail = await PostalMime.parse(content);
    assert.equal(mail.bcc, undefined);
    assert.equal(mail.text?.trim(), plain.text.trim());
  });
}

test('what looks like an encoded word stays what it is', async () => {
  for (const subject of ['=?UTF-8?B?4oCu?= web-1', 'wéb =?UTF-8?Q?=0D=0ABcc:_x?=', '=?utf-8?q?a', '?= =?']) {
    const mail = await PostalMime.parse(await freeze({ subject }));
    assert.equal(mail.subject, subject);
  }
});

test('no second recipient can be slipped in', async () => {
  for (const to of ['a@example.org, evil@example.com', 'a@example.org\r\nBcc: evil@example.com']) {
    const mail = await PostalMime.parse(await freeze({}, to));
    assert.equal(mail.bcc, undefined);
    assert.ok((mail.to?.length ?? 0) <= 1, to);
  }
});

test('a hundred references are folded', async () => {
  const references = Array.from({ length: 100 }, (_, index) => `<${String(index).padStart(20, '0')}@example.org>`);
  const content = await freeze({ references });
  assertWellMade(content);
  assert.equal((await PostalMime.parse(content)).references, references.join(' '));
});
