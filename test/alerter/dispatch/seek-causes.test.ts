import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Config } from '../../../src/config/config.ts';
import type { PendingNotification } from '../../../src/alerter/dispatch/notification-plan.ts';
import { alertsToSeek, seekCauses } from '../../../src/alerter/dispatch/seek-causes.ts';
import type { Alert, Cause } from '../../../src/storage/store/alert.ts';
import type { CauseStore } from '../../../src/storage/store/digest-store.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { configOf } from '../support/config-of.ts';

const names = Array.from({ length: 300 }, (_, index) => `web-${index + 1}`);
const config = configOf(
  `<group name="web">${names.map((name) => `<client name="${name}" ip="192.0.2.1" username="u"/>`).join('')}</group>`,
);
const cause: Cause = { atMs: 1000, changes: [], allOf: null, configBeforeMs: null };

const firing = (id: number, more: Partial<Alert> = {}): Alert => ({
  ...alert({ client: `web-${id}`, rule: 'disk', subject: '/', state: 'firing', ...more }),
  ...{ id, changedByRun: 'run-1', cause: null },
  ...more,
});

/** Returns the ids of the alerts whose causes are due. */
function sought(
  alerts: readonly Alert[],
  { unfinished = [], items = [], fleet = config }: { unfinished?: string[]; items?: object[]; fleet?: Config } = {},
): readonly (number | null)[] {
  const mails = [{ items: items as PendingNotification[] }] as unknown as Parameters<typeof alertsToSeek>[1]['mails'];
  return alertsToSeek({ alerts, config: fleet, unfinishedRuns: new Set(unfinished) }, { mails }).map(({ id }) => id);
}

test('causes are due for alerts of clients that fire without one, once their run has ended', () => {
  const others = [
    firing(3, { client: '' }),
    firing(4, { state: 'pending' }),
    firing(5, { cause }),
    firing(6, { id: null }),
  ];
  assert.deepEqual(
    sought([firing(1), firing(2, { changedByRun: 'run-2' }), ...others], { unfinished: ['run-2'] }),
    [1],
  );
});

test('a reminder asks for a cause that is older than the last notification, and once', () => {
  const one = firing(1, { cause });
  const item = (notifiedAtMs: number, transition = 'reminder') => ({
    alertId: 1,
    transition,
    alert: one,
    before: { notifiedAtMs },
  });
  assert.deepEqual(sought([one], { items: [item(1000)] }), [1]);
  assert.deepEqual(sought([one], { items: [item(999)] }), []);
  assert.deepEqual(sought([one], { items: [item(2000, 'escalated')] }), []);
});

test('a pass looks for 200 causes at most: those of mails first, then one of each rule and group', () => {
  const alerts = names.map((_, index) => firing(index + 1));
  const disk = { alertId: 250, transition: 'firing', alert: firing(250), before: null };
  const many = sought([...alerts, firing(301, { client: 'web-1', rule: 'cpu' })], { items: [disk] });
  assert.equal(many.length, 200);
  assert.deepEqual(many.slice(0, 3), [250, 1, 301]);
});

const clientOf = (name: string): string => `<client name="${name}" ip="192.0.2.1" username="u"/>`;

test('one of each rule, subject and innermost group comes first, then one of each client', () => {
  const groups = [['e-1', 'e-2'], ['c-1']].map(
    (names, at) => `<group name="g-${at}">${names.map(clientOf).join('')}</group>`,
  );
  const fleet = configOf(`<group name="web">${groups.join('')}</group>${['a-1', 'a-2'].map(clientOf).join('')}`);
  const of: readonly (readonly [client: string, more?: Partial<Alert>])[] = [
    ['e-1'],
    ['e-2'],
    ['c-1'],
    ['e-1', { subject: '/srv' }],
    ['a-1'],
    ['a-2'],
    ['e-2', { rule: 'cpu' }],
  ];
  const alerts = of.map(([client, more], index) => firing(index + 1, { client, ...more }));
  assert.deepEqual(sought(alerts, { fleet }), [1, 3, 5, 4, 7, 2, 6]);
});

/** Makes a store that knows of no change, and lists the clients whose changes are read. */
function emptyStore() {
  const read: string[] = [];
  const none =
    <Found>(found: Found) =>
    (): Promise<Found> =>
      Promise.resolve(found);
  const causes: CauseStore = {
    changesOf: (client) => {
      read.push(client);
      return Promise.resolve([]);
    },
    ...{ changesOfItems: none([]), sections: none([]), rowsUntil: none([]), firstLook: none(null) },
    ...{ holders: none(new Map()), itemHolders: none(new Map()), changeTimes: none(new Map()) },
    itemTimes: none(new Map()),
  };
  return { causes, read };
}

test('causes are sought client by client, until the time of the process or by the clock is used up', async () => {
  const alerts = [
    firing(1),
    firing(2),
    firing(3, { client: 'web-1' }),
    firing(4, { client: 'web-1', pendingSinceMs: 1 }),
  ];
  const seek = async (limit?: { cpuMs: number; wallMs: number }) => {
    const { causes, read } = emptyStore();
    const options = { config, runs: [], nowMs: 5000, storage: { causes } };
    const found = await seekCauses({ ...options, ...(limit === undefined ? {} : { limit }) }, alerts, alerts);
    return { found, read };
  };
  const { found, read } = await seek();
  const nothing = { atMs: 5000, changes: [], allOf: null, configBeforeMs: null };
  assert.deepEqual(
    [...found],
    [1, 3, 2, 4].map((id) => [id, nothing]),
  );
  assert.deepEqual(read, ['web-1', 'web-2', 'web-1']);
  for (const limit of [
    { cpuMs: 0, wallMs: Infinity },
    { cpuMs: Infinity, wallMs: 0 },
  ])
    assert.deepEqual([...(await seek(limit)).found.keys()], [1]);
});
