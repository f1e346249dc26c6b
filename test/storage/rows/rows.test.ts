/** Records as rows and rows as records: what a column cannot hold, what is unknown, and the order of subjects. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { alertKey, knownAlertRow, nameColumns, newAlertRow } from '../../../src/storage/rows/alert-rows.ts';
import { clipped, timeColumn } from '../../../src/storage/rows/columns.ts';
import {
  checkStatsRows,
  diskStatsRows,
  logLineRows,
  networkStatsRows,
  reportRow,
  reportRows,
} from '../../../src/storage/rows/report-rows.ts';
import { storedReport, storedReportColumns } from '../../../src/storage/rows/stored-rows.ts';
import { openReports } from '../../../src/storage/rows/stored-reports.ts';
import type { Database, Session } from '../../../src/storage/sql/database.ts';
import { storableValues } from '../../../src/storage/sql/storable-values.ts';
import { alert } from '../support/alert-samples.ts';
import { check, item, noonMs, worker } from '../support/samples.ts';

test('a text is clipped to the characters of its column, and no character is halved', () => {
  assert.equal(clipped('abc', 3), 'abc');
  assert.equal(clipped('abcd', 3), 'abc');
  assert.equal(clipped('😀😀😀', 2), '😀😀');
});

test('rows have the time of their report, and rollups that of their hour or day', () => {
  assert.deepEqual((['row', 'hour', 'day'] as const).map(timeColumn), ['observed_at', 'hour', 'day']);
});

test('U+0000 is replaced in texts, and other values stay as they are', () => {
  const values = ['a', 1, null];
  assert.equal(storableValues(values), values);
  assert.deepEqual(storableValues(['a\0b\0', 1, null]), ['a\ufffdb\ufffd', 1, null]);
});

test('the key of an alert depends on client, rule and subject, and on where each ends', () => {
  assert.match(alertKey('a', 'b', 'c'), /^[0-9a-f]{64}$/);
  const keys = [alertKey('a', 'b', 'c'), alertKey('ab', '', 'c'), alertKey('a', 'bc', ''), alertKey('b', 'a', 'c')];
  assert.equal(new Set(keys).size, 4);
  assert.equal(alertKey('a', 'b', 'c'), keys[0]);
});

test('an alert is stored with its key, which is open until the alert has ended', () => {
  const open = newAlertRow(alert());
  assert.deepEqual([open['alert_key'], open['open_key']], [alertKey('web-1', 'disk', '/data'), open['alert_key']]);
  assert.equal(newAlertRow(alert({ state: 'pending' }))['open_key'], open['alert_key']);
  assert.equal(newAlertRow(alert({ state: 'resolved' }))['open_key'], null);
  const known = knownAlertRow(alert(), 7);
  assert.deepEqual([known['id'], 'open_key' in known], [7, false]);
  assert.deepEqual(
    nameColumns.filter((name) => !(name in known)),
    [],
  );
});

test('values of an alert that no column holds are cut or unknown, and flags are 0 and 1', () => {
  const row = newAlertRow(alert({ value: NaN, valueText: 'v'.repeat(1001), limitText: 'l'.repeat(256) }));
  assert.deepEqual(
    [row['value'], String(row['value_text']).length, String(row['limit_text']).length],
    [null, 1000, 255],
  );
  assert.equal(newAlertRow(alert({ value: Infinity }))['value'], null);
  assert.equal(newAlertRow(alert({ value: null }))['value'], null);
  assert.equal(newAlertRow(alert({ value: 0 }))['value'], 0);
  const flags = (over: Parameters<typeof alert>[0]) => {
    const { flapping, closed_out: closedOut, past } = newAlertRow(alert(over));
    return [flapping, closedOut, past];
  };
  assert.deepEqual(flags({ flapping: true, closedOut: false, past: false }), [1, 0, 0]);
  assert.deepEqual(flags({ flapping: false, closedOut: true, past: false }), [0, 1, 0]);
  assert.deepEqual(flags({ flapping: false, closedOut: false, past: true }), [0, 0, 1]);
});

test('times of an alert that it has not reached are NULL', () => {
  const row = newAlertRow(alert({ pendingSinceMs: noonMs, firingSinceMs: null, resolvedAtMs: null }));
  assert.deepEqual(
    [row['pending_since'], row['firing_since'], row['resolved_at']],
    ['2026-11-20 10:00:00.000', null, null],
  );
  const over = newAlertRow(alert({ firingSinceMs: noonMs, resolvedAtMs: noonMs + 1 }));
  assert.deepEqual([over['firing_since'], over['resolved_at']], ['2026-11-20 10:00:00.000', '2026-11-20 10:00:00.001']);
});

const keys = ['id', 'client', 'report_id', 'run_id', 'observed_at', 'received_at', 'clock_offset_ms', 'boot_id'];

test('a stored report has every figure of its row, and those that were not read are unknown', () => {
  const figures = storedReportColumns.filter((name) => !keys.includes(name));
  assert.equal(figures.length, 23);
  const row = {
    ...Object.fromEntries(figures.map((name, index) => [name, index + 1])),
    ...{ id: 7, client: 'web-1', report_id: 'r', run_id: 'u', clock_offset_ms: 12, boot_id: 'b' },
    ...{ observed_at: '2026-11-20 10:00:00.000', received_at: '2026-11-20 10:00:01.000' },
  };
  const { id, client, reportId, runId, observedAtMs, receivedAtMs, clockOffsetMs, bootId, ...read } = storedReport(row);
  assert.deepEqual([id, client, reportId, runId, clockOffsetMs, bootId], [7, 'web-1', 'r', 'u', 12, 'b']);
  assert.deepEqual([observedAtMs, receivedAtMs], [noonMs, noonMs + 1000]);
  assert.deepEqual(read, Object.fromEntries(figures.map((name, index) => [name, index + 1])));
  const unknown = storedReport({ id: 7, clock_offset_ms: null, boot_id: null });
  assert.deepEqual([unknown.clockOffsetMs, unknown.bootId, unknown.observedAtMs], [null, null, 0]);
  for (const name of figures) {
    const value = (unknown as unknown as Record<string, unknown>)[name];
    assert.equal(value, name === 'probe_errors' ? 0 : null, name);
  }
});

const disk = (mount: string, size: number) => ({
  ...{ mount, fstype: 'ext4', source: '/dev/vda', scope: 'local', mode: 'rw', size_bytes: size, used_bytes: 1.4 },
  ...{ available_bytes: 2 ** 60, used_percent: 50.5, unresponsive: 0 },
});

test('a report becomes rows in its own order, with whole numbers where columns are whole', () => {
  const rows = reportRows(
    item({
      client: 'web-1',
      observedAtMs: noonMs,
      workers: [
        worker('disk', disk('/', 10.6)),
        worker('network', { interface: 'eth0', rx_bytes_per_s: 1.5, link_up: 1 }),
        worker('log_line', { time: String(noonMs / 1000), priority: 'err', unit: 'sshd', text: 'x', times: 1 }),
      ],
      checks: [check('b', 0, 'OK'), check('a', 2, 'bad')],
    }),
  );
  const at = '2026-11-20 10:00:00.000';
  assert.deepEqual(reportRow(rows, 5), { stat_id: 5, observed_at: at, report: rows.report });
  const [first] = diskStatsRows(rows, 5);
  const { stat_id: statId, ordinal, client, observed_at: observedAt } = first ?? {};
  assert.deepEqual([statId, ordinal, client, observedAt], [5, 0, 'web-1', at]);
  assert.deepEqual(
    [first?.['size_bytes'], first?.['used_bytes'], first?.['available_bytes'], first?.['used_percent']],
    [11, 1, null, 50.5],
  );
  const [network] = networkStatsRows(rows, 5);
  assert.deepEqual([network?.['ordinal'], network?.['interface'], network?.['link_up']], [0, 'eth0', 1]);
  assert.deepEqual(
    checkStatsRows(rows, 5).map((row) => [row['stat_id'], row['ordinal'], row['check_name'], row['state']]),
    [
      [5, 0, 'b', 0],
      [5, 1, 'a', 2],
    ],
  );
  const [line] = logLineRows(rows, 5);
  assert.deepEqual([line?.['ordinal'], line?.['logged_at'], line?.['text']], [0, at, 'x']);
});

/** Returns a database whose reports have these texts, and the ids of the loaded reports, in order. */
function reportsOf(texts: Readonly<Record<number, string>>) {
  const loaded: number[] = [];
  const session = {
    all: (sql: string, values: readonly unknown[]) => {
      const isRange = sql.includes('BETWEEN');
      const ids = Object.keys(texts).map(Number);
      const asked = ids.filter((id) =>
        isRange ? id >= Number(values[0]) && id <= Number(values[1]) : values.map(Number).includes(id),
      );
      if (sql.includes('OCTET_LENGTH')) {
        return Promise.resolve(asked.map((id) => ({ stat_id: id, bytes: texts[id]?.length ?? 0 })));
      }
      loaded.push(...asked);
      return Promise.resolve(asked.map((id) => ({ stat_id: id, report: texts[id] })));
    },
  } as unknown as Session;
  return { loaded, database: { read: (work: (one: Session) => unknown) => work(session) } as unknown as Database };
}

test('reports are loaded together up to 4 MiB, in the order in which they are asked for', async () => {
  const half = JSON.stringify({ a: 'x'.repeat(2 * 2 ** 20 - 8) });
  assert.equal(half.length, 2 * 2 ** 20);
  const { database, loaded } = reportsOf({ 1: half, 2: half, 3: half, 4: 'no JSON', 5: '[1]x' });
  const reports = await openReports(database, [3, 1, 2, 4, 5, 9]);
  assert.deepEqual(loaded, [1, 3]);
  assert.ok(reports.get(1) !== undefined && reports.get(3) !== undefined);
  assert.equal(reports.get(9), undefined);
  assert.equal(loaded.length, 2);
  assert.ok((await reports.get(2)) !== undefined);
  assert.deepEqual(loaded, [1, 3, 2, 4, 5]);
  assert.deepEqual([await reports.get(4), await reports.get(5)], [undefined, undefined]);
});
