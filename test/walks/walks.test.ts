// Second tier: runs the program two dozen times, for `npm run release`.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isLong } from '../support/long-tests.ts';
import { documentedWalks } from './documented-walks.ts';
import { measureWalks } from './measure-walks.ts';

const skip = isLong ? false : 'run by `npm run release`';

test('docs/internals.md lists the files that a value passes, and no others', { skip, timeout: 600_000 }, async () => {
  const documented = documentedWalks();
  const walks = await measureWalks();
  assert.equal(walks.length, 3);
  for (const { title, files } of walks) {
    assert.deepEqual((documented.get(title) ?? []).toSorted(), files.toSorted(), `${title}: see npm run walks`);
  }
});
