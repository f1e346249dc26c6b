/** The state that a pass posts to Alertmanager, over a storage in memory: each alert, its end, and its twins' ends. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { postState } from '../../../src/alerter/pass/post-state.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import type { StoredLook } from '../../../src/storage/store/notification-store.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { openReceiver } from '../../support/servers/http-receiver.ts';
import { at } from '../support/rows.ts';
import { memoryPass } from './support/memory-pass.ts';

const nowMs = at('10:06');
const progress = { holding: 2, holdingSinceMs: at('10:00'), clearing: 0, missing: 0, easing: 0, lastAtMs: at('10:05') };
let lastId = 0;
const fires = (client: string, over: Partial<Alert> = {}): Alert => {
  const since = { pendingSinceMs: at('10:00'), firingSinceMs: at('10:05') };
  return alert({ id: (lastId += 1), client, subject: '/', changedByRun: null, progress, ...since, ...over });
};
const ended = (client: string, resolvedAtMs: number, over: Partial<Alert> = {}): Alert =>
  fires(client, { state: 'resolved', resolvedAtMs, closedReason: 'recovered', sequence: 2, ...over });

const memory = { newestReportMs: at('10:05'), newestVisitMs: at('10:05'), bootId: null, rows: 9, changes: {} };

/** Posts alerts. Returns them as `web-1 disk / critical: until 10:50`, or `over` for what has ended by now. */
async function posted(t: TestContext, alerts: readonly Alert[], read: unknown[] = []): Promise<readonly string[]> {
  return (await bodiesOf(t, alerts, read)).map(
    ({ labels: { instance, alertname, subject = '-', severity, eased }, endsAt }) => {
      const until = Date.parse(endsAt) <= nowMs ? 'over' : `until ${endsAt.slice(11, 16)}`;
      return `${instance} ${alertname} ${subject} ${severity}${eased === undefined ? '' : ` eased ${eased}`}: ${until}`;
    },
  );
}

async function bodiesOf(
  t: TestContext,
  alerts: readonly Alert[],
  read: unknown[],
  looks: ReadonlyMap<string, StoredLook> = new Map(),
): Promise<readonly Posted[]> {
  const receiver = await openReceiver(t);
  const elements = `<collector every="15m"/><alertmanager url="${receiver.origin}"/>
    <alerts><mail to="ops@example.org"/><alert type="disk" warning="85%" critical="95%"/></alerts>
    <client name="db-[1-2]" ip="192.0.2.[11-12]" username="u"/>
    <client name="old-1" ip="192.0.2.21" username="u" state="paused"/>
    <group name="web" need="2"><client name="web-[1-4]" ip="192.0.2.[1-4]" username="u"/></group>`;
  const silence = { id: 1, client: 'db-2', rule: '*', subject: '*', startsAtMs: 0, endsAtMs: at('12:00'), author: '' };
  const stores = {
    evaluation: {
      openAlerts: () => Promise.resolve(alerts.filter(({ state }) => state !== 'resolved')),
      endedAlerts: () => Promise.resolve(alerts.filter(({ state }) => state === 'resolved')),
      ruleStates: (names: readonly string[]) => {
        read.push(names);
        return Promise.resolve(new Map(names.map((name) => [name, memory])));
      },
    },
    alertHistory: {
      alertsOf: (query: unknown) => {
        read.push(query);
        return Promise.resolve(alerts);
      },
    },
    fleet: { runs: () => Promise.resolve([]) },
    notifications: { looksOf: () => Promise.resolve(looks) },
    operator: { silences: () => Promise.resolve([silence, { ...silence, client: 'web-4' }]) },
  };
  const { pass } = memoryPass({ elements, nowMs, stores });
  assert.deepEqual(await postState(pass), []);
  const bodies = receiver.received.map(({ body }) => JSON.parse(body) as readonly Posted[]);
  return bodies.flat();
}

interface Posted {
  readonly labels: Readonly<Record<'instance' | 'alertname' | 'severity', string>> & {
    readonly subject?: string;
    readonly eased?: string;
  };
  readonly endsAt: string;
  readonly annotations: { readonly beside?: string };
}

