import assert from 'node:assert/strict';
import { test } from 'node:test';

import { shortened } from '../../src/text/shortened.ts';

test('a text is cut to so many characters, between characters and without a blank at its end', () => {
  assert.equal(shortened('all of it', 9), 'all of it');
  assert.equal(shortened('all of it', 8), 'all of…');
  assert.equal(shortened('ab\u{1f600}d', 4), 'ab…');
});
