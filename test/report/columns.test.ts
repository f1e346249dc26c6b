import assert from 'node:assert/strict';
import test from 'node:test';

import { columnsOf } from '../../src/report/columns.ts';
import { metrics } from '../../src/report/metrics.ts';
import type { Report, Row } from '../../src/report/report.ts';
import { fullReport, reportWith, sampleReport, worker } from './support/sample-report.ts';

const statsColumns = (report: Report) => columnsOf(report).stats;
const diskRows = (report: Report) => columnsOf(report).disks;
const networkRows = (report: Report) => columnsOf(report).networks;

const disks = (...data: readonly Row[]): ReturnType<typeof reportWith> =>
  reportWith(worker('disks', [{ name: 'disk', data }]));

/** A report of every probe that stats has columns of. */
const ofEveryProbe = reportWith(
  worker('cpu', [{ name: 'cpu', data: [{ used_percent: 12.5, cpus: 8, interval_s: 300 }] }]),
  worker('load', [{ name: 'load', data: [{ load1: 0, load5: 0.5, load15: 0.25 }] }]),
  worker('memory', [
    { name: 'memory', data: [{ used_percent: 41.7 }] },
    { name: 'swap', data: [{ used_percent: null }] },
  ]),
  worker('os', [
    {
      name: 'os',
      data: [{ hostname: 'web-1.example.org', distribution: 'Debian 12', kernel: '6.1', reboot_required: 0 }],
    },
    { name: 'uptime', data: [{ seconds: 86400 }] },
  ]),
  worker('kernel', [{ name: 'kernel', data: [{ oom_kills: 1, open_files_percent: 0.2, conntrack_percent: null }] }]),
  worker('clock', [{ name: 'clock', data: [{ synchronised: 0 }] }]),
  worker('processes', [{ name: 'processes', data: [{ total: 120 }] }]),
  worker('services', [{ name: 'services', data: [{ failed_units: 2 }] }], 'systemctl took too long'),
);

test('stats takes its columns from the metrics', () => {
  assert.deepEqual(statsColumns(ofEveryProbe), {
    hostname: 'web-1.example.org',
    os: 'Debian 12',
    uptime_s: 86400,
    cpu_percent: 12.5,
    memory_percent: 41.7,
    swap_percent: null,
    load1: 0,
    load5: 0.5,
    load15: 0.25,
    disk_percent: null,
    processes: 120,
    cpus: 8,
    interval_s: 300,
    failed_units: 2,
    probe_errors: 1,
    unresponsive_mounts: null,
    reboot_required: 0,
    oom_kills: 1,
    pressure_cpu_percent: null,
    pressure_memory_percent: null,
    pressure_io_percent: null,
    open_files_percent: 0.2,
    conntrack_percent: null,
    clock_synchronised: 0,
    temperature_celsius: null,
  });
});

test('every metric with a column reaches it', () => {
  const columns = statsColumns(fullReport()) as unknown as Record<string, unknown>;
  for (const { column, name } of metrics) if (column !== undefined) assert.equal(columns[column], 1, name);
});

test('an empty report is unknown, not zero', () => {
  const { probe_errors: errors, ...others } = statsColumns(reportWith());
  assert.equal(errors, 0);
  assert.deepEqual([...new Set(Object.values(others))], [null]);
});

test('the kernel stands in for a missing distribution; an empty text is unknown', () => {
  const os = (row: Row): unknown => statsColumns(reportWith(worker('os', [{ name: 'os', data: [row] }]))).os;
  assert.equal(os({ distribution: null, kernel: 'FreeBSD 14' }), 'FreeBSD 14');
  assert.equal(os({ distribution: '', kernel: '' }), null);
});

test('names that differ in the blanks at their end are different names in each database', () => {
  const mounts = ['/a', '/a ', '/a  ', '/a b', ' '];
  const rows = columnsOf(disks(...mounts.map((mount) => ({ mount })))).disks;
  assert.deepEqual(
    rows.map(({ mount }) => mount),
    ['/a', '/a\u2420', '/a\u2420\u2420', '/a b', '\u2420'],
  );
});

test('the fullest disk is the fullest local one, read-only ones included', () => {
  assert.equal(statsColumns(sampleReport).disk_percent, 63.1);
  assert.equal(statsColumns(sampleReport).unresponsive_mounts, 1);
  const local = { scope: 'local', mode: 'rw' };
  assert.equal(
    statsColumns(
      disks(
        { ...local, mount: '/', used_percent: 10 },
        { ...local, mount: '/b', used_percent: 70 },
        { ...local, mount: '/c', used_percent: null },
        { ...local, mount: '/ro', mode: 'ro', used_percent: 80 },
        { mount: '/d', used_percent: 99 },
      ),
    ).disk_percent,
    80,
  );
  assert.equal(statsColumns(disks({ ...local, mount: '/', used_percent: null })).disk_percent, null);
  assert.equal(statsColumns(disks({ ...local, mount: '/', used_percent: 0 })).disk_percent, 0);
  assert.equal(statsColumns(disks()).unresponsive_mounts, 0);
});

test('the temperature is that of the hottest sensor that says one', () => {
  const hottest = (...degrees: readonly (number | null)[]): number | null => {
    const data = degrees.map((celsius, index) => ({ sensor: `coretemp/Core ${index}`, celsius }));
    return statsColumns(reportWith(worker('temperatures', [{ name: 'temperature', data }]))).temperature_celsius;
  };
  assert.equal(hottest(41, 88.5, null, 60), 88.5);
  assert.equal(hottest(-12, -3.5), -3.5, 'a cold room');
  assert.equal(hottest(null, null), null);
  assert.equal(hottest(), null);
});

test('rows of disks and interfaces have all labels and fields of the metrics and no other', () => {
  for (const [family, rows] of [
    ['disk', diskRows(fullReport())],
    ['network', networkRows(fullReport())],
  ] as const) {
    const own = metrics.filter((metric) => metric.family === family);
    // The time span of averaged rates is stored once in a report, but beside the rates in the database.
    const interval = family === 'network' ? ['interval_s'] : [];
    const expected = [...(own[0]?.labels ?? []), ...own.map(({ field }) => field), ...interval];
    assert.equal(rows.length, 2);
    for (const row of rows) {
      assert.deepEqual(Object.keys(row), expected);
      assert.ok(Object.values(row).every((value) => value !== null));
    }
  }
});

test('of two rows of one mount the later counts, and rows without a mount are left out', () => {
  const rows = diskRows(
    disks(
      { mount: '/a', used_percent: 1 },
      { mount: '/b' },
      { mount: '/a', used_percent: 2 },
      { used_percent: 3 },
      { mount: null },
    ),
  );
  assert.deepEqual(
    rows.map(({ mount, used_percent: percent }) => [mount, percent]),
    [
      ['/a', 2],
      ['/b', null],
    ],
  );
});

test('a family may be spread over several worker reports', () => {
  const part = (mount: string): ReturnType<typeof worker> => worker('disks', [{ name: 'disk', data: [{ mount }] }]);
  const mounts = diskRows(reportWith(part('/'), part('/nfs'))).map(({ mount }) => mount);
  assert.deepEqual(mounts, ['/', '/nfs']);
});
