import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FleetError, type ErrorCode } from '../../../src/platform/errors/errors.ts';
import { isFaultOfValues, StorageFault, type FaultKind } from '../../../src/storage/sql/fault.ts';

/** The code of each kind in logs and rows, and whether other values may succeed where these have failed. */
const kinds: Readonly<Record<FaultKind, readonly [code: ErrorCode, isOfValues: boolean]>> = {
  lost: ['storage-unavailable', false],
  contended: ['storage-unavailable', false],
  duplicate: ['storage-failed', true],
  denied: ['storage-denied', false],
  full: ['storage-full', false],
  'read-only': ['storage-read-only', false],
  'too-old': ['storage-too-old', false],
  schema: ['migration-mismatch', false],
  damaged: ['storage-failed', false],
  broken: ['storage-failed', false],
  exists: ['migration-mismatch', true],
  refused: ['storage-failed', true],
  aborted: ['interrupted', false],
};
for (const [kind, [code, isOfValues]] of Object.entries(kinds)) {
  test(`a fault that is ${kind} is ${code}`, () => {
    const fault = new StorageFault(kind as FaultKind, 'no');
    assert.deepEqual([fault.code, fault.stage, isFaultOfValues(fault)], [code, 'storage', isOfValues]);
    assert.equal(fault.advice.startsWith('Put it back from a backup'), kind === 'damaged');
  });
}

test('of other errors, those of the program are of its values', () => {
  const system = Object.assign(new Error('no'), { syscall: 'write' });
  const aborted = Object.assign(new Error('no'), { name: 'AbortError' });
  const named = new FleetError({ code: 'storage-failed', stage: 'storage', message: 'no' });
  const found = [new TypeError('no'), new RangeError('no'), system, aborted, named, 'no'].map(isFaultOfValues);
  assert.deepEqual(found, [true, true, false, false, false, false]);
});
