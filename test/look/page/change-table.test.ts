import assert from 'node:assert/strict';
import { test } from 'node:test';

import { changeTable } from '../../../src/look/page/change-table.ts';

const reader = { zone: 'UTC', nowMs: Date.UTC(2026, 10, 21, 10) };
const change = { foundAtMs: reader.nowMs - 3_600_000, words: 'openssl 3.0.11 to 3.0.14' };

test('a client without changes has no table', () => assert.equal(changeTable([], 0, reader), null));

test('a row has the time of the look and the words, which are inert', () => {
  const evil = { ...change, words: '/etc/<script>' };
  const html = changeTable([change, evil], 5, reader)?.html ?? '';
  assert.match(html, /The newest 2 of 7 changes of this span/);
  assert.match(html, /<td>09:00<\/td>.*>openssl 3\.0\.11 to 3\.0\.14</);
  assert.match(html, /\/etc\/&lt;script&gt;/);
});
