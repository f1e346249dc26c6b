import assert from 'node:assert/strict';

import { onEachDatabase } from '../support/databases.ts';
import { runEnd, runStart } from '../support/samples.ts';

onEachDatabase('runs of the past', ({ it }) => {
  it('a start does not undo an end, and the first end stays, within one call and over two', async ({
    storage,
    rows,
  }) => {
    const [begun, ended, killed] = ['begun', 'ended', 'killed'].map((id) => runStart({ id }));
    assert.ok(begun && ended && killed);
    const failed = runEnd(killed, { outcome: 'failed' });
    const outcomes = (): Promise<unknown> => rows('SELECT id, outcome FROM runs ORDER BY id');
    await storage.reports.saveRuns([
      { start: begun, end: null },
      { start: ended, end: null },
      { start: ended, end: runEnd(ended) },
      { start: ended, end: runEnd(ended, { outcome: 'failed' }) },
      { start: ended, end: null },
      { start: killed, end: failed },
    ]);
    const first = [
      ['begun', 'running'],
      ['ended', 'finished'],
      ['killed', 'failed'],
    ];
    assert.deepEqual(await outcomes(), first);
    await storage.reports.saveRuns([
      { start: ended, end: null },
      { start: killed, end: runEnd(killed) },
      { start: begun, end: runEnd(begun, { outcome: 'interrupted' }) },
    ]);
    assert.deepEqual(await outcomes(), [['begun', 'interrupted'], ...first.slice(1)]);
  });
});
