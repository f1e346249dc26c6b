import assert from 'node:assert/strict';
import { test } from 'node:test';

import { encodeReport } from '../../../src/report/encode-report.ts';
import { maxReportBytes } from '../../../src/report/limits.ts';
import { parseReport } from '../../../src/report/parse-report.ts';
import { ReportFault } from '../../../src/report/report.ts';
import { stateDigest } from '../../../src/report/state/state.ts';
import { machineReport } from '../../support/clients/machine-report.ts';
import { times } from '../../support/times.ts';

const datetime = '2026-11-20T10:00:00.000Z';
const parsed = (sections: unknown): unknown => {
  const report = { ...machineReport({ datetime, worker_reports: [] }), name: 'State report', sections };
  return parseReport(Buffer.from(JSON.stringify(report))).sections;
};
const section = (lines: readonly unknown[], more: object = {}): object => ({
  ...{ kind: 'package', digest: stateDigest(lines as readonly string[]), error: null, lines, ...more },
});

test('sections of a state report are parsed, and other reports have none', () => {
  const good = [
    section(['nginx amd64\t1.22']),
    section(['/etc/ä b\tabc\t1795611029'], { kind: 'file' }),
    { kind: 'unit', digest: '', error: 'no permission', lines: null },
    { kind: 'mount', digest: 'a'.repeat(32), error: null, lines: null },
  ];
  assert.deepEqual(parsed(good), good);
  const visit = { ...machineReport({ datetime, worker_reports: [] }), sections: 'no list' };
  assert.equal(parseReport(Buffer.from(JSON.stringify(visit))).sections, undefined);
});

const many = times(5001, (index) => `p${index}\t1`);
const hostile: Readonly<Record<string, readonly [sections: unknown, message: RegExp]>> = {
  'no list': ['x', /\$\.sections: not a list/],
  'an unknown kind': [[section([], { kind: 'kernel-module' })], /sections\[0\]\.kind: not one of package, file/],
  'a kind twice': [[section([]), section([])], /sections\[1\]\.kind: a kind that another section has/],
  'too many packages': [[section(many)], /5001 entries, allowed are 5000/],
  'too many accounts': [[section(many.slice(0, 201), { kind: 'account' })], /201 entries, allowed are 200/],
  'a long line': [[section([`${'a'.repeat(254)}\t1`])], /256 chars, allowed are 255/],
  'control characters': [[section(['a\u001b[31m\t1'])], /not an item, a value and a time of printable/],
  'a line break': [[section(['a\nb\t1'])], /printable/],
  'characters that turn the text around': [[section(['a\u202eb\t1'])], /printable/],
  'no value': [[section(['a'])], /an item, a value/],
  'no item': [[section(['\t1'])], /an item, a value/],
  'a time that is none': [[section(['a\t1\tnow'])], /an item, a value/],
  'an item twice': [[section(['a\t1', 'a\t2'])], /an item that another line has/],
  'another digest': [[section(['a\t1'], { digest: 'b'.repeat(32) })], /the digest of other lines/],
  'no digest': [[{ kind: 'unit', digest: 'x', error: null, lines: null }], /not a digest/],
  'a number as a line': [[section([7])], /not a text/],
  'half a character': [[section(['a\ud800\t1'])], /lone surrogate|printable/],
  'an error with control characters': [[{ kind: 'unit', digest: '', error: 'a\u0007', lines: null }], /not printable/],
};
for (const [title, [sections, message]] of Object.entries(hostile)) {
  test(`a state report is refused with ${title}`, () => {
    assert.throws(
      () => parsed(sections),
      (thrown) => thrown instanceof ReportFault && message.test(thrown.message),
    );
  });
}

test('a state report beyond a megabyte is refused', () => {
  const lines = times(2000, (index) => `/etc/${'x'.repeat(200)}${index}\t${'a'.repeat(32)}`);
  const wide = ['package', 'file'].map((kind) => section(lines, { kind }));
  assert.throws(() => parsed([...wide, section(lines.slice(0, 1000), { kind: 'unit' })]), /bytes, allowed are/);
  assert.ok(maxReportBytes === 1024 * 1024);
});

test('the lines of a report come back as they were sent', () => {
  const lines = ['/etc/ä b\tabc\t1795611029', 'x\ty'];
  const sections = [{ kind: 'file', digest: stateDigest(lines), error: null, lines }] as const;
  const report = { ...machineReport({ datetime, worker_reports: [] }), name: 'State report', sections } as const;
  assert.deepEqual(parseReport(encodeReport(report)).sections, sections);
});
