import assert from 'node:assert/strict';
import { test } from 'node:test';

import { oneLine, quoted, withoutStop, withSubject } from '../../src/text/plain-text.ts';

const cases: readonly { readonly name: string; readonly text: string; readonly line: string }[] = [
  { name: 'line breaks', text: 'a\r\nBcc: x\n\nb\u2028c\u2029d\u0085e\vf\fg', line: 'a Bcc: x b c d e f g' },
  { name: 'tabs and runs of spaces', text: ' a\t\tb    c\u00a0d ', line: 'a b c d' },
  { name: 'control characters', text: 'a\u0000b\u001b[31mc\u007fd\u009fe', line: 'a\ufffdb\ufffd[31mc\ufffdd\ufffde' },
  { name: 'overrides of direction', text: 'a\u202eb\u2066c\u2069d\u200fe', line: 'a\ufffdb\ufffdc\ufffdd\ufffde' },
  { name: 'invisible characters', text: 'a\u200bb\u2060c\u00add\u{e0041}', line: 'a\ufffdb\ufffdc\ufffdd\ufffd' },
  { name: 'halves of pairs', text: 'a\ud800b\udc00', line: 'a\ufffdb\ufffd' },
  { name: 'what is no character', text: 'a\uffffb\ufdd0', line: 'a\ufffdb\ufffd' },
  { name: 'joiners stay', text: 'می\u200cخواهم 👩\u200d👧', line: 'می\u200cخواهم 👩\u200d👧' },
  { name: 'many joiners are one', text: `a${'\u200d'.repeat(50)}b`, line: 'a\u200db' },
  { name: 'towers of marks', text: `e${'\u0301'.repeat(50)}`, line: `e${'\u0301'.repeat(4)}` },
  { name: 'any script', text: 'Ünïcode файл 数据库 データ 🎉', line: 'Ünïcode файл 数据库 データ 🎉' },
];

for (const { name, text, line } of cases) {
  test(`one line: ${name}`, () => {
    assert.equal(oneLine(text), line);
  });
}

test('what is too long is cut between characters', () => {
  const line = oneLine('🎉'.repeat(5000));
  assert.equal(line.length, 1999);
  assert.match(line, /^(?:🎉)+…$/u);
});

test('only what is written from right to left is isolated', () => {
  assert.equal(quoted('خادم-3'), '\u2068خادم-3\u2069');
  assert.equal(quoted('שרת'), '\u2068שרת\u2069');
  assert.equal(quoted('web-1'), 'web-1');
});

for (const [message, text] of [
  ['Authentication failed.', 'Authentication failed'],
  ['no. 5', 'no. 5'],
  ['why?', 'why?'],
  ['wait... ', 'wait'],
  ['. . .', ''],
  [`${' '.repeat(200_000)}x`, `${' '.repeat(200_000)}x`],
] as const) {
  test(`${JSON.stringify(message.slice(0, 30))} within a sentence has no stop`, () => {
    assert.equal(withoutStop(message), text);
  });
}

test('a message that begins with its subject does not get it again', () => {
  assert.equal(withSubject('replies at a:993', 'replies at a:993: no answer'), 'replies at a:993: no answer');
  assert.equal(withSubject('replies at a:993', 'no answer'), 'replies at a:993: no answer');
  assert.equal(withSubject('web', 'web-1 is away'), 'web: web-1 is away');
  assert.equal(withSubject('web', 'web'), 'web');
});
