/** The row of a visit that is over, from what was found until then. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { recordOf, VisitProgress } from '../../../src/collector/visit/visit-progress.ts';
import { errorTable, FleetError } from '../../../src/platform/errors/errors.ts';
import type { VisitRecord } from '../../../src/storage/store/storage.ts';
import type { Connection } from '../../../src/transport/transport.ts';
import { makeClient, makeConfig } from '../../support/fleets/fleet.ts';

const client = makeClient('web-1');
const context = { facts: null, config: makeConfig('/state', [client]), start: { id: 'run-1' } };
const rowOf = (progress: VisitProgress, fault: FleetError | null = null): VisitRecord =>
  recordOf({ context, client, progress, fault, startedAtMs: 1000, durationMs: 50 });
/** Returns the progress of a visit that took reports for two keys. */
function drained(left: number): VisitProgress {
  const progress = new VisitProgress();
  progress.sealedTo.add('key-1').add('key-2');
  progress.result = { reader: 'node', hello: { boot_id: 'boot' }, end: { left } } as unknown as VisitProgress['result'];
  return progress;
}

test('a visit without a word has the row of a visit without a word', () => {
  assert.deepEqual(rowOf(new VisitProgress()), {
    ...{ runId: 'run-1', client: 'web-1', address: client.address, startedAtMs: 1000, durationMs: 50 },
    ...{ ok: true, stage: null, code: null, message: null, connectMs: null, bytesIn: 0, bytesOut: 0, uploaded: false },
    ...{ reader: null, bootId: null, sealedTo: null, nextAttemptAtMs: null },
  });
});

test('the keys of later reports are known only of a good visit after which no report waits', () => {
  assert.deepEqual(rowOf(drained(0)).sealedTo, ['key-1', 'key-2']);
  assert.equal(rowOf(drained(1)).sealedTo, null);
  const fault = new FleetError({ code: 'agent-timeout', stage: 'agent', message: 'late' });
  assert.equal(rowOf(drained(0), fault).sealedTo, null);
  const without = drained(0);
  without.sealedTo.clear();
  assert.equal(rowOf(without).sealedTo, null);
  const { reader, bootId } = rowOf(drained(0));
  assert.deepEqual([reader, bootId], ['node', 'boot']);
});

test('a fault is stage, code and message of the row; its advice only where it is more exact than the code’s', () => {
  const usual = new FleetError({ code: 'agent-timeout', stage: 'agent', message: 'late' });
  const { ok, stage, code, message, advice } = rowOf(new VisitProgress(), usual);
  assert.deepEqual([ok, stage, code, message, advice], [false, 'agent', 'agent-timeout', 'late', undefined]);
  assert.equal(usual.advice, errorTable['agent-timeout'].advice);
  const exact = new FleetError({ code: 'agent-timeout', stage: 'agent', message: 'late', advice: 'Look there.' });
  assert.equal(rowOf(new VisitProgress(), exact).advice, 'Look there.');
});

test('a refused login has a pause, also that of a bastion before the client', () => {
  const refused = new FleetError({ code: 'auth-failed', stage: 'login', message: 'no' });
  assert.notEqual(rowOf(new VisitProgress(), refused).nextAttemptAtMs, null);
  const behind = new FleetError({ code: 'bastion-failed', stage: 'connect', message: 'no', cause: refused });
  assert.notEqual(rowOf(new VisitProgress(), behind).nextAttemptAtMs, null);
  const away = new FleetError({ code: 'bastion-failed', stage: 'connect', message: 'no' });
  assert.equal(rowOf(new VisitProgress(), away).nextAttemptAtMs, null);
});

test('the state of a visit is in its row if it was asked for, and that it is the same only if it is', () => {
  const progress = new VisitProgress();
  progress.state = { stamp: 'x', runs: 2 };
  progress.stateSame = true;
  const { state, stateSame } = rowOf(progress);
  assert.deepEqual([state, stateSame], [{ stamp: 'x', runs: 2 }, true]);
});

test('the bytes of each connection of a visit count once', () => {
  const progress = new VisitProgress();
  let destroyed = 0;
  const connect = (): void => {
    const bytes = (): { in: number; out: number } => ({ in: 10, out: 3 });
    progress.connection = { bytes, destroy: () => void (destroyed += 1) } as unknown as Connection;
  };
  connect();
  progress.closeConnection();
  progress.closeConnection();
  connect();
  assert.notEqual(progress.takeConnection(), null);
  assert.equal(progress.takeConnection(), null);
  const { bytesIn, bytesOut } = rowOf(progress);
  assert.deepEqual([bytesIn, bytesOut, destroyed], [20, 6, 1]);
});
