import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { firstOwnLine, parseReplyCommand } from '../../../src/notify/replies/reply-command.ts';
import { codePoint } from '../../support/code-points.ts';

const hourMs = 3_600_000;

const commands: readonly { readonly line: string; readonly kind: string | null; readonly forMs?: number | null }[] = [
  { line: 'ack', kind: 'ack', forMs: null },
  { line: 'Ack', kind: 'ack', forMs: null },
  { line: 'ACK.', kind: 'ack', forMs: null },
  { line: 'ack!', kind: 'ack', forMs: null },
  { line: 'ack 4h', kind: 'ack', forMs: 4 * hourMs },
  { line: 'Ack  90m', kind: 'ack', forMs: 1.5 * hourMs },
  { line: 'ack 1h30m.', kind: 'ack', forMs: 1.5 * hourMs },
  { line: 'silence 1d', kind: 'silence', forMs: 24 * hourMs },
  { line: 'SILENCE 1D', kind: 'silence', forMs: 24 * hourMs },
  { line: 'silence', kind: null },
  { line: 'ack 0h', kind: null },
  { line: 'ack 4', kind: null },
  { line: 'ack -4h', kind: null },
  { line: 'ack 4h please', kind: null },
  { line: 'ack 400d', kind: null },
  { line: 'silence 99999y', kind: null },
  { line: 'acknowledged', kind: null },
  { line: 'acks', kind: null },
  { line: 'please ack', kind: null },
  { line: 'ack, ack 4h or silence 1d', kind: null },
  { line: 'Reply ack, ack 4h or silence 1d: it concerns what fires in this mail.', kind: null },
  { line: 'I am out of the office until Monday.', kind: null },
  { line: '', kind: null },
];

for (const { line, kind, forMs } of commands) {
  test(`${JSON.stringify(line)} is ${kind ?? 'no command'}`, () => {
    assert.deepEqual(parseReplyCommand(line), kind === null ? null : { kind, forMs });
  });
}

