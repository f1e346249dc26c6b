/** Mounts that are gone, read-only, missing or do not answer. sampler.test.ts has their figures. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { withWritable, writableAfter } from '../../../src/alerter/evaluate/disk-samplers.ts';
import { sampleReport } from '../../../src/alerter/evaluate/sample-row.ts';
import type { Sample, SampledRow } from '../../../src/alerter/evaluate/sample.ts';
import { maxSubjects } from '../../../src/report/limits.ts';
import { times } from '../../support/times.ts';
import { configOf } from '../support/config-of.ts';
import { observe, type Row } from '../support/observe.ts';
import { diskRow, reportRow } from '../support/rows.ts';

const rule = '<alert type="disk" limit="90%"/>';

const saying = (samples: readonly Sample[], name: string): readonly string[] =>
  samples.filter((sample) => sample.rule.name === name).map(({ subject, level }) => `${subject} ${level}`);

/** Returns `subject level` for the samples of a condition of mounts. */
const conditionsOf = (name: string, row: Row, alerts = ''): readonly string[] =>
  saying(observe(alerts, row).samples, name);

const isWhole = (row: Row): boolean => observe(rule, row).complete.includes('disk');

test('a row with all mounts says which are gone', () => {
  assert.equal(isWhole({ disks: [diskRow()] }), true);
});

for (const { what, row } of [
  { what: 'whose probe had an error', row: { row: { probe_errors: 1 } } },
  { what: 'that does not know whether mounts answer', row: { row: { unresponsive_mounts: null } } },
  { what: 'whose list was cut off', row: { disks: times(maxSubjects, (index) => diskRow({ mount: `/${index}` })) } },
  { what: 'whose mounts were not loaded', row: { disks: null } },
] satisfies readonly { readonly what: string; readonly row: Row }[]) {
  test(`a row ${what} does not say that a mount is gone`, () => {
    assert.equal(isWhole(row), false);
  });
}

test('one mount fewer than the most is a whole list', () => {
  assert.equal(isWhole({ disks: times(maxSubjects - 1, (index) => diskRow({ mount: `/${index}` })) }), true);
});

test('a read-only file system is sampled only for those that were writable before', () => {
  const row = observe(rule, { disks: [diskRow({ mount: '/data', mode: 'ro', used_percent: 99 })] });
  assert.deepEqual(saying(row.samples, 'disk'), []);
  assert.deepEqual(saying(withWritable(row, new Set(['/other'])).samples, 'disk'), []);
  const known: SampledRow = withWritable(row, new Set(['/data']));
  assert.deepEqual(saying(known.samples, 'disk'), ['/data critical']);
  assert.deepEqual(saying(known.samples, 'read-only'), ['/data critical']);
});

test('a rule that names a read-only mount samples it whatever it was before', () => {
  const row = observe('<alert type="disk" mount="/data" limit="90%"/>', {
    disks: [diskRow({ mount: '/data', mode: 'ro', used_percent: 99 })],
  });
  assert.deepEqual(saying(row.samples, 'disk mount=/data'), ['/data critical']);
});

test('a file system stays writable until it is no longer listed', () => {
  const before = writableAfter(new Set(), [diskRow({ mount: '/' }), diskRow({ mount: '/data' })]);
  assert.deepEqual([...before], ['/', '/data']);
  assert.equal(writableAfter(before, null), before);
  assert.equal(writableAfter(before, []), before);
  const readOnly = [diskRow({ mount: '/' }), diskRow({ mount: '/data', mode: 'ro' })];
  assert.equal(writableAfter(before, readOnly), before);
  assert.deepEqual([...writableAfter(before, [diskRow({ mount: '/' })])], ['/']);
});

test('network and first-seen read-only file systems are never writable', () => {
  const disks = [diskRow({ mount: '/nfs', scope: 'network' }), diskRow({ mount: '/cd', mode: 'ro' })];
  assert.deepEqual([...writableAfter(new Set(), disks)], []);
});

test('a mount that does not answer is a fault, and an answer counts only where a mount may hang', () => {
  const disks = [
    diskRow({ mount: '/local', unresponsive: 1 }),
    diskRow({ mount: '/srv', scope: 'network', unresponsive: 0 }),
    diskRow({ mount: '/fuse', fstype: 'fuse.sshfs', unresponsive: 0 }),
    diskRow({ mount: '/data', unresponsive: 0 }),
    diskRow({ mount: '/unknown', scope: 'network', unresponsive: null }),
  ];
  assert.deepEqual(conditionsOf('mount-unresponsive', { disks }), ['/local critical', '/srv none', '/fuse none']);
});

test('a missing mount is a fault of its own unless a rule expects the mount', () => {
  const row: Row = {
    disks: [diskRow({ mount: '/data', mode: 'missing' }), diskRow({ mount: '/srv', mode: 'missing' })],
  };
  assert.deepEqual(conditionsOf('mount-missing', row), ['/data critical', '/srv critical']);
  assert.deepEqual(conditionsOf('mount-missing', row, '<alert type="mount" mount="/data"/>'), ['/srv critical']);
});

test('a row with mounts lists all that a rule expects, so that an alert about any other is over', () => {
  const rule = '<alert name="data" type="mount" mount="/data"/>';
  const complete = (alerts: string, row: Row): boolean => observe(alerts, row).complete.includes('data');
  assert.equal(complete(rule, {}), true);
  assert.equal(complete(rule, { disks: null }), false);
  const [exempt] =
    configOf(`<alerts mail="ops@example.org">${rule}</alerts><client name="web-1" ip="192.0.2.1" username="u">
    <alert type="mount" mount="/data" enabled="no"/></client>`).clients;
  assert.ok(exempt);
  const row = { row: reportRow(), disks: [diskRow()], networks: [], report: null };
  assert.equal(sampleReport({ client: exempt, ...row }).complete.includes('data'), true, 'of a client that is exempt');
});

test('an expected mount is a fault where all mounts are listed, and unknown where not', () => {
  const expected = '<alert type="mount" mount="/data,/"/>';
  const name = 'mount mount=/data,/';
  const levels = (row: Row): readonly string[] => saying(observe(expected, row).samples, name);
  assert.deepEqual([...levels({ disks: [diskRow()] })].sort(), ['/ none', '/data critical']);
  assert.deepEqual([...levels({ disks: [diskRow()], row: { probe_errors: 1 } })].sort(), ['/ none', '/data unknown']);
  const missing = [diskRow(), diskRow({ mount: '/data', mode: 'missing' })];
  assert.deepEqual([...levels({ disks: missing })].sort(), ['/ none', '/data critical']);
});
