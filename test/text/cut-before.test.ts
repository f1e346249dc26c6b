import assert from 'node:assert/strict';
import { test } from 'node:test';

import { cutBefore } from '../../src/text/cut-before.ts';
import { oneLine } from '../../src/text/plain-text.ts';
import { shortened } from '../../src/text/shortened.ts';

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** Characters of several code points: a family, a pilot, flags, colours of skin, keycaps, marks. */
const characters = [
  ...[
    '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}\u200d\u{1f466}',
    '\u{1f469}\u{1f3fd}\u200d\u2708\ufe0f',
    '\u{1f1e9}\u{1f1ea}',
  ],
  ...[
    '\u{1f44d}\u{1f3ff}',
    '1\ufe0f\u20e3',
    'e\u0301',
    '\u{1f600}',
    'x',
    '\u0928\u093f',
    '\u{1f3f4}\u{e0067}\u{e0062}\u{e007f}',
  ],
];

test('a text is cut between characters as people see them, wherever the cut falls', () => {
  for (const one of characters)
    for (const other of characters) {
      const text = `ab${one}${one}${other}${one}${other}cd`;
      const ends = new Set([...segmenter.segment(text)].map(({ index }) => index).concat(text.length));
      for (let most = 0; most <= text.length; most += 1) {
        const kept = cutBefore(text, most);
        const longest = Math.max(...[...ends].filter((end) => end <= most));
        assert.equal(kept, text.slice(0, longest), `${JSON.stringify(text)} at ${most}`);
      }
    }
});

test('a character without end is cut, without half of a pair', () => {
  assert.equal(cutBefore(`e${'\u0301'.repeat(500)}`, 100).length, 100);
  assert.equal(cutBefore(`${'\u200d'.repeat(99)}\u{1f600}`, 100).length, 99);
});

test('messages and pages keep an emoji whole', () => {
  const family = characters[0] ?? '';
  for (const cut of [oneLine, (text: string) => shortened(text, 50)])
    for (let shift = 0; shift < family.length; shift += 1)
      assert.match(cut('x'.repeat(shift) + family.repeat(300)), new RegExp(`^x*(?:${family})+…$`, 'u'), String(shift));
});
