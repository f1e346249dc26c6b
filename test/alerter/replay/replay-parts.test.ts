/** Rows, clients, levels and mails as a replay follows them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { passTimes } from '../../../src/alerter/replay/replay-clock.ts';
import { followEvents } from '../../../src/alerter/replay/replay-events.ts';
import { followLevels } from '../../../src/alerter/replay/replay-levels.ts';
import { openReplayRows } from '../../../src/alerter/replay/replay-rows.ts';
import { followClients, ReplayState, type RowsUntil } from '../../../src/alerter/replay/replay-state.ts';
import type { NotificationPlan } from '../../../src/alerter/dispatch/notification-plan.ts';
import type { DiskRow } from '../../../src/report/columns.ts';
import type { ReplayPage } from '../../../src/storage/store/alert-history.ts';
import type { NewestEvent } from '../../../src/storage/store/event-store.ts';
import type { SeenClient } from '../../../src/storage/store/fleet-store.ts';
import type { FleetLevels } from '../../../src/storage/store/level-store.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { configOf } from '../support/config-of.ts';

const dayMs = 86_400_000;
const hourMs = 3_600_000;

const rows = (reports: readonly number[], visits: readonly number[] = [], client = 'web-1'): RowsUntil =>
  ({
    reports: reports.map((observedAtMs) => ({ id: observedAtMs, client, observedAtMs })),
    visits: visits.map((startedAtMs) => ({ client, startedAtMs })),
  }) as unknown as RowsUntil;

test('rows come up to and including a time, page by page, and each once', async () => {
  const pages = [
    { ...rows([1, 3], [2]), next: { atMs: 3 } },
    { ...rows([3], [4, 5]), next: null },
  ] as unknown as readonly ReplayPage[];
  let read = 0;
  const store = { replay: () => Promise.resolve(pages[read++] ?? assert.fail('no page is left')) };
  const rowsUntil = openReplayRows(store, 0);
  const until = async (atMs: number): Promise<readonly number[]> => {
    const times: number[] = [];
    for await (const { reports, visits } of rowsUntil(atMs)) {
      times.push(...reports.map(({ observedAtMs }) => observedAtMs), ...visits.map(({ startedAtMs }) => startedAtMs));
    }
    return times;
  };
  assert.deepEqual([await until(1), read], [[1], 1]);
  assert.deepEqual([await until(2), read], [[2], 1]);
  assert.deepEqual([await until(3), read], [[3, 3], 2]);
  assert.deepEqual([await until(4), await until(9), await until(9), read], [[4], [5], [], 2]);
});

test('clients that were known before count as seen when the replay begins, others once they are', () => {
  const seen = (name: string, firstSeenMs: number): SeenClient => ({
    name,
    firstSeenMs,
    lastVisitAtMs: 1,
    lastReportAtMs: 1,
  });
  const config = configOf('<client name="web-[1-3]" ip="192.0.2.[1-3]" username="u"/>');
  const clients = followClients([seen('web-1', 99), seen('web-2', 100), seen('gone', 1)], 100, config);
  const shown = (atMs: number): readonly unknown[] =>
    clients.at(atMs).map(({ name, lastVisitAtMs, lastReportAtMs }) => [name, lastVisitAtMs, lastReportAtMs]);
  assert.deepEqual(shown(99), [['web-1', 100, 100]]);
  assert.deepEqual(shown(100), [
    ['web-1', 100, 100],
    ['web-2', null, null],
  ]);
  clients.note(rows([110], [120], 'web-2'));
  clients.note(rows([130], [], 'unknown'));
  assert.deepEqual(shown(200)[1], ['web-2', 120, 110]);
});

test('a silence holds before its end, and is known for a day after it', () => {
  const silence = {
    id: 1,
    client: '*',
    rule: '',
    subject: '',
    author: 'kim',
    comment: '',
    startsAtMs: 0,
    endsAtMs: 50,
  };
  const state = new ReplayState([silence]);
  const at = (nowMs: number): readonly number[] => {
    const { silences, endedSilences } = state.at(nowMs);
    return [silences.length, endedSilences.length];
  };
  assert.deepEqual(
    [at(49), at(50), at(49 + dayMs), at(50 + dayMs)],
    [
      [1, 0],
      [0, 1],
      [0, 1],
      [0, 0],
    ],
  );
});

test('mails of the last hour and the last ordinary one are known, and alerts that are closed out are not', () => {
  const state = new ReplayState([]);
  state.save({ alerts: [alert({ id: null }), alert({ id: null, subject: '/b' })], ruleStates: new Map() });
  const notified = [1, 2].map((alertId) => ({ alertId, recipient: 'ops' }));
  const planned = (ordinary: boolean, closedOut: readonly number[] = []) =>
    ({ mails: [{ recipient: 'ops', ordinary }], notified, closedOut }) as unknown as NotificationPlan;
  state.saveNotifications(planned(true), 0);
  state.saveNotifications(planned(false), hourMs - 1);
  state.saveNotifications(planned(false, [1]), hourMs);
  const { alerts, notified: known, histories } = state.at(hourMs);
  assert.deepEqual([alerts.map(({ id }) => id), known.map(({ alertId }) => alertId)], [[2], [2]]);
  assert.deepEqual(histories, [{ recipient: 'ops', createdAtMs: [hourMs - 1, hourMs], lastOrdinaryAtMs: 0 }]);
  state.save({ alerts: [alert({ id: 2, closedOut: true })], ruleStates: new Map() });
  assert.deepEqual([state.at(hourMs).alerts.length, state.fired.size], [0, 2]);
});

/** Follows the levels of a mount whose rows have these disks, by the id of the row. Yesterday's are 1. */
function followedLevels(disks: Readonly<Record<number, object>>) {
  let reads = 0;
  const array = (): Float64Array => new Float64Array([1, 2]);
  const storage = {
    evaluation: {
      disksOf: (ids: readonly number[]) => Promise.resolve(new Map(ids.map((id) => [id, [disks[id] as DiskRow]]))),
    },
    levels: {
      levels: (): Promise<FleetLevels> => {
        reads += 1;
        const figures = { sizeBytes: array(), availableBytes: array(), usedBytes: array(), inodesPercent: array() };
        return Promise.resolve({ todayMs: dayMs, mounts: [{ client: 'web-1', mount: '/', ...figures }] });
      },
    },
  } as unknown as Pick<Storage, 'evaluation' | 'levels'>;
  const levels = followLevels(configOf('<client name="web-1" ip="192.0.2.1" username="u"/>'), storage);
  return {
    note: (...ids: readonly number[]): Promise<void> => levels.note(rows(ids)),
    reads: (): number => reads,
    /** Returns the size, what is available, what is used and the inodes of today. */
    today: async (atMs: number, client = 'web-1'): Promise<readonly unknown[]> => {
      const [mount] = (await levels.levels([client], 2, new AbortController().signal, atMs)).mounts;
      return [mount?.sizeBytes, mount?.availableBytes, mount?.usedBytes, mount?.inodesPercent].map((one) => one?.[1]);
    },
  };
}