const texts: readonly { readonly what: string; readonly text: string; readonly line: string | null }[] = [
  { what: 'a line alone', text: 'ack', line: 'ack' },
  { what: 'above a quotation', text: 'ack 4h\n\nOn Sun, 22 Nov 2026, Fleet wrote:\n> CRITICAL\n', line: 'ack 4h' },
  { what: 'blanks and invisible characters', text: '\r\n \u00a0\r\n\u200back\u00a0 4h \ufeff\r\n', line: 'ack 4h' },
  { what: 'old line ends', text: '\r\rack\r', line: 'ack' },
  { what: 'below a quotation', text: '> CRITICAL web-1\n>> ack\n\nack\n', line: 'ack' },
  { what: 'below who wrote it', text: 'On Sun, Fleet wrote:\n> CRITICAL\n\nack\n', line: 'ack' },
  {
    what: 'below who wrote it in two lines',
    text: 'On Sun, 22 Nov 2026 at 10:00,\nFleet <fleet@example.org> wrote:\n\n> x\nack',
    line: 'ack',
  },
  {
    what: 'below who said it, with two empty lines above the quotation',
    text: 'On 1 Oct 2026, at 10:00, fleet@example.org said:\n\n\n> silence 1d\n\nack\n',
    line: 'ack',
  },
  {
    what: 'directly above who wrote it',
    text: 'ack 4h\nAm 2. M\u00e4rz 2026 um 10:00 schrieb Fleet:\n> CRITICAL\n',
    line: 'ack 4h',
  },
  {
    what: 'directly above who wrote it in two lines',
    text: 'silence 1d\nOn Sun, 22 Nov 2026 at 10:00,\nFleet <fleet@example.org> wrote:\n> CRITICAL\n',
    line: 'silence 1d',
  },
  { what: 'under another text, above who wrote it', text: 'Hi,\nack\nFleet wrote:\n> x\nack 4h', line: 'Hi,' },
  {
    what: 'below who wrote it, with a wide colon',
    text: '于2026年3月2日 下午3:05写道：\n> x\n\nack 4h',
    line: 'ack 4h',
  },
  ...[
    '>>> Fleet <fleet@example.org> 11/30/2026 5:02 PM >>>\n',
    '------ Original Message ------\nFrom "Fleet" <fleet@example.org>\nTo kim@example.org\nDate 30/11/2026\n\n',
    '-----Fleet <fleet@example.org> wrote: -----\nTo: kim\nDate: x\n\n',
    '-------- Αρχικό μήνυμα --------\nΑπό: fleet@example.org\n\n',
  ].flatMap((beginning) => [
    { what: 'above an earlier mail that is not quoted', text: `ack 4h\n\n${beginning}silence 1d\n`, line: 'ack 4h' },
    { what: 'a refusal above such a mail', text: `No, not yet!\n\n${beginning}silence 1d\n`, line: 'No, not yet!' },
    { what: 'such a mail alone', text: `${beginning}silence 1d\n`, line: null },
  ]),
  { what: 'below a warning between hyphens', text: '--- EXTERNAL MAIL ---\n\nack 4h\n', line: 'ack 4h' },
  { what: 'a quotation with bars', text: '| CRITICAL\n| silence 1d\n\nack\n', line: 'ack' },
  { what: 'marks of direction', text: '\u202a\u2066ack\u2069 4h\u202c\u00ad\n', line: 'ack 4h' },
  { what: 'a colon without a quotation', text: 'Hello:\nack', line: 'Hello:' },
  { what: 'another text first', text: 'I am away.\nack', line: 'I am away.' },
  {
    what: 'below the warning of a mail server',
    text: 'CAUTION: This mail came from outside.\nDo not click links.\n\nack 4h\n\nFrom: x\n',
    line: 'ack 4h',
  },
  { what: 'below a warning with rules', text: '***** EXTERNAL *****\n--------\nack\n________\n', line: 'ack' },
  { what: 'below a warning in brackets', text: '[EXTERNAL EMAIL]\n\n\n\nack\n\nSent from my iPhone', line: 'ack' },
  {
    what: 'within a signed text',
    text: '-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nack 4h\n-----BEGIN PGP SIGNATURE-----\n\nabc=\n',
    line: 'ack 4h',
  },
  { what: 'below a warning and a quotation', text: 'EXTERNAL\n\n> CRITICAL\n\nack\n', line: 'ack' },
  { what: 'below a warning, above who wrote it', text: 'EXTERNAL\n\nack\nFleet wrote:\n> x', line: 'ack' },
  { what: 'below own words', text: 'The disk again.\n\nack 4h\n\nKim', line: 'ack 4h' },
  { what: 'among other words', text: 'EXTERNAL\n\nDo not\nack\nthis', line: 'EXTERNAL' },
  { what: 'among other words, and alone', text: 'EXTERNAL\n\nDo not\nack\n\nack', line: 'EXTERNAL' },
  { what: 'above other words of its paragraph', text: 'EXTERNAL\n\nack\nwill not do', line: 'EXTERNAL' },
  {
    what: 'in an earlier mail below its header',
    text: 'No, wait.\n\n________\nFrom: Bob <bob@example.org>\nSent: Monday\nTo: Fleet\nSubject: Re: x\n\nack\n',
    line: 'No, wait.',
  },
  {
    what: 'in an earlier mail below a bold header',
    text: 'Nein.\n\n*Von:* Bob\n*Gesendet:* Montag\n*An:* Fleet\n\nack\n',
    line: 'Nein.',
  },
  {
    what: 'in an earlier mail below its author',
    text: 'No.\n\nOn 2 Mar 2026, Bob wrote:\n\nack\n',
    line: 'No.',
  },
  { what: 'below a signature', text: 'No.\n\n-- \n\nack\n', line: 'No.' },
  { what: 'a signature', text: '-- \nack', line: '--' },
  { what: 'quoted alone', text: '> ack\n', line: null },
  { what: 'nothing', text: '\n\n', line: null },
  { what: 'a long line', text: `ack ${'x'.repeat(60)}\nack`, line: null },
];

for (const { what, text, line } of texts) {
  test(`the first own line: ${what}`, () => {
    assert.equal(firstOwnLine(text), line);
  });
}

test('no text breaks the reading, and quoted lines never are a command', () => {
  const line = fc.oneof(
    fc.string({ unit: codePoint }),
    fc.constantFrom('ack', 'ack 4h', 'silence 1d', 'x wrote:', '', '> ack'),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
      const text = lines.join('\n');
      const own = firstOwnLine(text);
      assert.ok(own === null || (!own.startsWith('>') && own.length <= 40));
      const quoted = text
        .split(/\r\n|\r|\n/)
        .map((one) => `> ${one}`)
        .join('\n');
      assert.equal(firstOwnLine(quoted), null);
      const command = parseReplyCommand(own ?? '');
      assert.ok(command === null || command.forMs === null || command.forMs > 0);
    }),
  );
});

test('what stands above and below a command changes nothing', () => {
  const rest = fc.array(fc.string({ unit: 'grapheme' }).filter((one) => !/[\r\n]/.test(one)));
  fc.assert(
    fc.property(fc.nat(3), fc.constantFrom('ack', 'ack 4h', 'silence 1d'), rest, (blank, word, after) => {
      // A line that ends with a colon above a quotation would make the command a part of the attribution.
      const below = after.filter((one) => !/[:：]$/.test(one.trim()));
      assert.equal(firstOwnLine([...Array<string>(blank).fill(' '), word, ...below].join('\n')), word);
    }),
  );
});
