import assert from 'node:assert/strict';
import { test } from 'node:test';

import { limitWords, withLimit } from '../../src/text/limit-words.ts';

test('a value and its limit have one wording', () => {
  assert.equal(withLimit('95 % used, 1 of 20 MiB free', 'at least 90 %'), '95 % used, 1 of 20 MiB free (limit 90 %)');
  assert.equal(withLimit('reached', ''), 'reached');
});

test('a limit is its number, or a sentence that has no single one', () => {
  const cases = [
    ['at least 90 %', 'limit 90 %'],
    ['at least 2 per CPU', 'limit 2 per CPU'],
    ['at most -5 °C', 'limit -5 °C'],
    ['less than 7d', 'limit 7d'],
    ['more than 3', 'limit 3'],
    ['at least 90 % and less than 2 TiB free', 'limit 90 % and less than 2 TiB free'],
    ['fewer than 1 or more than 3', 'limit: fewer than 1 or more than 3'],
    ['exactly 0', 'limit: exactly 0'],
    ['other than 4', 'limit: other than 4'],
    ['none in 3 runs', 'limit: none in 3 runs'],
    ['', ''],
  ] as const;
  for (const [limit, words] of cases) assert.equal(limitWords(limit), words);
});
