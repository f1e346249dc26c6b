// Second tier: runs the program from its sources two dozen times.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { documentedWalks } from './documented-walks.ts';
import { measureWalks } from './measure-walks.ts';

test('docs/walks.md lists the files that a value passes, and no others', { timeout: 600_000 }, async () => {
  const documented = documentedWalks();
  const walks = await measureWalks();
  assert.equal(walks.length, 3);
  for (const { title, files } of walks) {
    assert.deepEqual((documented.get(title) ?? []).toSorted(), files.toSorted(), `${title}: see npm run walks`);
  }
});
