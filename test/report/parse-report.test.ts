import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { encodeReport } from '../../src/report/encode-report.ts';
import { maxReportBytes } from '../../src/report/limits.ts';
import { parseReport } from '../../src/report/parse-report.ts';
import { ReportFault } from '../../src/report/report.ts';
import type { Report } from '../../src/report/report.ts';
import { fullReport, sampleReport } from './sample-report.ts';

const parseText = (text: string): Report => parseReport(Buffer.from(text));

/** The sample with one place changed: `worker_reports.0.name`. `undefined` removes it. */
function changed(place: string, value: unknown): Report {
  const copy = structuredClone(sampleReport);
  const keys = place.split('.');
  const last = keys.pop() ?? '';
  const target = keys.reduce<object>((at, key) => (at as Record<string, object>)[key] ?? {}, copy);
  Object.defineProperty(target, last, { value, enumerable: true, configurable: true, writable: true });
  return copy;
}

function faultOf(bytes: Uint8Array): ReportFault {
  try {
    parseReport(bytes);
  } catch (thrown) {
    assert.ok(thrown instanceof ReportFault, `not a ReportFault: ${String(thrown)}`);
    return thrown;
  }
  return assert.fail('it was taken');
}

test('what is encoded parses to the same report and encodes to the same bytes', () => {
  for (const report of [sampleReport, fullReport(), { ...sampleReport, boot_id: null, worker_reports: [] }]) {
    const bytes = encodeReport(report);
    assert.deepEqual(parseReport(bytes), report);
    assert.deepEqual(encodeReport(parseReport(bytes)), bytes);
  }
});

const row = '$.worker_reports[2].function_reports[0].data[0]';
const rowPlace = 'worker_reports.2.function_reports.0.data.0';
const long = 'x'.repeat(256);

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
    for (const text of [long, 'a\ud800', '\udc00b', '\udc00\ud800', 'a\0b']) {
      const fault = faultOf(Buffer.from(JSON.stringify(changed(place, text))));
      assert.equal(fault.path, path, JSON.stringify(text));
    }
    const kept = place === 'client' ? '😀é' : '😀é'.repeat(10);
    assert.doesNotThrow(() => parseText(JSON.stringify(changed(place, kept))), place);
  }
});

test('numbers that JSON can write and a double cannot hold are refused', () => {
  const text = encodeReport(sampleReport).toString();
  for (const [from, to, path] of [
    ['"used_percent":63.1', '"used_percent":1e999', `${row}.used_percent`],
    ['"used_percent":63.1', '"unheard_of":-1e999', `${row}.unheard_of`],
    ['"wall_ms":31.5', '"wall_ms":1e999', '$.agent.wall_ms'],
  ] as const) {
    assert.ok(text.includes(from));
    assert.equal(faultOf(Buffer.from(text.replace(from, to))).path, path);
  }
});

test('a newer agent stays readable: unknown families and fields are kept, unknown keys are not', () => {
  const newer = structuredClone(sampleReport) as unknown as Record<string, unknown> & Report;
  newer['colour'] = { deep: ['x'] };
  const [first] = newer.worker_reports;
  assert.ok(first !== undefined);
  Object.assign(first, { mood: 'good' });
  Object.assign(first.function_reports[0]?.data[0] ?? {}, { fresh_percent: 250, flavour: 'sour', gone: null });
  const family = { name: 'quanta', data: [{ spin: -0.5, kind: 'up' }], basis: 1 };
  (first.function_reports as unknown[]).push(family);

  const parsed = parseReport(encodeReport(newer));
  assert.deepEqual(Object.keys(parsed), Object.keys(sampleReport));
  assert.deepEqual(Object.keys(parsed.worker_reports[0] ?? {}), Object.keys(sampleReport.worker_reports[0] ?? {}));
  const parts = parsed.worker_reports[0]?.function_reports ?? [];
  assert.deepEqual(parts[0]?.data[0], {
    ...sampleReport.worker_reports[0]?.function_reports[0]?.data[0],
    fresh_percent: 250,
    flavour: 'sour',
    gone: null,
  });
  assert.deepEqual(parts[1], { name: 'quanta', data: [{ spin: -0.5, kind: 'up' }] });
});

