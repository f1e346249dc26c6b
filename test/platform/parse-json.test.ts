import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as v from 'valibot';

import { anyObject, entriesOf, parseJson } from '../../src/platform/parse-json.ts';

const form = v.object({ name: v.string(), size: v.optional(v.number(), 0) });

test('JSON is read by its schema, and nothing of another form is', () => {
  assert.deepEqual(parseJson(form, '{"name": "a", "more": 1}'), { name: 'a', size: 0 });
  assert.deepEqual(parseJson(form, Buffer.from('{"name": "a", "size": 2}')), { name: 'a', size: 2 });
  for (const text of ['', '{', 'null', '[]', '{}', '{"name": 1}', '{"name": "a", "size": "2"}']) {
    assert.equal(parseJson(form, text), null, text);
  }
});

test('a list is no object, and keys that objects inherit are no values', () => {
  assert.deepEqual(
    ['[]', '["a"]', 'null', '"a"'].map((text) => parseJson(anyObject, text)),
    [null, null, null, null],
  );
  assert.equal(parseJson(form, '{"__proto__": {"name": "a"}}'), null);
});

test('entries of another form are left out of a list', () => {
  assert.deepEqual(entriesOf(form, [{ name: 'a' }, null, { name: 7 }, 'b', { name: 'c', size: 1 }]), [
    { name: 'a', size: 0 },
    { name: 'c', size: 1 },
  ]);
});
