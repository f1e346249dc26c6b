/** The search for the causes of many alerts: its work is counted on a generated store. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { seekCauses } from '../../../src/alerter/dispatch/seek-causes.ts';
import { weighChanges, type WeighInput } from '../../../src/alerter/cause/weigh-changes.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import type { CauseStore, ClientChange } from '../../../src/storage/store/digest-store.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { times } from '../../support/times.ts';
import { configOf } from '../support/config-of.ts';
import { at } from '../support/rows.ts';

const hour = 3_600_000;
const members = times(40, (index) => `web-${index + 1}`);
const config = configOf(
  `<group name="web">${members.map((name) => `<client name="${name}" ip="192.0.2.1" username="u"/>`).join('')}</group>`,
);

function change(client: string, index: number): ClientChange {
  const found = { kind: 'package', item: `pkg${index} amd64`, oldValue: '1', newValue: '2' };
  const span = { earliestAtMs: at('07:45'), latestAtMs: at('07:50') };
  return { client, ...found, ...span, itemId: index, afterId: 10_000 + index };
}

/** Makes a store in which four members have upgraded 5,000 packages, and counts its queries by name. */
function floodedStore() {
  const calls: Record<string, number> = {};
  const counted =
    <Args extends readonly unknown[], Found>(name: string, find: (...args: Args) => Found) =>
    (...args: Args): Promise<Found> => {
      calls[name] = (calls[name] ?? 0) + 1;
      return Promise.resolve(find(...args));
    };
  const upgraded = members.slice(0, 4);
  const causes: CauseStore = {
    changesOf: counted('changesOf', (client, _span, limit) =>
      upgraded.includes(client) ? times(Math.min(limit, 5_000), (index) => change(client, index)) : [],
    ),
    changesOfItems: counted('changesOfItems', (ids, clients) =>
      clients.filter((one) => upgraded.includes(one)).flatMap((one) => ids.map((id) => change(one, id))),
    ),
    holders: counted('holders', (ids, clients) => {
      const having = new Set(clients.filter((one) => upgraded.includes(one)));
      return new Map(ids.map((id) => [id, having]));
    }),
    itemHolders: counted('itemHolders', () => new Map()),
    sections: counted('sections', (clients) =>
      clients.map((client) => ({ client, kind: 'package', observedAtMs: at('07:50'), error: null })),
    ),
    changeTimes: counted('changeTimes', (clients) => new Map(clients.map((client) => [client, [at('07:50')]]))),
    itemTimes: counted('itemTimes', () => new Map()),
    firstLook: counted('firstLook', () => at('08:00') - 720 * hour),
    rowsUntil: counted('rowsUntil', () => []),
  };
  return { causes, calls };
}

/** Makes fifty alerts of each of these members, a number of milliseconds apart. */
function floodOf(clients: readonly string[], apartMs = 0): readonly Alert[] {
  return clients.flatMap((client, place) =>
    times(50, (index) => ({
      ...alert({ client, rule: 'disk', subject: `/srv/${index}`, state: 'firing' }),
      ...{ id: place * 50 + index + 1, pendingSinceMs: at('08:00') + index * apartMs, cause: null },
    })),
  );
}

const unlimited = { cpuMs: Infinity, wallMs: Infinity };
const seeking = (causes: CauseStore) => ({ config, runs: [], nowMs: at('08:02'), storage: { causes } });

test('the changes of a client are read once for all of its alerts that began together', async () => {
  const { causes, calls } = floodedStore();
  const alerts = floodOf(members.slice(0, 4));
  // The alerter's order: one of each client before another.
  const sought = times(50, (index) => alerts.filter(({ subject }) => subject === `/srv/${index}`)).flat();
  const found = await seekCauses({ ...seeking(causes), limit: unlimited }, alerts, sought);
  assert.equal(found.size, 200);
  const once = {
    changesOf: 4,
    itemTimes: 4,
    holders: 4,
    itemHolders: 4,
    changesOfItems: 4,
    firstLook: 4,
    rowsUntil: 4,
  };
  assert.deepEqual(calls, { sections: 1, changeTimes: 1, ...once });
  for (const cause of found.values()) {
    assert.deepEqual(
      cause.changes.map(({ item, more, failing, others }) => [item, more, failing, others]),
      [['pkg0 amd64', 999, [4, 4], [0, 36]]],
    );
  }
});

test('a search that has used its time leaves the other alerts to the next pass', async () => {
  const { causes, calls } = floodedStore();
  const alerts = floodOf(members.slice(0, 4), 1000);
  const found = await seekCauses({ ...seeking(causes), limit: { cpuMs: 0, wallMs: 60_000 } }, alerts, alerts);
  assert.deepEqual([[...found.keys()], calls['changesOf']], [[1], 1]);
  const late = await seekCauses({ ...seeking(causes), limit: { cpuMs: 60_000, wallMs: 0 } }, alerts, alerts);
  assert.deepEqual([...late.keys()], [1]);
});

test('members of changes are looked at a few times each, however many changes there are', () => {
  let asked = 0;
  const changes = times(1000, (index) => change('web-1', index));
  const having = new Set(['web-1']);
  const input: WeighInput = {
    ...{ client: 'web-1', subject: '/srv', startMs: at('08:00'), changes, setsPerHour: 1, leastChance: 1 },
    ...{ group: { name: 'web', knowing: () => new Set(members) }, failing: new Map([['web-1', at('08:00')]]) },
    holdersOf: () => {
      asked += 1;
      return having;
    },
    earliestOf: () => null,
    earlierDays: () => 0,
  };
  assert.equal(weighChanges(input)[0]?.changes.length, 1000);
  assert.ok(asked <= 1010, `${asked}`);
});
