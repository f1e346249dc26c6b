import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { PendingNotification } from '../../../src/alerter/dispatch/notification-plan.ts';
import { alertsToSeek } from '../../../src/alerter/dispatch/seek-causes.ts';
import type { Alert, Cause } from '../../../src/storage/store/alert.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { configOf } from '../support/config-of.ts';

const names = Array.from({ length: 300 }, (_, index) => `web-${index + 1}`);
const config = configOf(
  `<group name="web">${names.map((name) => `<client name="${name}" ip="192.0.2.1" username="u"/>`).join('')}</group>`,
);
const cause: Cause = { atMs: 1000, changes: [], allOf: null, configBeforeMs: null };

const firing = (id: number, more: Partial<Alert> = {}): Alert => ({
  ...alert({ client: `web-${id}`, rule: 'disk', subject: '/', state: 'firing' }),
  ...{ id, changedByRun: 'run-1', cause: null },
  ...more,
});

/** Returns the ids of the alerts whose causes are due. */
function sought(
  alerts: readonly Alert[],
  { unfinished = [], items = [] }: { unfinished?: string[]; items?: object[] } = {},
): readonly (number | null)[] {
  const mails = [{ items: items as PendingNotification[] }] as unknown as Parameters<typeof alertsToSeek>[1]['mails'];
  return alertsToSeek({ alerts, config, unfinishedRuns: new Set(unfinished) }, { mails }).map(({ id }) => id);
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
