import assert from 'node:assert/strict';
import { test } from 'node:test';

import { wholeId } from '../../../src/cli/command/whole-id.ts';

const ids = ['6d31c1d4f0a9be27', '6d31c1ffffffffff', '0123456789abcdef'];

test('the first characters stand for the one id that begins so', () => {
  assert.equal(wholeId(ids, '0123', 'key'), '0123456789abcdef');
  assert.equal(wholeId(ids, '6d31c1d', 'key'), '6d31c1d4f0a9be27');
});

test('a text that begins no id, or is too short, stays as it is', () => {
  assert.equal(wholeId(ids, 'ffff', 'key'), 'ffff');
  assert.equal(wholeId(ids, '012', 'key'), '012');
});

test('a whole id is itself though others begin with it', () => {
  assert.equal(wholeId(['abcd', 'abcdef'], 'abcd', 'key'), 'abcd');
});

test('the beginning of several ids is refused, and they are named', () => {
  assert.throws(() => wholeId(ids, '6d31c1', 'key'), {
    code: 'usage',
    message: "6d31c1 is the beginning of several keys' ids",
    advice: 'Give more of one of them: 6d31c1d4f0a9be27, 6d31c1ffffffffff.',
  });
});
