import assert from 'node:assert/strict';
import { test } from 'node:test';

import { oneLine, quoted } from '../../src/text/plain-text.ts';

const cases: readonly (readonly [string, string, string])[] = [
  ['line breaks', 'a\r\nBcc: x\n\nb\u2028c\u2029d\u0085e\vf\fg', 'a Bcc: x b c d e f g'],
  ['tabs and runs of spaces', ' a\t\tb    c\u00a0d ', 'a b c d'],
  ['control characters', 'a\u0000b\u001b[31mc\u007fd\u009fe', 'a\ufffdb\ufffd[31mc\ufffdd\ufffde'],
  ['overrides of direction', 'a\u202eb\u2066c\u2069d\u200fe', 'a\ufffdb\ufffdc\ufffdd\ufffde'],
  ['invisible characters', 'a\u200bb\u2060c\u00add\u{e0041}', 'a\ufffdb\ufffdc\ufffdd\ufffd'],
  ['halves of pairs', 'a\ud800b\udc00', 'a\ufffdb\ufffd'],
  ['what is no character', 'a\uffffb\ufdd0', 'a\ufffdb\ufffd'],
  ['joiners stay', 'می\u200cخواهم 👩\u200d👧', 'می\u200cخواهم 👩\u200d👧'],
  ['many joiners are one', `a${'\u200d'.repeat(50)}b`, 'a\u200db'],
  ['towers of marks', `e${'\u0301'.repeat(50)}`, `e${'\u0301'.repeat(4)}`],
  ['any script', 'Ünïcode файл 数据库 データ 🎉', 'Ünïcode файл 数据库 データ 🎉'],
];

for (const [name, text, line] of cases) {
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
