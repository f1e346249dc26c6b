import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bastionAddress, planFleet, type FleetPlan } from '../../src/simulator/fleet-plan.ts';
import { deadCauses, profiles } from '../../src/simulator/profile.ts';

function planOf(more: Partial<FleetPlan>): FleetPlan {
  return { seed: 1, clients: 1000, profile: 'clean', port: 1, startedAtMs: 0, everyMs: 300_000, ...more };
}

function counted(values: readonly (string | null)[]): ReadonlyMap<string | null, number> {
  const counts = new Map<string | null, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

test('names and addresses are each used once, and all addresses are loopback', () => {
  const fleet = planFleet(planOf({ clients: 70_000 }));
  assert.equal(new Set(fleet.map(({ name }) => name)).size, 70_000);
  const addresses = new Set(fleet.map(({ address }) => address));
  assert.equal(addresses.size, 70_000);
  assert.ok(!addresses.has(bastionAddress));
  for (const address of addresses) {
    assert.match(address, /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/);
    const [, second, third, fourth] = address.split('.').map(Number);
    assert.ok((second ?? 256) < 128 && (third ?? 256) < 256 && (fourth ?? 0) > 0 && (fourth ?? 255) < 255, address);
  }
});

test('the same seed makes the same fleet, another one another', () => {
  const lossy = planOf({ profile: 'lossy' });
  assert.deepEqual(planFleet(lossy), planFleet(lossy));
  assert.notDeepEqual(planFleet(lossy), planFleet({ ...lossy, seed: 2 }));
});

test('in a clean fleet nothing is wrong', () => {
  for (const { dead, ailment, storm, behindBastion } of planFleet(planOf({}))) {
    assert.deepEqual([dead, ailment, storm, behindBastion], [null, null, null, false]);
  }
});

for (const [clients, each] of [
  [10_000, 41],
  [1200, 5],
  [100, 1],
] as const) {
  test(`of ${clients} clients of a lossy fleet at least ${each} are dead by each cause`, () => {
    const dead = counted(planFleet(planOf({ profile: 'lossy', clients })).map((client) => client.dead));
    for (const cause of Object.keys(deadCauses)) {
      const count = dead.get(cause) ?? 0;
      assert.ok(count >= each && count <= each + 1, `${cause}: ${count}`);
    }
  });
}

test('a small fleet is not dead altogether', () => {
  for (let clients = 1; clients < 30; clients++) {
    const alive = planFleet(planOf({ profile: 'lossy', clients })).filter(({ dead }) => dead === null);
    assert.ok(alive.length >= clients / 2);
  }
});

test('every part of a storm has its clients, and those behind the bastion are a group', () => {
  for (const clients of [100, 10_000]) {
    const fleet = planFleet(planOf({ profile: 'storm', clients }));
    const parts = counted(fleet.map(({ storm }) => storm));
    for (const part of Object.keys(profiles.storm.storm ?? {})) assert.ok((parts.get(part) ?? 0) >= 1, part);
    for (const { behindBastion, group, storm } of fleet) {
      assert.equal(behindBastion, group === 'behind-bastion');
      assert.equal(behindBastion, storm === 'bastion');
    }
    assert.ok((parts.get('bastion') ?? 0) <= 200);
  }
});
