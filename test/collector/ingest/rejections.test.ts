import assert from 'node:assert/strict';
import { test } from 'node:test';

import { asRejected, createRejections, ReportRejected } from '../../../src/collector/ingest/rejections.ts';
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
