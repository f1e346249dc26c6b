import assert from 'node:assert/strict';
import { test } from 'node:test';

import { conditionOf, nextTurnMs, stormAt, stormMs } from '../../src/simulator/condition.ts';
import { planFleet, type FleetPlan, type SimulatedClient } from '../../src/simulator/fleet-plan.ts';
import type { StormPart } from '../../src/simulator/profile.ts';

const minuteMs = 60_000;
const startedAtMs = 1_800_000_000_000;
const storm: FleetPlan = { seed: 4, clients: 100, profile: 'storm', port: 1, startedAtMs, everyMs: minuteMs };
const fleet = planFleet(storm);

function one(part: StormPart): SimulatedClient {
  const found = fleet.find((client) => client.storm === part);
  assert.ok(found !== undefined, part);
  return found;
}

test('calm and storms take turns', () => {
  const cases: readonly (readonly [minutes: number, storm: number])[] = [
    [-1, 0],
    [0, 0],
    [2.99, 0],
    [3, 1],
    [7.99, 1],
    [8, 0],
    [11, 2],
    [15.99, 2],
    [16, 0],
  ];
  for (const [minutes, number] of cases) {
    assert.equal(stormAt(storm, startedAtMs + minutes * minuteMs), number, `${minutes} min`);
  }
  assert.equal(stormMs(storm), 5 * minuteMs);
});

test('the next turn is the next change, and only storms have one', () => {
  for (const [minutes, next] of [
    [-5, 3],
    [0, 3],
    [3, 8],
    [7.5, 8],
    [8, 11],
  ] as const) {
    assert.equal(nextTurnMs(storm, startedAtMs + minutes * minuteMs), startedAtMs + next * minuteMs, `${minutes} min`);
  }
  assert.equal(nextTurnMs({ ...storm, profile: 'lossy' }, startedAtMs), null);
});

test('a storm changes what its parts say, and its end takes that back', () => {
  const during = startedAtMs + 4 * minuteMs;
  const afterwards = startedAtMs + 9 * minuteMs;
  const { dead: rack } = conditionOf(storm, one('rack'), during);
  const { dead: silent } = conditionOf(storm, one('silent'), during);
  const { dead: changed } = conditionOf(storm, one('host-key-changed'), during);
  assert.deepEqual([rack, silent, changed], ['unanswered', 'silent', 'host-key-changed']);
  assert.equal(conditionOf(storm, one('busy'), during).busy, true);
  assert.notEqual(conditionOf(storm, one('full-disk'), during).fullDisk, 'no');
  assert.equal(conditionOf(storm, one('failed-unit'), during).failedUnit, true);
  assert.ok(Math.abs(conditionOf(storm, one('clock'), during).clockOffsetMs) >= 90_000);
  assert.ok(conditionOf(storm, one('flaky'), during).brokenShare > 0);
  for (const client of fleet) {
    const { dead, busy, fullDisk, failedUnit, clockOffsetMs, brokenShare } = conditionOf(storm, client, afterwards);
    assert.deepEqual([dead, busy, fullDisk, failedUnit, brokenShare], [null, false, 'no', false, 0]);
    assert.ok(Math.abs(clockOffsetMs) <= 50);
  }
});

test('machines boot again when their storm begins, and a rack when its power is back', () => {
  const bootOf = (client: SimulatedClient, minutes: number) =>
    conditionOf(storm, client, startedAtMs + minutes * minuteMs);
  const rebooted = one('rebooted');
  assert.notEqual(bootOf(rebooted, 2).boot, bootOf(rebooted, 4).boot);
  assert.equal(bootOf(rebooted, 4).bootedAtMs, startedAtMs + 3 * minuteMs);
  assert.equal(bootOf(rebooted, 4).boot, bootOf(rebooted, 10.9).boot);
  assert.notEqual(bootOf(rebooted, 4).boot, bootOf(rebooted, 12).boot);
  const rack = one('rack');
  assert.equal(bootOf(rack, 2).boot, bootOf(rack, 7).boot);
  assert.equal(bootOf(rack, 9).bootedAtMs, startedAtMs + 8 * minuteMs);
  assert.notEqual(bootOf(rack, 7).boot, bootOf(rack, 9).boot);
});

test('no machine boots in the future, and one boot has one time', () => {
  const lossy: FleetPlan = { ...storm, profile: 'lossy' };
  const boots = new Map<string, number>();
  let restless = 0;
  for (const client of planFleet(lossy)) {
    const seen = new Set<number>();
    for (let minutes = 0; minutes < 12 * 60; minutes += 7) {
      const atMs = startedAtMs + minutes * minuteMs;
      const { boot, bootedAtMs } = conditionOf(lossy, client, atMs);
      assert.ok(bootedAtMs <= atMs);
      const known = boots.get(`${client.name} ${boot}`);
      assert.ok(known === undefined || known === bootedAtMs);
      boots.set(`${client.name} ${boot}`, bootedAtMs);
      seen.add(boot);
    }
    if (seen.size > 4) restless++;
    assert.ok(seen.size <= 2 || client.ailment === 'restless', client.name);
  }
  assert.equal(restless, 1);
});

test('of a slow fleet nobody is dead, and every agent takes seconds', () => {
  const slow: FleetPlan = { ...storm, profile: 'slow' };
  for (const client of planFleet(slow)) {
    const { dead, agentMs } = conditionOf(slow, client, startedAtMs);
    assert.equal(dead, null);
    assert.ok(agentMs >= 2000 && agentMs <= 6000, `${agentMs} ms`);
  }
});
