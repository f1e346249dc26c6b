import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { encodeReport } from '../../src/report/encode-report.ts';
import { maxReportBytes } from '../../src/report/limits.ts';
import { parseReport } from '../../src/report/parse-report.ts';
import { ReportFault, type Report } from '../../src/report/report.ts';
import { changed, faultOf, row } from './support/changed-report.ts';
import { fullReport, sampleReport } from './support/sample-report.ts';

const parseText = (text: string): Report => parseReport(Buffer.from(text));

test('what is encoded parses to the same report and encodes to the same bytes', () => {
  for (const report of [sampleReport, fullReport(), { ...sampleReport, boot_id: null, worker_reports: [] }]) {
    const bytes = encodeReport(report);
    assert.deepEqual(parseReport(bytes), report);
    assert.deepEqual(encodeReport(parseReport(bytes)), bytes);
  }
});

test('numbers that JSON can write and a double cannot hold are refused', () => {
  const text = encodeReport(sampleReport).toString();
  for (const { from, to, path } of [
    { from: '"used_percent":63.1', to: '"used_percent":1e999', path: `${row}.used_percent` },
    { from: '"used_percent":63.1', to: '"unheard_of":-1e999', path: `${row}.unheard_of` },
    { from: '"wall_ms":31.5', to: '"wall_ms":1e999', path: '$.agent.wall_ms' },
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
  // Without its own `client` the report has none: an inherited one does not count.
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
