import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createRejections, ReportRejected } from '../../../src/collector/ingest/rejections.ts';

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