test('what was seen from beside is posted, also with the alert of a group', async (t) => {
  const beside: StoredLook['beside'] = { from: 'fra-1', port: 22, seen: [['db-9', 'no answer']], near: 1 };
  const look: StoredLook = { beside, atMs: at('10:05'), code: 'connect-timeout', reachedBefore: ['db-9'] };
  const lost = ['web-1', 'web-2', 'web-3'].map((client) => fires(client, { rule: 'unreachable', subject: '' }));
  const group = fires('', { rule: 'group-short', subject: 'web' });
  const looks = new Map([
    ['web-1', look],
    ['web-3', look],
  ]);
  const found = await bodiesOf(t, [...lost, group], [], looks);
  const saidOf = (name: string): readonly unknown[] =>
    found.flatMap(({ labels: { alertname, instance }, annotations }) =>
      alertname === name ? [[instance, annotations.beside]] : [],
    );
  const words = (what: string): string => `Seen from beside ${what}: db-9 gets no answer from it either.`;
  assert.deepEqual(
    new Set(saidOf('unreachable').map(String)),
    new Set(
      [
        ['web-1', words('it')],
        ['web-2', undefined],
        ['web-3', words('it')],
      ].map(String),
    ),
  );
  // An alert of the fleet has no label for a client.
  assert.deepEqual(saidOf('group-short'), [[undefined, `${words('web-1')} ${words('web-3')}`]]);
});

test('an alert is posted with its other severity, which is over once it has changed', async (t) => {
  const read: unknown[] = [];
  const alerts = [
    ...[fires('db-1'), fires('db-1', { subject: '/a', sequence: 2 })],
    ...[fires('db-1', { subject: '/b', sequence: 3, severity: 'warning' }), fires('db-1', { state: 'pending' })],
  ];
  assert.deepEqual(await posted(t, alerts, read), [
    ...['db-1 disk / critical: until 10:51', 'db-1 disk /a critical: until 10:51', 'db-1 disk /a warning: over'],
    ...['db-1 disk /b warning: until 10:51', 'db-1 disk /b critical: over'],
  ]);
  // Members of groups are read for alerts of such members alone.
  assert.deepEqual(read, [{ openOnly: false, limit: 20_000 }, []]);
});

test('what is muted is over, by a silence or a paused client', async (t) => {
  const alerts = [fires('db-2'), fires('old-1'), fires('db-1')];
  assert.deepEqual(await posted(t, alerts), [
    ...['db-1 disk / critical: until 10:51', 'db-2 disk / critical: over', 'old-1 disk / critical: over'],
  ]);
});

test('an end is posted for as long as an alert would last, unless the same alert fires anew', async (t) => {
  const lastMs = nowMs - 45 * 60_000;
  const alerts = [
    ...[fires('db-1'), ended('db-1', at('10:00')), ended('db-1', at('10:00'), { severity: 'warning' })],
    ...[ended('db-1', at('10:00'), { subject: '/a' }), ended('db-1', at('10:00'), { rule: 'cpu' })],
    ...[
      ended('db-2', lastMs),
      ended('db-2', lastMs - 1, { subject: '/b' }),
      ended('db-1', nowMs + 1, { subject: '/c' }),
    ],
  ];
  assert.deepEqual(await posted(t, alerts), [
    ...['db-1 disk / critical: until 10:51', 'db-1 disk / warning: over', 'db-1 disk /a critical: over'],
    ...['db-1 cpu / critical: over', 'db-2 disk / critical: over', 'db-1 disk /c critical: over'],
  ]);
});

test('what a group eases is another alert for Alertmanager, and the one without the label is over', async (t) => {
  const away = (client: string, over: Partial<Alert> = {}) =>
    fires(client, { rule: 'unreachable', subject: '', ...over });
  assert.deepEqual(await posted(t, [away('web-1')]), [
    ...['web-1 unreachable - critical eased web: until 10:51', 'web-1 unreachable - critical: over'],
  ]);
  assert.deepEqual(await posted(t, [away('web-4')]), [
    ...['web-4 unreachable - critical eased web: over', 'web-4 unreachable - critical: over'],
  ]);
  const three = ['web-1', 'web-2', 'web-3'].map((client) => away(client));
  const [first = '', ...others] = await posted(t, three);
  assert.deepEqual(
    [first, others[0]],
    ['web-1 unreachable - critical: until 10:51', 'web-1 unreachable - critical eased web: over'],
  );
  const over = ended('web-1', at('10:05'), { rule: 'unreachable', subject: '' });
  assert.deepEqual(await posted(t, [over]), [
    ...['web-1 unreachable - critical: over', 'web-1 unreachable - critical eased web: over'],
  ]);
});

test('without an Alertmanager nothing is read', async () => {
  const { pass } = memoryPass({ elements: '<client name="web-1" ip="192.0.2.1" username="u"/>' });
  assert.deepEqual(await postState(pass), []);
});
