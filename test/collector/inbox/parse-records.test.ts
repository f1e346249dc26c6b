import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseRunEnd, parseVisit } from '../../../src/collector/inbox/parse-records.ts';
import { runEnd, runStart, visit as sample } from '../../storage/support/samples.ts';

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

test('every outcome of a run that has ended is kept', () => {
  for (const outcome of ['finished', 'failed', 'overlapped', 'interrupted'])
    assert.equal(parseRunEnd({ ...end, outcome })?.outcome, outcome);
  assert.equal(parseRunEnd({ ...end, outcome: 'running' }), null);
});

test('a visit keeps its stage, code and reader if this version knows them', () => {
  const failed = sample({ ok: false });
  const stages = 'resolve connect handshake login channel upload agent report seal spool storage run keys lock config';
  for (const stage of stages.split(' ')) assert.equal(parseVisit({ ...failed, stage })?.stage, stage);
  for (const code of ['auth-failed', 'agent-timeout', 'spool-full'])
    assert.equal(parseVisit({ ...failed, code })?.code, code);
  for (const reader of ['node', 'runtime', 'shell', 'push', 'spoke'])
    assert.equal(parseVisit({ ...sample(), reader })?.reader, reader);
  for (const other of ['of-a-newer-version', 'toString', 7, null, {}]) {
    const { stage, code, reader } = parseVisit({ ...failed, stage: other, code: other, reader: other }) ?? {};
    assert.deepEqual({ stage, code, reader }, { stage: 'run', code: 'internal', reader: null });
    const good = parseVisit({ ...sample(), ok: true, stage: other, code: other });
    assert.deepEqual([good?.stage, good?.code], [null, null]);
  }
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
