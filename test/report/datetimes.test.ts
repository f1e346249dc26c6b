import assert from 'node:assert/strict';
import test from 'node:test';

import { withDatetimes, withoutRepeatedDatetimes } from '../../src/report/datetimes.ts';
import { reportWith, sampleReport, worker } from './support/sample-report.ts';

const early = '2026-11-20T09:59:58.000Z';
const late = '2026-11-20T10:00:00.900Z';

test('every level gets the datetime of its nearest parent that has one', () => {
  const report = reportWith(worker('cpu', [{ name: 'cpu', data: [] }]), {
    ...worker('disks', [
      { name: 'disk', data: [] },
      { name: 'slow', data: [], datetime: late },
    ]),
    datetime: early,
  });
  const dated = withDatetimes(report);
  assert.deepEqual(
    dated.worker_reports.map(({ datetime, function_reports: parts }) => [datetime, parts.map((part) => part.datetime)]),
    [
      [report.datetime, [report.datetime]],
      [early, [early, late]],
    ],
  );
  assert.deepEqual(withoutRepeatedDatetimes(dated), report);
});

test("a part that goes back to the report's own time under a worker of another keeps it", () => {
  const report = reportWith({
    ...worker('disks', [{ name: 'disk', data: [], datetime: sampleReport.datetime }]),
    datetime: early,
  });
  assert.deepEqual(withoutRepeatedDatetimes(withDatetimes(report)), report);
});

test('leaving out and putting back undo each other', () => {
  assert.deepEqual(withoutRepeatedDatetimes(withDatetimes(sampleReport)), sampleReport);
  assert.deepEqual(withoutRepeatedDatetimes(sampleReport), sampleReport);
});
