import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FleetError, type ErrorCode } from '../../../src/platform/errors/errors.ts';
import { isFaultOfValues, StorageFault, type FaultKind } from '../../../src/storage/sql/fault.ts';
import { storeEach } from '../../../src/storage/sql/store-each.ts';

const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
const ofFleet = (code: ErrorCode) => new FleetError({ code, stage: 'storage', message: code });
const ofDatabase = (kind: FaultKind) => new StorageFault(kind, kind);

const cases: readonly (readonly [Error, boolean])[] = [
  ...(['refused', 'duplicate', 'exists'] as const).map((kind) => [ofDatabase(kind), true] as const),
  ...(
    ['lost', 'contended', 'denied', 'full', 'read-only', 'too-old', 'schema', 'damaged', 'broken', 'aborted'] as const
  ).map((kind) => [ofDatabase(kind), false] as const),
  [new RangeError('Invalid time value'), true],
  [new TypeError('cannot bind'), true],
  [new SyntaxError('no JSON'), true],
  [full, false],
  [ofFleet('storage-unavailable'), false],
  [new DOMException('ended', 'AbortError'), false],
];

for (const [thrown, isOfValues] of cases) {
  test(`${thrown.name} "${thrown.message}" condemns ${isOfValues ? 'the record' : 'the run'}`, () => {
    assert.equal(isFaultOfValues(thrown), isOfValues);
  });
}

test('one record that cannot be stored costs no other, wherever it stands', async () => {
  for (const bad of [0, 1, 199, 200, 449]) {
    const stored: number[] = [];
    const unstorable = await storeEach([...Array(450).keys()], (batch) => {
      if (batch.includes(bad)) throw new RangeError('Invalid time value');
      stored.push(...batch);
      return Promise.resolve();
    });
    assert.deepEqual(unstorable, [{ record: bad, reason: 'Invalid time value' }]);
    assert.deepEqual(
      stored,
      [...Array(450).keys()].filter((one) => one !== bad),
    );
  }
});

test('records are stored in batches, and none is no batch', async () => {
  for (const [count, sizes] of [
    [0, []],
    [200, [200]],
    [201, [200, 1]],
  ] as const) {
    const stored: number[] = [];
    await storeEach([...Array(count).keys()], (batch) => Promise.resolve(stored.push(batch.length)));
    assert.deepEqual(stored, sizes);
  }
});

test('a database that is away stops storing at once', async () => {
  let calls = 0;
  const away = (): Promise<void> => {
    calls += 1;
    return Promise.reject(ofDatabase('lost'));
  };
  await assert.rejects(storeEach([1, 2, 3, 4], away), { code: 'storage-unavailable' });
  assert.equal(calls, 1);
});
