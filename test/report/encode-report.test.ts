import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { encodeReport } from '../../src/report/encode-report.ts';
import { maxLabelChars } from '../../src/report/limits.ts';
import { parseReport } from '../../src/report/parse-report.ts';
import { reportWith, sampleReport, worker } from './support/sample-report.ts';
import { codePoint } from '../support/code-points.ts';

const withMount = (mount: string): Buffer =>
  encodeReport(reportWith(worker('disks', [{ name: 'disk', data: [{ mount }] }], mount)));
const mountOf = (bytes: Uint8Array): unknown =>
  parseReport(bytes).worker_reports[0]?.function_reports[0]?.data[0]?.['mount'];

test('the JSON is compact and UTF-8', () => {
  const bytes = encodeReport({ ...sampleReport, client: 'wéb-😀' });
  assert.doesNotMatch(bytes.toString(), /\n|: |, /);
  assert.ok(bytes.includes(Buffer.from('wéb-😀')));
});

test('texts that no reader would take are made fit', () => {
  const long = '/'.padEnd(maxLabelChars, 'x');
  assert.equal(mountOf(withMount(long)), long);
  assert.equal(mountOf(withMount(`${long}y`)), `${long.slice(0, -1)}…`);
  assert.equal(mountOf(withMount('/a\0b\ud800')), '/a\ufffdb\ufffd');
  // The cut splits a surrogate pair.
  assert.equal(mountOf(withMount(`${'x'.repeat(maxLabelChars - 2)}😀y`)), `${'x'.repeat(maxLabelChars - 2)}\ufffd…`);
});

test('numbers that are not finite become null', () => {
  const bytes = encodeReport(
    reportWith(worker('cpu', [{ name: 'cpu', data: [{ used_percent: NaN, cpus: Infinity }] }])),
  );
  assert.deepEqual(parseReport(bytes).worker_reports[0]?.function_reports[0]?.data, [
    { used_percent: null, cpus: null },
  ]);
});

test('whatever the labels and values are, what is encoded parses', () => {
  const label = fc.string({ unit: codePoint, maxLength: 400 });
  const field = fc.stringMatching(/^[a-z][a-z0-9_]{0,20}$/);
  const row = fc.dictionary(field, fc.oneof(label, fc.double(), fc.constant(null)), { noNullPrototype: true });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 5 }), label, (data, error) => {
      const bytes = encodeReport(reportWith(worker('quanta', [{ name: 'spin', data }], error)));
      assert.deepEqual(encodeReport(parseReport(bytes)), bytes);
    }),
  );
});
