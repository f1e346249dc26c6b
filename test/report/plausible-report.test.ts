import assert from 'node:assert/strict';
import test from 'node:test';

import { maxDoubts } from '../../src/report/limits.ts';
import { metrics } from '../../src/report/metrics.ts';
import { withBoundedSubjects, withPlausibleValues } from '../../src/report/plausible-report.ts';
import { ReportFault } from '../../src/report/report.ts';
import { fullReport, reportWith, sampleReport, worker } from './support/sample-report.ts';

test('a report in which all makes sense stays the very same', () => {
  for (const report of [sampleReport, fullReport()]) {
    assert.equal(withPlausibleValues(report).report, report);
    assert.deepEqual(withPlausibleValues(report).doubts, []);
  }
});

test('every metric has a range: its ends are taken, what is beyond becomes null', () => {
  for (const { family, field, minimum, maximum } of metrics) {
    const of = (value: number): ReturnType<typeof withPlausibleValues> =>
      withPlausibleValues(reportWith(worker('probe', [{ name: family, data: [{ [field]: value }] }])));
    assert.deepEqual([...of(minimum).doubts, ...of(maximum).doubts], [], `${family}_${field}`);
    for (const value of [minimum - 1, maximum * 1.01]) {
      const { report, doubts } = of(value);
      assert.equal(doubts.length, 1, `${family}_${field} ${value}`);
      assert.deepEqual(report.worker_reports[0]?.function_reports[0]?.data, [{ [field]: null }]);
    }
  }
});

test('only the value itself is replaced, and the reason says where and why', () => {
  const root = { mount: '/', used_percent: 40, unheard_of: 1e300 };
  const uncounted = { row: 1, field: 'inodes_percent', reason: 'none counted' };
  const wrong = { mount: '/data', used_percent: 4e9, size_bytes: -1, inodes_percent: null };
  const before = reportWith(
    worker('cpu', [{ name: 'cpu', data: [{ used_percent: 20 }] }]),
    worker('disks', [{ name: 'disk', data: [root, wrong], unknown: [uncounted], omitted: 3 }]),
  );
  const copy = structuredClone(before);
  const { report, doubts } = withPlausibleValues(before);
  assert.deepEqual(before, copy, 'what was given is left as it was');
  const path = '$.worker_reports[1].function_reports[0].data[1]';
  assert.deepEqual(doubts, [
    { path: `${path}.size_bytes`, value: -1, reason: `-1 is not within 0 and ${2 ** 63 - 1024}` },
    { path: `${path}.used_percent`, value: 4e9, reason: '4000000000 is not within 0 and 100' },
  ]);
  assert.equal(report.worker_reports[0]?.function_reports[0], before.worker_reports[0]?.function_reports[0]);
  assert.deepEqual(report.worker_reports[1]?.function_reports, [
    {
      name: 'disk',
      data: [root, { mount: '/data', used_percent: null, size_bytes: null, inodes_percent: null }],
      unknown: [
        uncounted,
        { row: 1, field: 'size_bytes', reason: `-1 is not within 0 and ${2 ** 63 - 1024}` },
        { row: 1, field: 'used_percent', reason: '4000000000 is not within 0 and 100' },
      ],
      omitted: 3,
    },
  ]);
  assert.deepEqual(withPlausibleValues(report).doubts, []);
});

test('a report that is senseless all over is refused', () => {
  const senseless = (count: number): ReturnType<typeof withPlausibleValues> =>
    withPlausibleValues(
      reportWith(worker('cpu', [{ name: 'cpu', data: Array.from({ length: count }, () => ({ used_percent: -5 })) }])),
    );
  assert.equal(senseless(maxDoubts).doubts.length, maxDoubts);
  assert.throws(() => senseless(maxDoubts + 1), ReportFault);
});

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