test('the levels of today are those of the rows so far, and begin anew with the day', async () => {
  const disk = { mount: '/', scope: 'local', mode: 'rw', fstype: 'ext4', size_bytes: 100 };
  const { note, today, reads } = followedLevels({
    [dayMs]: { ...disk, used_bytes: 60, available_bytes: 40, inodes_percent: 5 },
    [dayMs + 1]: { ...disk, size_bytes: null, used_bytes: 50, available_bytes: null, inodes_percent: 7 },
    [dayMs + 2]: { ...disk, used_bytes: null, available_bytes: 45, inodes_percent: 3 },
    [dayMs + 3]: { ...disk, mode: 'ro', used_bytes: 99 },
  });
  await note(dayMs, dayMs + 1);
  assert.deepEqual(await today(dayMs + 1), [100, 40, 60, 7]);
  await note(dayMs + 2, dayMs + 3);
  assert.deepEqual([await today(dayMs + 3), reads()], [[100, 45, 60, 7], 1]);
  await today(dayMs + 3, 'web-2');
  assert.equal(reads(), 2);
  const unknown = [NaN, NaN, NaN, NaN];
  assert.deepEqual([await today(2 * dayMs), reads()], [unknown, 3]);
  await note(dayMs + 1);
  assert.deepEqual(await today(2 * dayMs), unknown, 'a row of yesterday');
});

test('without a rule of forecasts nothing is read', async () => {
  const off = ['disk-full', 'inodes-full'].map((name) => `<alert name="${name}" enabled="no"/>`).join('');
  const config = configOf(`<alerts>${off}</alerts><client name="web-1" ip="192.0.2.1" username="u"/>`);
  const levels = followLevels(config, {} as never);
  await levels.note(rows([1]));
  assert.equal(levels.isForeseen, false);
});

test('events are known with those before a replay, one an instance, and may be missing when too old', async () => {
  const config = configOf(`<alerts><alert type="event" service="backup" within="26h"/></alerts>
    <client name="web-1" ip="192.0.2.1" username="u"/>`);
  const event = (instance: string, receivedAtMs: number, rowId: number, host = 'nas', service = 'backup') =>
    ({ rowId, receivedAtMs, host, service, instance, status: 'OK', description: '', ttl: null }) as const;
  const [before, other] = [event('a', 1, 1), event('b', 2, 2)];
  const after = [event('a', 20, 3), event('a', 30, 4, 'nas-2'), event('a', 30, 5, 'nas', 'copy')];
  const events = {
    newestEventsAt: () => Promise.resolve<readonly NewestEvent[]>([before, other]),
    eventsAfter: (_sinceMs: number, rowId: number) => Promise.resolve(rowId === 0 ? after : []),
  };
  const eventsAt = followEvents(config, events, { sinceMs: 10, untilMs: 7 * dayMs });
  const rowsAt = async (nowMs: number) => {
    const found = await eventsAt?.(nowMs);
    return [found?.newest.map((one) => 'rowId' in one && one.rowId), found?.mayMiss];
  };
  assert.deepEqual(await rowsAt(19), [[1, 2], false]);
  assert.deepEqual(await rowsAt(20), [[2, 3], false]);
  assert.deepEqual(await rowsAt(26 * hourMs - 1), [[2, 3, 4, 5], false]);
  assert.deepEqual(await rowsAt(26 * hourMs), [[2, 3, 4, 5], true]);
});

test('a run that is a little late is no gap, and one that ends with the replay is its last pass', () => {
  const times = (...ends: readonly number[]): readonly number[] => {
    const runs = ends.map((finishedAtMs) => ({ finishedAtMs }) as never);
    return [...passTimes({ runs, sinceMs: 0, untilMs: 20, everyMs: 10 })];
  };
  assert.deepEqual(times(5), [5, 20]);
  assert.deepEqual(times(4), [4, 14, 20]);
  assert.deepEqual(times(15, 0, 20), [15, 20]);
});
