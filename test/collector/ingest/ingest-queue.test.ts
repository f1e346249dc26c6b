import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createIngestQueue, noTimeLimit } from '../../../src/collector/ingest/ingest-queue.ts';
import type { SpooledReport } from '../../../src/collector/sealed-reports/sealed-names.ts';

const report = (name: string): SpooledReport => ({
  client: 'web-1',
  file: name,
  origin: null,
  receivedAtMs: 0,
  clock: null,
  bytes: 4096,
});
const reports = (kind: string, count: number): SpooledReport[] =>
  Array.from({ length: count }, (_, index) => report(`${kind}${index + 1}`));
const files = (batch: readonly SpooledReport[]): string => batch.map(({ file }) => file).join(' ');

test('what earlier runs left goes first, in order, as long as that takes little time', () => {
  const queue = createIngestQueue({ suspects: [], leftovers: reports('old', 3), times: noTimeLimit });
  for (const fresh of reports('new', 3)) queue.add(fresh);
  const batches = [2, 2, 9, 2].map((most) => files(queue.next(most)));
  assert.deepEqual(batches, ['old1 old2', 'old3 new1', 'new2 new3', '']);
});

test('after that every other batch is of this run, and what was put back comes first', () => {
  const times = { ...noTimeLimit, aloneMs: 0 };
  const queue = createIngestQueue({ suspects: [], leftovers: reports('old', 4), times });
  for (const fresh of reports('new', 3)) queue.add(fresh);
  assert.equal(files(queue.next(2)), 'old1 old2');
  const failed = queue.next(2);
  assert.equal(files(failed), 'new1 new2');
  queue.hold([report('held')]);
  queue.hold(failed);
  assert.deepEqual([queue.next(4), queue.next(2), queue.next(2)].map(files), ['new1 new2 held old3', 'new3', 'old4']);
});

test('files that were open when a run died go last, each alone, and only once they may', () => {
  const queue = createIngestQueue({
    suspects: reports('suspect', 2),
    leftovers: reports('old', 1),
    times: noTimeLimit,
  });
  assert.deepEqual([queue.next(9), queue.next(9)].map(files), ['old1', '']);
  assert.deepEqual([queue.size(), queue.putOff()], [0, 2]);
  queue.releaseSuspects();
  queue.add(report('new1'));
  assert.deepEqual([queue.size(), queue.putOff()], [3, 0]);
  assert.deepEqual(
    [1, 2, 3, 4].map(() => files(queue.next(9))),
    ['new1', 'suspect1', 'suspect2', ''],
  );
});

test('what earlier runs left waits once its time is over, and is counted', () => {
  const times = { ...noTimeLimit, leftoversMs: 0 };
  const queue = createIngestQueue({ suspects: reports('suspect', 2), leftovers: reports('old', 3), times });
  queue.add(report('new1'));
  assert.equal(files(queue.next(9)), 'new1');
  queue.releaseSuspects();
  assert.equal(files(queue.next(9)), '');
  assert.deepEqual(
    { size: queue.size(), putOff: queue.putOff(), isOver: queue.isOver() },
    { size: 0, putOff: 5, isOver: false },
  );
  assert.equal(createIngestQueue({ suspects: [], leftovers: [], times: { ...noTimeLimit, allMs: 0 } }).isOver(), true);
});

test('what was put back fills a batch, and no suspect goes before anything that waits', () => {
  const queue = createIngestQueue({
    suspects: reports('suspect', 1),
    leftovers: reports('old', 2),
    times: noTimeLimit,
  });
  queue.releaseSuspects();
  queue.hold(reports('held', 2));
  queue.add(report('new1'));
  queue.add(report('new2'));
  assert.deepEqual([queue.size(), queue.leftovers()], [7, 2]);
  assert.deepEqual(
    [2, 4, 1].map((most) => files(queue.next(most))),
    ['held1 held2', 'old1 old2 new1 new2', 'suspect1'],
  );
  queue.hold(reports('held', 1));
  assert.equal(files(queue.next(9)), 'held1');
});

test('some of the leftovers are put off, and are counted', () => {
  const queue = createIngestQueue({ suspects: [], leftovers: reports('old', 4), times: noTimeLimit });
  assert.equal(
    queue.putOffThose(({ file }) => /[13]$/.test(file)),
    2,
  );
  assert.deepEqual([queue.size(), queue.leftovers(), queue.putOff()], [2, 2, 2]);
  assert.equal(files(queue.next(9)), 'old2 old4');
});
