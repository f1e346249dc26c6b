import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createLog, escapeControls, formatFields, harmlessJson, type LogFields, type LogLevel } from '../src/log.ts';

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

const levels: readonly (readonly [LogLevel, string, string])[] = [
  ['quiet', '', 'fatal'],
  ['normal', 'event', 'problem fatal'],
  ['verbose', 'detail event', 'problem fatal'],
];

for (const [level, expectedOut, expectedErr] of levels) {
  test(`level ${level} prints what it should where it should`, () => {
    const out: string[] = [];
    const err: string[] = [];
    const log = createLog({ level, out: (line) => out.push(line), err: (line) => err.push(line), now: () => 0 });
    log.detail('detail');
    log.event('event');
    log.problem('problem');
    log.fatal('fatal');
    const events = (written: readonly string[]): string =>
      written.map((line) => /^time=1970-01-01T00:00:00\.000Z event=(\w+)\n$/.exec(line)?.[1]).join(' ');
    assert.equal(events(out), expectedOut);
    assert.equal(events(err), expectedErr);
  });
}

test('JSON for a terminal holds no character that it obeys, and means the same', () => {
  const value = { text: 'a\u009b2J\u202eb\u2028c\u0007\u{e0001}d"\\', number: 1, nothing: null };
  const text = harmlessJson(value);
  assert.match(text, /^[\x20-\x7e]*$/);
  assert.deepEqual(JSON.parse(text), value);
});
