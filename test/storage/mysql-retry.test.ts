import assert from 'node:assert/strict';
import { test } from 'node:test';

import { StorageFault, type FaultKind } from '../../src/storage/sql/fault.ts';
import { mysqlFault } from '../../src/storage/dialects/mysql/faults.ts';
import { retryOf, type Failure } from '../../src/storage/dialects/mysql/retry.ts';

const waitOver = mysqlFault(Object.assign(new Error('Lock wait timeout exceeded'), { errno: 1205 }), 'db');

function answer(fault: FaultKind | StorageFault, more: Partial<Omit<Failure, 'fault'>> = {}): string {
  const usual = { attempt: 1, failingMs: 0, servers: 3, reused: true, wasConnected: true, isOfGroup: false };
  const failed = typeof fault === 'string' ? new StorageFault(fault, 'words') : fault;
  const retry = retryOf({ ...usual, ...more, fault: failed });
  return retry === null ? 'fault' : `${retry.elsewhere ? 'elsewhere' : 'here'} after ${retry.pauseMs} ms`;
}

const table: readonly (readonly [string, string])[] = [
  [answer('lost', { servers: 1 }), 'here after 0 ms'],
  [answer('lost', { servers: 1, reused: false }), 'fault'],
  [answer('contended', { servers: 1 }), 'here after 0 ms'],
  [answer('contended', { servers: 1, attempt: 2 }), 'here after 250 ms'],
  [answer('contended', { servers: 1, attempt: 5 }), 'here after 2000 ms'],
  [answer('contended', { servers: 1, attempt: 6 }), 'fault'],
  [answer(waitOver, { servers: 1, attempt: 3 }), 'fault'],
  [answer(waitOver, { servers: 1 }), 'here after 0 ms'],
  [answer('full', { servers: 1 }), 'fault'],
  [answer('lost', { servers: 1, attempt: 2 }), 'here after 0 ms'],
  [answer('lost', { servers: 1, attempt: 3 }), 'fault'],
  [answer('duplicate', { servers: 1, attempt: 2, reused: false }), 'here after 0 ms'],
  [answer('duplicate', { servers: 1, attempt: 3 }), 'fault'],
  [answer('contended', { servers: 1, attempt: 3 }), 'here after 500 ms'],
  [answer(waitOver, { servers: 1, attempt: 2 }), 'here after 0 ms'],
  [answer('read-only', { servers: 1, isOfGroup: true }), 'fault'],
  // A cluster that has lost a node needs time to detect the loss.
  [answer('lost'), 'elsewhere after 250 ms'],
  [answer('lost', { attempt: 3, failingMs: 1000 }), 'elsewhere after 1000 ms'],
  [answer('lost', { attempt: 17, failingMs: 29_000 }), 'elsewhere after 2000 ms'],
  [answer('lost', { attempt: 17, failingMs: 30_000 }), 'fault'],
  [answer('lost', { wasConnected: false }), 'fault'],
  [answer(waitOver), 'elsewhere after 250 ms'],
  [answer('contended'), 'here after 250 ms'],
  [answer('duplicate', { attempt: 5 }), 'here after 2000 ms'],
  [answer('contended', { attempt: 6 }), 'fault'],
  [answer('full'), 'elsewhere after 250 ms'],
  [answer('full', { attempt: 3, wasConnected: false }), 'elsewhere after 1000 ms'],
  [answer('full', { attempt: 4 }), 'fault'],
  [answer('read-only', { attempt: 3 }), 'elsewhere after 1000 ms'],
  [answer(waitOver, { attempt: 9, failingMs: 29_999 }), 'elsewhere after 2000 ms'],
  [answer(waitOver, { attempt: 9, failingMs: 30_000 }), 'fault'],
  [answer('duplicate', { attempt: 6 }), 'fault'],
  [answer('read-only', { isOfGroup: true, wasConnected: false }), 'fault'],
  [answer('read-only', { attempt: 4 }), 'fault'],
  // A group without its primary is read-only until it has elected another.
  [answer('read-only', { attempt: 4, isOfGroup: true }), 'elsewhere after 2000 ms'],
  [answer('read-only', { failingMs: 30_000, isOfGroup: true }), 'fault'],
];

test('where a transaction that failed is made again', () => {
  for (const kind of ['denied', 'schema', 'damaged', 'broken', 'exists', 'refused', 'aborted'] as const) {
    assert.deepEqual([kind, answer(kind)], [kind, 'fault']);
  }
  for (const [index, [got, due]] of table.entries()) assert.equal(got, due, `row ${index + 1}`);
});
