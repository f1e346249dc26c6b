import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createOutputLog } from '../../../src/cli/terminal/output.ts';
import { escapeControls, formatFields, harmlessJson, type LogFields } from '../../../src/platform/errors/log.ts';
import { recordedOutput } from '../../cli/support/recorded-output.ts';

const lines: readonly (readonly [LogFields, string])[] = [
  [{ client: 'web-1', ms: 12 }, 'client=web-1 ms=12'],
  [{ ok: true, code: null, left: undefined }, 'ok=true code=-'],
  [{ text: '' }, 'text=""'],
  [{ text: '-' }, 'text="-"'],
  [{ text: 'two words' }, 'text="two words"'],
  [{ text: 'a=b' }, 'text="a=b"'],
  [{ text: 'say "no"' }, 'text="say \\"no\\""'],
  [{ text: 'back\\slash' }, 'text="back\\\\slash"'],
  [{ text: 'x\ntime=0 event=forged' }, 'text="x\\ntime=0 event=forged"'],
  [{ text: '\u001b[31mred\u0007' }, 'text="\\u{1b}[31mred\\u{7}"'],
  [{ text: '\u009b31m\u202egnp' }, 'text="\\u{9b}31m\\u{202e}gnp"'],
  [{ text: '\ud800 alone' }, 'text="\\u{d800} alone"'],
  [{ text: 'a\u2028b' }, 'text="a\\u{2028}b"'],
  [{ text: 'Grüße 🎉' }, 'text="Grüße 🎉"'],
  [{ address: '[2001:db8::1]:22' }, 'address=[2001:db8::1]:22'],
  [{ 'odd key=': 1, '': 2 }, 'odd_key_=1 _=2'],
];

for (const [fields, expected] of lines) {
  test(`fields are written as ${expected}`, () => {
    assert.equal(formatFields(fields), expected);
  });
}

test('no text can start a second line or hide in one', () => {
  for (let code = 0; code < 0x3000; code++) {
    const escaped = escapeControls(String.fromCharCode(code));
    assert.doesNotMatch(escaped, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  }
});

for (const { verbosity, expectedOut, expectedErr } of [
  { verbosity: 'quiet', expectedOut: '', expectedErr: '' },
  { verbosity: 'normal', expectedOut: 'event', expectedErr: 'problem' },
  { verbosity: 'verbose', expectedOut: 'detail event', expectedErr: 'problem' },
] as const) {
  test(`level ${verbosity} prints what it should where it should`, () => {
    const { output, stdout, stderr } = recordedOutput({ verbosity });
    const log = createOutputLog(output);
    for (const level of ['detail', 'event', 'problem'] as const) log[level](level, { client: 'web-1' });
    const events = (written: readonly string[]): string =>
      written.map((line) => /^time=\d{4}-\S*\.\d{3}Z event=(\w+) client=web-1$/.exec(line)?.[1]).join(' ');
    assert.deepEqual([events(stdout), events(stderr)], [expectedOut, expectedErr]);
  });
}

test('JSON for a terminal holds no character that it obeys, and means the same', () => {
  const value = { text: 'a\u009b2J\u202eb\u2028c\u0007\u{e0001}d"\\', number: 1, nothing: null };
  const text = harmlessJson(value);
  assert.match(text, /^[\x20-\x7e]*$/);
  assert.deepEqual(JSON.parse(text), value);
});
