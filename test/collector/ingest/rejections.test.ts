import assert from 'node:assert/strict';
import { test } from 'node:test';

import { asRejected, createRejections, refusalOf, ReportRejected } from '../../../src/collector/ingest/rejections.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import { ReportFault } from '../../../src/report/report.ts';
import { SealFault } from '../../../src/report/seal/seal-fault.ts';

const tooMany = new ReportRejected('report-refused', 'too many');

test('twenty quarantined reports of a client are named, the last says so; other clients come through', () => {
  const named: string[] = [];
  const rejections = createRejections({
    now: () => 0,
    observe: (event) => {
      if (event.kind === 'quarantined') named.push(`${event.client}: ${event.message}`);
    },
    onFault: assert.ifError,
  });
  for (let number = 0; number < 100; number++) rejections.add('evil', tooMany, () => undefined);
  rejections.add('good', tooMany, () => undefined);
  const last = ['evil: too many; further reports of it are only counted', 'good: too many'];
  assert.deepEqual(named, [...Array<string>(19).fill('evil: too many'), ...last]);
  assert.equal(rejections.count(), 101);
});

test('a report for a key that is not here is rejected with what is known of the key', () => {
  const fault = new SealFault('seal-no-key', 'no key', undefined, 'abc');
  const describeKey = (keyId: string) => ({ clause: `key ${keyId}, which was retired`, advice: '' });
  assert.equal(asRejected(fault, describeKey).message, 'it is sealed to key abc, which was retired');
  assert.equal(asRejected(fault).message, 'no key');
});

test('a report that quarantine does not take is a fault, and neither counted nor named', () => {
  const faults: string[] = [];
  const rejections = createRejections({
    now: () => 0,
    observe: () => assert.fail('nothing is said'),
    onFault: ({ code, client }) => void faults.push(`${client}: ${code}`),
  });
  const isKept = rejections.add('web-1', tooMany, () => {
    throw new Error('EACCES');
  });
  assert.deepEqual(
    { isKept, count: rejections.count(), faults },
    { isKept: false, count: 0, faults: ['web-1: state-unusable'] },
  );
});

for (const [what, thrown, code, message] of [
  ['a rejection', tooMany, 'report-refused', 'too many'],
  ['a fault of the seal', new SealFault('seal-corrupt', 'cut off'), 'seal-corrupt', 'cut off'],
  ['a fault of the report', new ReportFault('report-too-large', '$', 'long'), 'report-too-large', '$: long'],
  ['another error', new TypeError('odd'), 'report-invalid', 'odd'],
] as const) {
  test(`${what} goes to quarantine as ${code}`, () => {
    const rejected = asRejected(thrown);
    assert.deepEqual([rejected.code, rejected.message, rejected.name], [code, message, 'ReportRejected']);
    assert.equal(rejected.cause, thrown === tooMany ? undefined : thrown);
  });
}

for (const [result, refused] of [
  [{ kind: 'stored' }, null],
  [{ kind: 'duplicate' }, null],
  [{ kind: 'foreign', owner: 'web-2' }, ['report-foreign', 'its id is that of a report of web-2']],
  [{ kind: 'refused', message: 'too long' }, ['report-refused', 'too long']],
] as const) {
  test(`a report that the database says is ${result.kind} is ${refused === null ? 'there' : 'refused'}`, () => {
    const refusal = refusalOf(result);
    assert.deepEqual(refusal && [refusal.code, refusal.message], refused);
  });
}

test('a folder of a client or site that cannot be used has a line for each, and fails no run', () => {
  const said: string[] = [];
  const rejections = createRejections({
    now: () => 0,
    observe: (event) => {
      if (event.kind === 'fault') said.push(`${event.fault.code} ${event.fault.client}: ${event.fault.message}`);
    },
    onFault: ({ code }) => void said.push(`fault ${code}`),
    passedOver: [{ origin: 'site-ber', line: 'named before' }],
  });
  const denied = Object.assign(new Error('EACCES'), { code: 'EACCES' });
  const full = new FleetError({ code: 'spool-full', stage: 'spool', message: 'full' });
  rejections.stay(denied, 'web-1', null);
  rejections.stay(denied, 'web-1', null);
  rejections.stay(denied, 'web-2', null);
  rejections.stay(full, 'web-3', 'site-fra');
  rejections.stay(full, 'web-4', 'site-fra');
  rejections.stay(denied, 'web-5', 'site-ber');
  rejections.stay(full, 'web-6', null);
  assert.deepEqual(said, [
    'inbox-strange web-1: EACCES',
    'inbox-strange web-2: EACCES',
    'inbox-strange null: full',
    'fault spool-full',
  ]);
  assert.deepEqual([rejections.unmovable(), rejections.count()], [7, 0]);
});

test('the time in quarantine is that of this run', () => {
  const rejections = createRejections({ now: () => 77, observe: () => undefined, onFault: assert.ifError });
  const reasons: unknown[] = [];
  assert.equal(
    rejections.add('web-1', tooMany, (reason) => reasons.push(reason)),
    true,
  );
  assert.deepEqual(reasons, [{ code: 'report-refused', message: 'too many', atMs: 77 }]);
});