test('__proto__ keys change no prototype, neither of what is parsed nor of anything else', () => {
  const text = encodeReport(sampleReport).toString();
  const poisoned = text
    .replace('{"name":"Daemon', '{"__proto__":{"client":"evil","polluted":1},"name":"Daemon')
    .replace('"agent":{', '"agent":{"__proto__":{"dropped_reports":5},');
  const parsed = parseText(poisoned);
  assert.deepEqual(parsed, sampleReport);
  assert.equal((parsed as unknown as Record<string, unknown>)['polluted'], undefined);
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  assert.equal(parsed.agent.dropped_reports, undefined);
  // Without its own client the report has none: an inherited one does not count.
  const bare = poisoned.replace('"client":"web-1",', '');
  assert.equal(faultOf(Buffer.from(bare)).path, '$.client');
});

test('what is no JSON in UTF-8 is refused', () => {
  const whole = encodeReport(sampleReport);
  const samples: readonly Uint8Array[] = [
    Buffer.alloc(0),
    Buffer.from('null'),
    Buffer.from('[]'),
    Buffer.from('"x"'),
    Buffer.concat([Buffer.from('\ufeff'), whole]),
    Buffer.concat([whole, Buffer.from('{}')]),
    Buffer.concat([whole, Buffer.from([0])]),
    Buffer.from(whole.toString().replace('web-1', 'wéb'), 'latin1'),
    Buffer.from(whole.toString('utf16le')),
  ];
  for (const sample of samples) assert.equal(faultOf(sample).path, '$');
  for (let length = 0; length < whole.length; length++) faultOf(whole.subarray(0, length));
});

test('depth is bounded before anything is built', () => {
  const nested = (depth: number): Buffer => {
    const extra = `${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}`;
    return Buffer.from(encodeReport(sampleReport).toString().replace('{"name"', `{"extra":${extra},"name"`));
  };
  assert.doesNotThrow(() => parseReport(nested(16)));
  assert.match(faultOf(nested(17)).message, /deeper than 16/);
  assert.match(faultOf(Buffer.alloc(maxReportBytes, '[')).message, /deeper than 16/);
  for (const text of ['[[[[[[[[[[[[[[[[[[[[', '"[[[[[[[[[[[[[[[[[[[[', '\\"{{{{{{{{{{{{{{{{{{{{', ']]]]}}}}']) {
    const inText = changed('client', text);
    assert.deepEqual(parseReport(encodeReport(inText)), inText);
  }
});

test('1 MiB is the end', () => {
  const text = encodeReport(sampleReport).toString();
  const padded = (size: number): Buffer => Buffer.from(text + ' '.repeat(size - Buffer.byteLength(text)));
  assert.deepEqual(parseReport(padded(maxReportBytes)), sampleReport);
  const fault = faultOf(padded(maxReportBytes + 1));
  assert.deepEqual([fault.code, fault.path], ['report-too-large', '$']);
});

test('a part of a larger buffer is read as itself', () => {
  const bytes = encodeReport(sampleReport);
  const larger = Buffer.concat([Buffer.from('xx'), bytes, Buffer.from('yy')]);
  assert.deepEqual(parseReport(new Uint8Array(larger.buffer, larger.byteOffset + 2, bytes.length)), sampleReport);
});

test('no bytes at all make it throw anything but a ReportFault, and what it takes it takes again', () => {
  const bytes = encodeReport(sampleReport);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.uint8Array({ maxLength: 4 }), fc.nat(4), (at, insert, skip) => {
      const mutant = Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + skip)]);
      let report: Report;
      try {
        report = parseReport(mutant);
      } catch (thrown) {
        assert.ok(thrown instanceof ReportFault);
        return;
      }
      const again = encodeReport(report);
      assert.deepEqual(encodeReport(parseReport(again)), again);
    }),
    { numRuns: 2000 },
  );
});
