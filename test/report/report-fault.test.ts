import assert from 'node:assert/strict';
import test from 'node:test';

import { parseReport } from '../../src/report/parse-report.ts';
import { changed, faultOf, row, rowPlace } from './support/changed-report.ts';
import { sampleReport } from './support/sample-report.ts';

/** Changes of a report, and the path of each fault. */
const wrong: readonly { what: string; place: string; value: unknown; path: string }[] = [
  { what: 'unknown name', place: 'name', value: 'Report', path: '$.name' },
  { what: 'newer version', place: 'version', value: 2, path: '$.version' },
  { what: 'version as text', place: 'version', value: '1', path: '$.version' },
  { what: 'no datetime', place: 'datetime', value: undefined, path: '$.datetime' },
  { what: 'datetime without milliseconds', place: 'datetime', value: '2026-11-20T10:00:00Z', path: '$.datetime' },
  { what: 'datetime with an offset', place: 'datetime', value: '2026-11-20T10:00:00.000+01:00', path: '$.datetime' },
  { what: '30 February', place: 'datetime', value: '2026-02-30T10:00:00.000Z', path: '$.datetime' },
  { what: 'hour 25', place: 'datetime', value: '2026-02-20T25:00:00.000Z', path: '$.datetime' },
  { what: 'year 0', place: 'datetime', value: '0000-02-20T00:00:00.000Z', path: '$.datetime' },
  {
    what: 'report id in capitals',
    place: 'report_id',
    value: sampleReport.report_id.toUpperCase(),
    path: '$.report_id',
  },
  {
    what: 'report id with a line break',
    place: 'report_id',
    value: `${sampleReport.report_id}\n`,
    path: '$.report_id',
  },
  { what: 'run id as number', place: 'run_id', value: 7, path: '$.run_id' },
  { what: 'no client', place: 'client', value: undefined, path: '$.client' },
  { what: 'empty client', place: 'client', value: '', path: '$.client' },
  { what: 'client of 129 bytes', place: 'client', value: 'é'.repeat(64) + 'x', path: '$.client' },
  { what: 'client with U+0000', place: 'client', value: 'web\0', path: '$.client' },
  { what: 'agent as text', place: 'agent', value: '0.1.0', path: '$.agent' },
  { what: 'agent as list', place: 'agent', value: [], path: '$.agent' },
  { what: 'negative cpu time', place: 'agent.cpu_ms', value: -1, path: '$.agent.cpu_ms' },
  { what: 'memory unknown', place: 'agent.rss_bytes', value: null, path: '$.agent.rss_bytes' },
  { what: 'half a dropped report', place: 'agent.dropped_reports', value: 0.5, path: '$.agent.dropped_reports' },
  { what: 'no boot id', place: 'boot_id', value: undefined, path: '$.boot_id' },
  { what: 'long boot id', place: 'boot_id', value: 'x'.repeat(65), path: '$.boot_id' },
  { what: 'monotonic time beyond whole numbers', place: 'monotonic_ms', value: 2 ** 53, path: '$.monotonic_ms' },
  { what: 'worker reports as object', place: 'worker_reports', value: {}, path: '$.worker_reports' },
  {
    what: '65 worker reports',
    place: 'worker_reports',
    value: Array(65).fill(sampleReport.worker_reports[0]),
    path: '$.worker_reports',
  },
  { what: 'a worker report null', place: 'worker_reports.1', value: null, path: '$.worker_reports[1]' },
  { what: 'capitals in a probe', place: 'worker_reports.1.name', value: 'Memory', path: '$.worker_reports[1].name' },
  { what: 'a false error', place: 'worker_reports.1.error', value: false, path: '$.worker_reports[1].error' },
  {
    what: 'a null datetime below',
    place: 'worker_reports.1.datetime',
    value: null,
    path: '$.worker_reports[1].datetime',
  },
  {
    what: '__proto__ as family',
    place: 'worker_reports.1.function_reports.0.name',
    value: '__proto__',
    path: '$.worker_reports[1].function_reports[0].name',
  },
  {
    what: '1,001 rows',
    place: 'worker_reports.2.function_reports.0.data',
    value: Array(1001).fill({}),
    path: row.slice(0, -3),
  },
  {
    what: '65 fields',
    place: rowPlace,
    value: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`f${n}`, n])),
    path: row,
  },
  { what: 'a list in a row', place: `${rowPlace}.extra`, value: [1], path: `${row}.extra` },
  { what: 'an object in a row', place: `${rowPlace}.extra`, value: {}, path: `${row}.extra` },
  { what: 'a truth value in a row', place: `${rowPlace}.extra`, value: true, path: `${row}.extra` },
  { what: 'a metric as text', place: `${rowPlace}.used_percent`, value: '63', path: `${row}.used_percent` },
  { what: 'a label as number', place: `${rowPlace}.mount`, value: 1, path: `${row}.mount` },
  { what: 'a field in capitals', place: `${rowPlace}.Mount`, value: '/', path: row },
  { what: 'a field __proto__', place: `${rowPlace}.__proto__`, value: 'x', path: row },
  {
    what: 'a reason for no row',
    place: 'worker_reports.2.function_reports.0.unknown.0.row',
    value: 4,
    path: '$.worker_reports[2].function_reports[0].unknown[0].row',
  },
  {
    what: 'an empty reason list',
    place: 'worker_reports.2.function_reports.0.unknown',
    value: null,
    path: '$.worker_reports[2].function_reports[0].unknown',
  },
  {
    what: 'negative omitted',
    place: 'worker_reports.2.function_reports.0.omitted',
    value: -1,
    path: '$.worker_reports[2].function_reports[0].omitted',
  },
];

for (const { what, place, value, path } of wrong) {
  test(`refused with its path: ${what}`, () => {
    const fault = faultOf(Buffer.from(JSON.stringify(changed(place, value))));
    assert.equal(fault.path, path);
    assert.equal(fault.code, 'report-invalid');
    assert.ok(fault.message.startsWith(`${path}: `), fault.message);
  });
}

test('texts longer than their columns, lone surrogates and U+0000 are refused wherever a text may stand', () => {
  const places: readonly (readonly [string, string])[] = [
    ['client', '$.client'],
    ['agent.version', '$.agent.version'],
    ['boot_id', '$.boot_id'],
    ['worker_reports.0.error', '$.worker_reports[0].error'],
    [`${rowPlace}.mount`, `${row}.mount`],
    [`${rowPlace}.unheard_of`, `${row}.unheard_of`],
    [
      'worker_reports.2.function_reports.0.unknown.0.reason',
      '$.worker_reports[2].function_reports[0].unknown[0].reason',
    ],
  ];
  for (const [place, path] of places) {
    for (const text of ['x'.repeat(256), 'a\ud800', '\udc00b', '\udc00\ud800', 'a\0b']) {
      const fault = faultOf(Buffer.from(JSON.stringify(changed(place, text))));
      assert.equal(fault.path, path, JSON.stringify(text));
    }
    const kept = place === 'client' ? '😀é' : '😀é'.repeat(10);
    assert.doesNotThrow(() => parseReport(Buffer.from(JSON.stringify(changed(place, kept)))), place);
  }
});
