/** Who fails like an alert, which group is compared, and what all that fail have in common, on a store in memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openCauses } from '../../../src/alerter/cause/find-cause.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import type { CauseStore, ClientChange, KnownSection } from '../../../src/storage/store/digest-store.ts';
import type { RunFact } from '../../../src/storage/store/run.ts';
import { alert as sample } from '../../storage/support/alert-samples.ts';
import { configOf } from '../support/config-of.ts';
import { client, run } from '../support/fleet-passes.ts';
import { at } from '../support/rows.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** A site of eight, and a paused member: six web servers, two of them in rack r1, and two databases on one host. */
const config = configOf(`<alerts mail="ops@example.org"/><group name="site">
  <group name="web">${['web-1', 'web-2'].map((name) => client(name, 'labels="rack=r1"')).join('')}
    ${['web-3', 'web-4', 'web-5', 'web-6'].map((name) => client(name, 'labels="rack=r2"')).join('')}
    ${client('web-11', 'state="paused"')}</group>
  <group name="db">${['db-7', 'db-8'].map((name) => client(name, 'on="hv-9"')).join('')}</group></group>
  ${client('hv-9')}${client('lone-10')}`);

const edit = (whose: string, over: Partial<ClientChange> = {}): ClientChange => ({
  ...{ client: whose, kind: 'package', item: 'app amd64', oldValue: '1', newValue: '2', itemId: 1, afterId: 2 },
  ...{ earliestAtMs: at('07:45'), latestAtMs: at('07:50') },
  ...over,
});

const failing = (whose: string, over: Partial<Alert> = {}): Alert => ({
  ...sample({ client: whose, rule: 'disk', subject: '/', state: 'firing' }),
  ...{ pendingSinceMs: at('08:00'), ...over },
});

interface Given {
  readonly alerts?: readonly Alert[];
  readonly changes?: readonly ClientChange[];
  readonly runs?: readonly RunFact[];
  /** The difference of a section of a client from one that was read at 07:50. */
  readonly section?: (client: string) => Partial<KnownSection>;
  readonly rows?: readonly { readonly atMs: number; readonly uptimeMs: number | null }[];
}

/** Finds the cause of an alert of a client, by default of one whose package was upgraded ten minutes before. */
function findCause(whose: string, { alerts = [], changes = [edit(whose)], runs = [], section, rows = [] }: Given = {}) {
  const within = ({ latestAtMs }: ClientChange, span: { readonly afterMs: number; readonly untilMs: number }) =>
    latestAtMs > span.afterMs && latestAtMs <= span.untilMs;
  const causes: CauseStore = {
    changesOf: (name, span) => Promise.resolve(changes.filter((one) => one.client === name && within(one, span))),
    changesOfItems: (ids, names, span) =>
      Promise.resolve(
        changes.filter((one) => ids.includes(one.itemId) && names.includes(one.client) && within(one, span)),
      ),
    holders: () => Promise.resolve(new Map()),
    itemHolders: () => Promise.resolve(new Map()),
    sections: (names) =>
      Promise.resolve(
        names.map((name) => ({
          ...{ client: name, kind: 'package', observedAtMs: at('07:50'), error: null },
          ...section?.(name),
        })),
      ),
    changeTimes: () => Promise.resolve(new Map()),
    itemTimes: () => Promise.resolve(new Map()),
    firstLook: () => Promise.resolve(at('08:00') - 720 * hourMs),
    rowsUntil: () => Promise.resolve(rows),
  };
  return openCauses({ config, causes, alerts, runs, nowMs: at('08:02') })(failing(whose));
}

const shares = async (whose: string, given: Given) => {
  const { sets } = await findCause(whose, given);
  return sets.map((set) => [set.failing.having, set.failing.all, set.others.having, set.others.all]);
};

test('members with an open alert of the same rule and subject fail with a client, and no others', async () => {
  assert.deepEqual(await shares('web-1', {}), [[1, 1, 0, 5]]);
  assert.deepEqual(await shares('web-1', { alerts: [failing('web-2')] }), [[1, 2, 0, 4]]);
  for (const over of [{ rule: 'memory' }, { subject: '/srv' }, { state: 'resolved' as const }]) {
    assert.deepEqual(await shares('web-1', { alerts: [failing('web-2', over)] }), [[1, 1, 0, 5]], JSON.stringify(over));
  }
  assert.deepEqual(await shares('web-1', { alerts: [failing('web-2', { state: 'pending' })] }), [[1, 2, 0, 4]]);
});

test('a change of other members counts with its time if it came before their own first bad rows', async () => {
  const others = ['web-2', 'web-3'];
  const late = { earliestAtMs: at('07:54'), latestAtMs: at('07:59') };
  const changes = [edit('web-1'), ...others.map((name) => edit(name, late))];
  const found = async (time: string) => {
    const alerts = others.map((name) => failing(name, { pendingSinceMs: at(time) }));
    const [set] = (await findCause('web-1', { changes, alerts })).sets;
    return [set?.failing.having, (set?.beforeMs ?? 0) / minuteMs];
  };
  assert.deepEqual(await found('08:00'), [3, 6]);
  assert.deepEqual(await found('07:54'), [3, 0]);
  assert.deepEqual(await found('07:53'), [3, 15]);
  assert.deepEqual(await shares('web-1', { changes }), [[1, 1, 2, 5]]);
});

