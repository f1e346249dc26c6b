import assert from 'node:assert/strict';
import { test } from 'node:test';

import { escapeMarkup } from '../../src/text/escape-markup.ts';

test('text cannot leave its place between tags or in an attribute', () => {
  assert.equal(escapeMarkup('<a href="x">R&amp;D</a>'), '&lt;a href=&quot;x&quot;&gt;R&amp;amp;D&lt;/a&gt;');
});
