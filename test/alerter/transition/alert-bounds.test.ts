/** The beginning and the end of alerts: events that are over at once, and the end of what fired or never did. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { keyOfClient } from '../../../src/about/kinds.ts';
import type { SampledRow } from '../../../src/alerter/evaluate/sample.ts';
import { closeAlert, newAlert, oomKillAlert, rebootAlert } from '../../../src/alerter/transition/alert-bounds.ts';
import { latestPossibleMs } from '../../../src/alerter/transition/client-transition.ts';
import { AlertMemory } from '../../../src/alerter/transition/alert-memory.ts';
import { openClientStates, stateAfter } from '../../../src/alerter/transition/client-states.ts';
import type { Alert, RuleState } from '../../../src/storage/store/alert.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { clientWith } from '../support/config-of.ts';
import { at } from '../support/rows.ts';

const { rules } = clientWith('');
const row = (over: Partial<SampledRow>): SampledRow => ({
  ...{ samples: [], ifWritable: [], complete: [], client: 'web-1', atMs: at('08:00'), kind: 'report', runId: 'run-1' },
  ...{ evidence: 'report-1', visitEnd: null, disks: null, bootId: 'two', uptimeSeconds: 200 },
  ...{ oomKills: null, oomKilled: [] },
  ...over,
});

test('a boot is an event from the boot to the report about it, with the uptime', () => {
  const found = rebootAlert(rules, 'one', row({}));
  assert.ok(found);
  const { rule, state, closedReason, value, valueText, subject, sequence } = found;
  assert.deepEqual([rule, state, closedReason, subject, sequence], ['rebooted', 'resolved', 'event', '', 1]);
  assert.deepEqual([value, valueText], [200, 'up for 3m 20s']);
  const { pendingSinceMs, firingSinceMs, resolvedAtMs, firstEvidence, changedByRun } = found;
  assert.deepEqual([pendingSinceMs, firingSinceMs, resolvedAtMs], [at('08:00') - 200_000, at('08:00'), at('08:00')]);
  assert.deepEqual([firstEvidence, changedByRun], ['report-1', 'run-1']);
  const unknown = rebootAlert(rules, 'one', row({ uptimeSeconds: null }));
  assert.deepEqual([unknown?.value, unknown?.valueText, unknown?.pendingSinceMs], [null, 'rebooted', at('08:00')]);
});

test('there is no boot without two known boots that differ, and none where no rule asks for it', () => {
  assert.equal(rebootAlert(rules, null, row({})), null);
  assert.equal(rebootAlert(rules, 'one', row({ bootId: null })), null);
  assert.equal(rebootAlert(rules, 'two', row({})), null);
  assert.equal(rebootAlert([], 'one', row({})), null);
});

test('killed processes are one event an hour, with their number and names', () => {
  const kill = (over: Partial<SampledRow>, killedAtMs: number | null = null) =>
    oomKillAlert(rules, killedAtMs, row(over));
  const texts = [
    [{ oomKills: 1 }, '1 process killed for want of memory'],
    [{ oomKills: 2, oomKilled: ['java', 'node'] }, '2 processes killed for want of memory: java, node'],
  ] as const;
  for (const [over, text] of texts) assert.equal(kill(over)?.valueText, text);
  assert.deepEqual([kill({ oomKills: 2 })?.value, kill({ oomKills: 2 })?.rule], [2, 'oom-kill']);
  assert.equal(kill({ oomKills: 0 }), null);
  assert.equal(kill({ oomKills: null }), null);
  assert.equal(kill({ oomKills: 1 }, at('07:00') + 1), null);
  assert.notEqual(kill({ oomKills: 1 }, at('07:00')), null);
  // A clock that went back hides no kills for longer than an hour.
  assert.equal(kill({ oomKills: 1 }, at('09:00') - 1), null);
  assert.notEqual(kill({ oomKills: 1 }, at('09:00')), null);
  assert.equal(oomKillAlert([], null, row({ oomKills: 1 })), null);
});

test('what fired ends with its reason and is told; what never fired is unconfirmed and closed out', () => {
  const end = (state: 'pending' | 'firing') =>
    closeAlert(alert({ state, sequence: 3, flapping: true }), 'gone', { atMs: at('08:00'), runId: 'run-2' });
  const of = ({ state, closedReason, closedOut, resolvedAtMs, sequence, flapping, changedByRun }: Alert) => [
    ...[state, closedReason, closedOut, resolvedAtMs, sequence, flapping, changedByRun],
  ];
  assert.deepEqual(of(end('firing')), ['resolved', 'gone', false, at('08:00'), 4, false, 'run-2']);
  assert.deepEqual(of(end('pending')), ['resolved', 'unconfirmed', true, at('08:00'), 4, false, 'run-2']);
});

test('a new alert is not stored, not acknowledged, and has one row that holds', () => {
  const begun = { ...keyOfClient('web-1', 'disk', '/'), severity: 'critical', state: 'pending' } as const;
  const one = newAlert({ ...begun, valueText: 'x', firstEvidence: 'r', changedByRun: null, pendingSinceMs: 5 });
  assert.deepEqual(one, {
    ...{ ...begun, valueText: 'x', firstEvidence: 'r', changedByRun: null, pendingSinceMs: 5 },
    ...{ id: null, value: null, limitText: '', firingSinceMs: null, resolvedAtMs: null, closedReason: null },
    ...{ sequence: 0, flapping: false, closedOut: false, past: false },
    ...{ acknowledgedBy: null, acknowledgedUntilMs: null, acknowledgedSeverity: null },
    progress: { holding: 1, holdingSinceMs: 5, clearing: 0, missing: 0, easing: 0, lastAtMs: 5 },
  });
});

test('the latest time that is believed is two and a half intervals after now, or after the newest row', () => {
  assert.equal(latestPossibleMs(1000, 0, 100), 1250);
  assert.equal(latestPossibleMs(0, 1000, 100), 1250);
});

const memory: RuleState = { newestReportMs: 1, newestVisitMs: null, bootId: null, rows: 1, changes: {} };

test('the state of a client after its rows has the changed alerts, and is read anew if some have no number yet', () => {
  const [one, two] = [alert({ id: 1 }), alert({ id: 2 })];
  const before = { memory: null, alerts: [one, two] };
  const changed = { ...one, sequence: 9 };
  assert.deepEqual(stateAfter(before, { memory, alerts: [] }), { memory, alerts: [one, two] });
  assert.deepEqual(stateAfter(before, { memory, alerts: [changed] }), { memory, alerts: [two, changed] });
  const over = { ...one, state: 'resolved' as const };
  assert.deepEqual(stateAfter(before, { memory, alerts: [over] }), { memory, alerts: [two] });
  assert.equal(stateAfter(before, { memory, alerts: [alert({ id: null })] }), null);
  const passed = alert({ id: null, state: 'resolved' });
  assert.deepEqual(stateAfter(before, { memory, alerts: [passed] }), { memory, alerts: [one, two] });
});

test('states come from the last round, else from the store, which is asked only for the others', async () => {
  const asked: string[] = [];
  const states = openClientStates({
    ruleStates: (names) => {
      asked.push(...names);
      return Promise.resolve(new Map(names.includes('web-2') ? [['web-2', memory]] : []));
    },
    openAlerts: () => Promise.resolve([alert({ id: 3, client: 'web-3' }), alert({ id: 4, client: 'web-3' })]),
  });
  const known = { memory, alerts: [] };
  const order: string[] = [];
  const stored = Promise.resolve().then(() => order.push('stored'));
  states.follow(
    new Map([
      ['web-1', known],
      ['web-3', null],
    ]),
    stored,
  );
  assert.deepEqual(await states.of(['web-1']), new Map([['web-1', known]]));
  assert.deepEqual(asked, []);
  const found = await states.of(['web-1', 'web-2', 'web-3']);
  assert.deepEqual([order, asked], [['stored'], ['web-2', 'web-3']]);
  assert.deepEqual(found.get('web-2'), { memory, alerts: [] });
  assert.deepEqual([found.get('web-3')?.memory, found.get('web-3')?.alerts.map(({ id }) => id)], [null, [3, 4]]);
});

const noStates = new Map<string, RuleState>();
const idsOf = (alerts: readonly Alert[]): readonly (number | null)[] => alerts.map(({ id }) => id);
for (const step of [1, -1] as const) {
  test(`alerts in memory have numbers of their own by ${step}, and are named once, when they begin to fire`, () => {
    const kept = new AlertMemory(step);
    const save = (...alerts: readonly Alert[]) => idsOf(kept.save({ alerts, ruleStates: noStates }));
    assert.deepEqual(save(alert({ id: null, firingSinceMs: null, state: 'pending' })), []);
    assert.deepEqual(save(alert({ id: step }), alert({ id: null })), [step, 2 * step]);
    assert.deepEqual(save(alert({ id: step, value: 3 })), []);
  });

  test(`alerts in memory hide the stored ones of the same number, counted by ${step}`, () => {
    const kept = new AlertMemory(step);
    kept.save({ alerts: [alert({ id: step, value: 3 }), alert({ id: 2 * step })], ruleStates: noStates });
    const stored = [alert({ id: step, value: 7 }), alert({ id: 50, client: 'db-1' })];
    assert.deepEqual(
      kept.openAlerts(null, stored).map(({ id, value }) => [id, value]),
      [
        [50, 96.2],
        [step, 3],
        [2 * step, 96.2],
      ],
    );
    assert.deepEqual(idsOf(kept.openAlerts(['db-1'], stored)), [50]);
    kept.save({ alerts: [alert({ id: step, state: 'resolved' })], ruleStates: noStates });
    assert.deepEqual(idsOf(kept.openAlerts(['web-1'])), [2 * step]);
  });
}

test('rule states in memory hide the stored ones', () => {
  const kept = new AlertMemory(1);
  kept.save({ alerts: [], ruleStates: new Map([['web-1', memory]]) });
  const older = { ...memory, rows: 0 };
  const stored = new Map(['web-1', 'db-1'].map((name) => [name, older]));
  assert.deepEqual(
    [...kept.ruleStates(['web-1', 'db-1', 'x'], stored)],
    [
      ['web-1', memory],
      ['db-1', older],
    ],
  );
});