test('the innermost group with five known members is compared, and one whose members do not all fail', async () => {
  const groupOf = async (whose: string, given: Given = {}) => (await findCause(whose, given)).group;
  assert.equal(await groupOf('web-1'), 'web');
  assert.equal(await groupOf('db-7'), 'site', 'two are too few');
  assert.equal(await groupOf('lone-10'), null);
  const unknown =
    (...names: readonly string[]) =>
    (name: string) =>
      names.includes(name) ? { observedAtMs: null } : {};
  assert.equal(await groupOf('web-1', { section: unknown('web-6') }), 'web');
  assert.equal(await groupOf('web-1', { section: unknown('web-5', 'web-6') }), 'site');
  const webs = ['web-2', 'web-3', 'web-4', 'web-5', 'web-6'].map((name) => failing(name));
  assert.equal(await groupOf('web-1', { alerts: webs }), 'site');
  const all = [...webs, failing('db-7'), failing('db-8')];
  assert.equal(await groupOf('web-1', { alerts: all }), 'web', 'all of both fail');
});

test('a trait of all failing members that no other has is named: label, group, host', async () => {
  const allOf = async (whose: string, ...others: readonly string[]) =>
    (await findCause(whose, { alerts: others.map((name) => failing(name)) })).cause.allOf;
  assert.equal(await allOf('web-1', 'web-2'), 'rack=r1');
  assert.equal(await allOf('web-1'), null, 'one alone');
  assert.equal(await allOf('web-1', 'web-3'), null);
  assert.equal(await allOf('web-3', 'web-4'), null, 'others of r2 are well');
  assert.equal(await allOf('db-7', 'db-8'), 'group db');
  assert.equal(await allOf('lone-10', 'hv-9'), null);
  const webs = ['web-2', 'web-3', 'web-4', 'web-5', 'web-6'];
  assert.equal(await allOf('web-1', ...webs), 'group web');
  assert.equal(await allOf('web-1', ...webs, 'db-7', 'db-8'), null, 'all fail');
});

test('a member counts if its section of the kind was read within 26 hours of the alert', async () => {
  const known = (over: Partial<KnownSection>) => shares('web-1', { section: (name) => (name === 'web-6' ? over : {}) });
  assert.deepEqual(await known({ observedAtMs: at('08:00') - 26 * hourMs }), [[1, 1, 0, 5]]);
  assert.deepEqual(await known({ observedAtMs: at('08:00') - 26 * hourMs - 1 }), [[1, 1, 0, 4]]);
  assert.deepEqual(await known({ kind: 'unit' }), [[1, 1, 0, 4]]);
  assert.deepEqual(await known({ error: 'dpkg failed' }), [[1, 1, 0, 4]]);
});

test('a boot has the time that the uptime of the first bad row says', async () => {
  const boot = { kind: 'system', item: 'boot', earliestAtMs: at('06:00'), latestAtMs: at('08:01') };
  const found = async (over: Partial<ClientChange>, uptimeMs: number | null) => {
    const rows = [{ atMs: at('08:00'), uptimeMs }];
    return (await findCause('web-1', { changes: [edit('web-1', { ...boot, ...over })], rows })).sets[0];
  };
  const bootBefore = async (...asked: Parameters<typeof found>) => (await found(...asked))?.bootBeforeMs;
  assert.equal(await bootBefore({}, 10 * minuteMs), 10 * minuteMs);
  assert.equal(await bootBefore({ item: 'kernel' }, 10 * minuteMs), 10 * minuteMs);
  assert.equal(await bootBefore({}, null), null);
  assert.equal(await bootBefore({}, 3 * hourMs), null, 'before the change');
  assert.equal(await bootBefore({ latestAtMs: at('07:00') }, 10 * minuteMs), null, 'after the change');
  assert.equal((await found({ item: 'release' }, 10 * minuteMs))?.earliestMs, at('06:00'), 'another item');
});

test('what changed while a client was away directly before its alert is found, however long it was away', async () => {
  const old = edit('web-1', { earliestAtMs: at('08:00') - 50 * hourMs, latestAtMs: at('08:00') - 30 * hourMs });
  const found = async (...times: readonly number[]) => {
    const rows = times.map((atMs) => ({ atMs, uptimeMs: null }));
    return (await findCause('web-1', { changes: [old], rows })).sets.length;
  };
  const away = at('08:00') - 48 * hourMs;
  assert.equal(await found(at('08:00'), away), 1);
  assert.equal(await found(at('08:00'), at('07:50')), 0, 'two passes are no absence');
  assert.equal(await found(at('07:58'), away), 0, 'it was back before the first bad row');
  assert.equal(await found(at('08:00')), 0);
});

test('a change of config.xml just before an alert is told with the time between them', async () => {
  const digests = (...runs: readonly (readonly [time: string, configDigest: string])[]) =>
    runs.map(([time, configDigest]) => run(time, { configDigest }));
  const before = async (runs: readonly RunFact[]) => (await findCause('web-1', { runs })).cause.configBeforeMs;
  assert.equal(await before(digests(['07:50', 'a'], ['07:55', 'b'], ['08:00', 'b'])), 10 * minuteMs);
  assert.equal(await before(digests(['07:55', 'b'], ['07:50', 'a'])), 10 * minuteMs, 'in any order');
  assert.equal(await before(digests(['07:50', 'a'], ['07:55', 'a'])), null);
  assert.equal(await before(digests(['07:50', 'a'], ['07:55', ''], ['08:00', 'a'])), null, 'one that is not known');
  assert.equal(await before(digests(['07:55', 'a'], ['08:05', 'b'])), null, 'a change after the alert');
  assert.equal(await before(digests(['02:00', 'a'], ['02:05', 'b'])), null, 'six hours are chance');
  const others = [run('07:50', { configDigest: 'a' }), run('07:55', { configDigest: 'b', collectorId: 'c2' })];
  assert.equal(await before(others), null, 'collectors with a config.xml of their own');
});
