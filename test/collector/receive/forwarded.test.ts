import assert from 'node:assert/strict';
import { test } from 'node:test';

import { encodeClocks, parseClocks, parseForwarded } from '../../../src/collector/receive/forwarded.ts';
import { encodeFrame } from '../../../src/report/frames.ts';
import { runEnd, runStart } from '../../storage/support/samples.ts';

const frameBytes = encodeFrame('C', Buffer.alloc(0)).length;

for (const bootId of ['0b1c', null]) {
  test(`clocks of a client with the boot id ${bootId} arrive as they were sent`, () => {
    const clocks = { receivedAtMs: 1_800_000_000_000, clock: { offsetMs: -5, monotonicZeroMs: 12.5, bootId } };
    assert.deepEqual(parseClocks(encodeClocks(clocks).subarray(frameBytes)), clocks);
  });
}

test('a run whose end lacks one of its numbers is none', () => {
  const whole = { kind: 'run', start: runStart({}), end: runEnd(runStart({}), {}) };
  const parsed = (end: object) => parseForwarded(Buffer.from(JSON.stringify({ ...whole, end })));
  assert.equal(parsed(whole.end)?.kind, 'run');
  for (const field of ['outcome', 'finishedAtMs', 'clients', 'succeeded', 'failed', 'skipped']) {
    assert.equal(parsed({ ...whole.end, [field]: undefined }), null, field);
  }
});

for (const content of ['null', '1', '"run"', '[null]', '{', '', '{"kind":"run","start":null}']) {
  test(`a frame that holds ${content || 'nothing'} is no clocks and no records`, () => {
    const payload = Buffer.from(content);
    assert.deepEqual([parseClocks(payload), parseForwarded(payload)], [null, null]);
  });
}
