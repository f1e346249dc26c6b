import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseRunEnd } from '../../../src/collector/inbox/parse-records.ts';
import { runEnd, runStart } from '../../storage/support/samples.ts';

const { id: _, ...end } = runEnd(runStart());
const restored = { reports: 4, records: 6, fromMs: 1_000, toMs: 2_000, note: 'MariaDB 11.8.3\n at db-1' };

test('a run whose end lacks its outcome, its time or one of its numbers is none', () => {
  assert.deepEqual(parseRunEnd(end), end);
  for (const name of ['outcome', 'finishedAtMs', 'clients', 'succeeded', 'failed', 'skipped']) {
    for (const value of [undefined, null, 'x']) assert.equal(parseRunEnd({ ...end, [name]: value }), null, name);
  }
  for (const name of ['cpuMs', 'maxRssBytes'])
    assert.deepEqual(parseRunEnd({ ...end, [name]: -1 }), { ...end, [name]: 0 });
});

test('counts of restored rows have whole numbers and one line of words, or are left out', () => {
  const parsed = { ...restored, note: 'MariaDB 11.8.3 at db-1' };
  assert.deepEqual(parseRunEnd({ ...end, restored }), { ...end, restored: parsed });
  for (const name of ['reports', 'records']) {
    for (const value of [undefined, -1, 1.5]) {
      assert.deepEqual(parseRunEnd({ ...end, restored: { ...restored, [name]: value } }), end);
    }
  }
});
