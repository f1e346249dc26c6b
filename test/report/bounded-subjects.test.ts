import assert from 'node:assert/strict';
import test from 'node:test';

import { withBoundedSubjects } from '../../src/report/bounded-subjects.ts';
import { fullReport, reportWith, sampleReport, worker } from './support/sample-report.ts';

const mounts = (count: number) => Array.from({ length: count }, (_, number) => ({ mount: `/${number}` }));

test('a report with no more than 200 subjects of any family stays the very same', () => {
  for (const report of [sampleReport, fullReport()]) assert.equal(withBoundedSubjects(report), report);
  const many = reportWith(...['disk', 'network', 'unit'].map((name) => worker(name, [{ name, data: mounts(200) }])));
  assert.deepEqual(withBoundedSubjects(many), many);
});

test('of more than 200 subjects of a family the first stay, wherever they stand, and the rest is counted', () => {
  const unknown = [
    { row: 199, field: 'used_percent', reason: 'a' },
    { row: 200, field: 'used_percent', reason: 'b' },
    { field: 'size_bytes', reason: 'c' },
  ];
  const report = withBoundedSubjects(
    reportWith(
      worker('disks', [{ name: 'disk', data: mounts(1000), unknown, omitted: 2 }]),
      worker('more', [
        { name: 'disk', data: mounts(50) },
        { name: 'network', data: [{ interface: 'eth0' }] },
      ]),
    ),
  );
  const parts = report.worker_reports.flatMap(({ function_reports: own }) => own);
  assert.deepEqual(
    parts.map(({ name, data, omitted }) => ({ name, rows: data.length, omitted })),
    [
      { name: 'disk', rows: 200, omitted: 802 },
      { name: 'disk', rows: 0, omitted: 50 },
      { name: 'network', rows: 1, omitted: undefined },
    ],
  );
  assert.deepEqual(parts[0]?.unknown, [unknown[0], unknown[2]]);
});
