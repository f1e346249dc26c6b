import assert from 'node:assert/strict';
import test from 'node:test';

import { parseReport } from '../../src/report/parse-report.ts';
import { changed, faultOf, row, rowPlace } from './support/changed-report.ts';
import { sampleReport } from './support/sample-report.ts';

const wrong: readonly (readonly [what: string, place: string, value: unknown, path: string])[] = [
  ['unknown name', 'name', 'Report', '$.name'],
  ['newer version', 'version', 2, '$.version'],
  ['version as text', 'version', '1', '$.version'],
  ['no datetime', 'datetime', undefined, '$.datetime'],
  ['datetime without milliseconds', 'datetime', '2026-11-20T10:00:00Z', '$.datetime'],
  ['datetime with an offset', 'datetime', '2026-11-20T10:00:00.000+01:00', '$.datetime'],
  ['30 February', 'datetime', '2026-02-30T10:00:00.000Z', '$.datetime'],
  ['hour 25', 'datetime', '2026-02-20T25:00:00.000Z', '$.datetime'],
  ['year 0', 'datetime', '0000-02-20T00:00:00.000Z', '$.datetime'],
  ['report id in capitals', 'report_id', sampleReport.report_id.toUpperCase(), '$.report_id'],
  ['report id with a line break', 'report_id', `${sampleReport.report_id}\n`, '$.report_id'],
  ['run id as number', 'run_id', 7, '$.run_id'],
  ['no client', 'client', undefined, '$.client'],
  ['empty client', 'client', '', '$.client'],
  ['client of 129 bytes', 'client', 'é'.repeat(64) + 'x', '$.client'],
  ['client with U+0000', 'client', 'web\0', '$.client'],
  ['agent as text', 'agent', '0.1.0', '$.agent'],
  ['agent as list', 'agent', [], '$.agent'],
  ['negative cpu time', 'agent.cpu_ms', -1, '$.agent.cpu_ms'],
  ['memory unknown', 'agent.rss_bytes', null, '$.agent.rss_bytes'],
  ['half a dropped report', 'agent.dropped_reports', 0.5, '$.agent.dropped_reports'],
  ['no boot id', 'boot_id', undefined, '$.boot_id'],
  ['long boot id', 'boot_id', 'x'.repeat(65), '$.boot_id'],
  ['monotonic time beyond whole numbers', 'monotonic_ms', 2 ** 53, '$.monotonic_ms'],
  ['worker reports as object', 'worker_reports', {}, '$.worker_reports'],
  ['65 worker reports', 'worker_reports', Array(65).fill(sampleReport.worker_reports[0]), '$.worker_reports'],
  ['a worker report null', 'worker_reports.1', null, '$.worker_reports[1]'],
  ['capitals in a probe', 'worker_reports.1.name', 'Memory', '$.worker_reports[1].name'],
  ['a false error', 'worker_reports.1.error', false, '$.worker_reports[1].error'],
  ['a null datetime below', 'worker_reports.1.datetime', null, '$.worker_reports[1].datetime'],
  [
    '__proto__ as family',
    'worker_reports.1.function_reports.0.name',
    '__proto__',
    '$.worker_reports[1].function_reports[0].name',
  ],
  ['1,001 rows', 'worker_reports.2.function_reports.0.data', Array(1001).fill({}), row.slice(0, -3)],
  ['65 fields', rowPlace, Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`f${n}`, n])), row],
  ['a list in a row', `${rowPlace}.extra`, [1], `${row}.extra`],
  ['an object in a row', `${rowPlace}.extra`, {}, `${row}.extra`],
  ['a truth value in a row', `${rowPlace}.extra`, true, `${row}.extra`],
  ['a metric as text', `${rowPlace}.used_percent`, '63', `${row}.used_percent`],
  ['a label as number', `${rowPlace}.mount`, 1, `${row}.mount`],
  ['a field in capitals', `${rowPlace}.Mount`, '/', row],
  ['a field __proto__', `${rowPlace}.__proto__`, 'x', row],
  [
    'a reason for no row',
    'worker_reports.2.function_reports.0.unknown.0.row',
    4,
    '$.worker_reports[2].function_reports[0].unknown[0].row',
  ],
  [
    'an empty reason list',
    'worker_reports.2.function_reports.0.unknown',
    null,
    '$.worker_reports[2].function_reports[0].unknown',
  ],
  [
    'negative omitted',
    'worker_reports.2.function_reports.0.omitted',
    -1,
    '$.worker_reports[2].function_reports[0].omitted',
  ],
];

for (const [what, place, value, path] of wrong) {
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
