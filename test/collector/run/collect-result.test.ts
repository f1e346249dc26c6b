/** The end of a run: its outcome, the counts of its row, and the exit status of the program. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { endOf, overlappedEnd, resultOf, type CollectOutcome } from '../../../src/collector/run/collect-result.ts';
import type { ClientsVisited } from '../../../src/collector/run/visit-clients.ts';
import { FleetError, type ErrorCode } from '../../../src/platform/errors/errors.ts';
import { runStart, visit } from '../../storage/support/samples.ts';

const run = { start: runStart({ id: 'run-1' }), now: () => 5000 };
const none: ClientsVisited = {
  ...{ clients: 0, succeeded: 0, failures: [], heldBack: 0, unreached: 0 },
  ...{ isRefused: false, interrupted: false, endedEarly: false },
};
const noReports = { stored: 0, duplicate: 0, quarantined: 0, waiting: 0 };
const resultFor = (more: Partial<ClientsVisited>, outcome: Partial<CollectOutcome> = {}) => {
  const visited = { ...none, ...more };
  return resultOf(1000, { end: endOf(run, visited), visited, ...outcome });
};

for (const [what, more, outcome] of [
  ['all well', {}, 'finished'],
  ['an end by the run’s deadline', { endedEarly: true }, 'finished'],
  ['keys that are not those of the site', { isRefused: true }, 'failed'],
  ['a signal', { interrupted: true }, 'interrupted'],
  ['a signal, and other keys', { interrupted: true, isRefused: true }, 'interrupted'],
] as const) {
  test(`the outcome of a run with ${what} is ${outcome}`, () => {
    assert.equal(endOf(run, { ...none, ...more }).outcome, outcome);
  });
}

test('the row of a run counts its clients once each, those held back and not reached as skipped', () => {
  const failures = [visit({}), visit({})];
  const visited = { ...none, clients: 10, succeeded: 3, failures, heldBack: 4, unreached: 1 };
  const { id, finishedAtMs, clients, succeeded, failed, skipped } = endOf(run, visited);
  assert.deepEqual([id, finishedAtMs], ['run-1', 5000]);
  assert.deepEqual({ clients, succeeded, failed, skipped }, { clients: 10, succeeded: 3, failed: 2, skipped: 5 });
  const result = resultFor(visited, { reports: { ...noReports, stored: 7, waiting: 2 } });
  assert.deepEqual([result.runId, result.startedAtMs, result.unreached, result.failures], ['run-1', 1000, 1, failures]);
  assert.deepEqual(result.reports, { stored: 7, duplicate: 0, quarantined: 0, waiting: 2 });
});

test('a run beside another one visits nobody, and says who holds the lock', () => {
  const end = overlappedEnd(run);
  const { outcome, clients, succeeded, failed, skipped } = end;
  assert.deepEqual([outcome, clients, succeeded, failed, skipped], ['overlapped', 0, 0, 0, 0]);
  const holder = { pid: 7 } as unknown as CollectOutcome['holder'] & object;
  const result = resultOf(1000, { end, holder });
  assert.deepEqual([result.holder, result.exitStatus, result.reports], [holder, 0, noReports]);
  assert.deepEqual([result.failures, result.faults, result.restored], [[], [], null]);
  assert.equal(resultOf(1000, { end }).holder, null);
});

const faultOf = (code: ErrorCode): FleetError => new FleetError({ code, stage: 'run', message: 'x' });
for (const [what, more, outcome, exitStatus] of [
  ['all well', { clients: 2, succeeded: 2 }, {}, 0],
  ['reports that wait or came twice', {}, { reports: { ...noReports, stored: 1, duplicate: 3, waiting: 4 } }, 0],
  ['a failed client', { clients: 2, succeeded: 1, failures: [visit({})] }, {}, 1],
  ['a client held back', { heldBack: 1 }, {}, 1],
  ['a client not reached', { unreached: 1 }, {}, 1],
  ['a report in quarantine', {}, { reports: { ...noReports, quarantined: 1 } }, 1],
  ['a signal', { interrupted: true }, {}, 1],
  ['an alerter that is silent', {}, { faults: [faultOf('alerter-silent')] }, 1],
  ['an ingest that is silent', {}, { faults: [faultOf('ingest-silent')] }, 1],
  ['a disk that is nearly full', {}, { faults: [faultOf('disk-low')] }, 1],
  ['the database away', {}, { faults: [faultOf('storage-unavailable')] }, 3],
  ['the spool full', {}, { faults: [faultOf('spool-full')] }, 3],
  ['others’ faults and one of its own', {}, { faults: [faultOf('disk-low'), faultOf('spool-full')] }, 3],
  ['a failed client and a fault', { failures: [visit({})] }, { faults: [faultOf('spool-full')] }, 3],
] satisfies readonly [string, Partial<ClientsVisited>, Partial<CollectOutcome>, number][]) {
  test(`a run with ${what} ends with status ${exitStatus}`, () => {
    assert.equal(resultFor(more, outcome).exitStatus, exitStatus);
  });
}
