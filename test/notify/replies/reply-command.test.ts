import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { firstOwnLine, parseReplyCommand } from '../../../src/notify/replies/reply-command.ts';
import { codePoint } from '../../support/code-points.ts';

const hourMs = 3_600_000;

const commands: readonly (readonly [line: string, kind: string | null, forMs?: number | null])[] = [
  ['ack', 'ack', null],
  ['Ack', 'ack', null],
  ['ACK.', 'ack', null],
  ['ack!', 'ack', null],
  ['ack 4h', 'ack', 4 * hourMs],
  ['Ack  90m', 'ack', 1.5 * hourMs],
  ['ack 1h30m.', 'ack', 1.5 * hourMs],
  ['silence 1d', 'silence', 24 * hourMs],
  ['SILENCE 1D', 'silence', 24 * hourMs],
  ['silence', null],
  ['ack 0h', null],
  ['ack 4', null],
  ['ack -4h', null],
  ['ack 4h please', null],
  ['ack 400d', null],
  ['silence 99999y', null],
  ['acknowledged', null],
  ['acks', null],
  ['please ack', null],
  ['ack, ack 4h or silence 1d', null],
  ['Reply ack, ack 4h or silence 1d: it concerns what fires in this mail.', null],
  ['I am out of the office until Monday.', null],
  ['', null],
];

for (const [line, kind, forMs] of commands) {
  test(`${JSON.stringify(line)} is ${kind ?? 'no command'}`, () => {
    assert.deepEqual(parseReplyCommand(line), kind === null ? null : { kind, forMs });
  });
}

const texts: readonly (readonly [what: string, text: string, line: string | null])[] = [
  ['a line alone', 'ack', 'ack'],
  ['above a quotation', 'ack 4h\n\nOn Sun, 22 Nov 2026, Fleet wrote:\n> CRITICAL\n', 'ack 4h'],
  ['blanks and invisible characters', '\r\n \u00a0\r\n\u200back\u00a0 4h \ufeff\r\n', 'ack 4h'],
  ['old line ends', '\r\rack\r', 'ack'],
  ['below a quotation', '> CRITICAL web-1\n>> ack\n\nack\n', 'ack'],
  ['below who wrote it', 'On Sun, Fleet wrote:\n> CRITICAL\n\nack\n', 'ack'],
  [
    'below who wrote it in two lines',
    'On Sun, 22 Nov 2026 at 10:00,\nFleet <fleet@example.org> wrote:\n\n> x\nack',
    'ack',
  ],
  ['a colon without a quotation', 'Hello:\nack', 'Hello:'],
  ['another text first', 'I am away.\nack', 'I am away.'],
  ['a signature', '-- \nack', '--'],
  ['quoted alone', '> ack\n', null],
  ['nothing', '\n\n', null],
  ['a long line', `ack ${'x'.repeat(60)}\nack`, null],
];

for (const [what, text, line] of texts) {
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
      const below = after.filter((one) => !one.trim().endsWith(':'));
      assert.equal(firstOwnLine([...Array<string>(blank).fill(' '), word, ...below].join('\n')), word);
    }),
  );
});
