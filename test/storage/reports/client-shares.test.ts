/** The share of a client in the rows and bytes of an hour: what is not looked up, what fits, and what is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createClientShares } from '../../../src/storage/reports/client-shares.ts';
import { reportRows, type ReportRows } from '../../../src/storage/rows/report-rows.ts';
import type { Session } from '../../../src/storage/sql/database.ts';
import { item, noonMs } from '../support/samples.ts';

const id = (number: number): string => `${String(number).padStart(8, '0')}-0000-4000-8000-000000000000`;

/** Returns a report with so many log lines, which are rows beside its two own ones, and a text of so many bytes. */
function report(
  number: number,
  lines: number,
  over: Partial<ReportRows> & { client?: string; atMs?: number } = {},
): ReportRows {
  const { client = 'web-1', atMs = noonMs, ...more } = over;
  const rows = reportRows(item({ client, id: id(number), observedAtMs: atMs, workers: [] }));
  const line = {
    logged_at: null,
    priority: 'err',
    unit: 'x',
    text: 'x',
    times: 1,
  } as unknown as ReportRows['logLines'][number];
  return {
    ...rows,
    disks: [],
    networks: [],
    checks: [],
    readings: [],
    report: 'x',
    logLines: Array(lines).fill(line) as (typeof line)[],
    ...more,
  };
}

/** Returns a database in which each client has so many rows and bytes of each hour, and the number of look-ups. */
function stored(rows: number, bytes = 0) {
  const asked: (readonly unknown[])[] = [];
  const session = {
    all: (_: string, values: readonly unknown[]) => {
      asked.push(values.slice(0, 3));
      return Promise.resolve([{ stored_rows: rows, stored_samples: 0, stored_bytes: bytes }]);
    },
  } as unknown as Session;
  return { session, asked };
}

test('the hour of a client that brings five hundred rows in a run is not read', async () => {
  const { session, asked } = stored(1e9);
  const shares = createClientShares();
  assert.deepEqual(await shares(session, [report(1, 298), report(2, 198)]), new Map());
  assert.deepEqual(asked, []);
  assert.equal((await shares(session, [report(3, 0)])).size, 1);
  assert.deepEqual(asked, [['web-1', '2026-11-20 10:00:00.000', '2026-11-20 10:59:59.999']]);
});

test('so it is with 64 KiB, and each client counts by itself', async () => {
  const { session, asked } = stored(0);
  const shares = createClientShares();
  const text = (bytes: number) => ({ report: 'x'.repeat(bytes) });
  await shares(session, [report(1, 0, text(65_536)), report(2, 498, { client: 'db-1' })]);
  assert.deepEqual(asked, []);
  await shares(session, [report(3, 0, text(1))]);
  assert.equal(asked.length, 1);
});

test('a client has twenty thousand rows of an hour, and what is beyond is refused and does not count', async () => {
  const { session, asked } = stored(19_000);
  const found = await createClientShares()(session, [report(1, 998), report(2, 1), report(3, 598, { client: 'db-1' })]);
  assert.deepEqual(
    [...found],
    [[id(2), 'with it its client would have more than 20000 rows of the hour 2026-11-20 10:00 UTC']],
  );
  assert.equal(asked.length, 2);
  const large = await createClientShares()(session, [report(1, 999), report(2, 998)]);
  assert.deepEqual([...large.keys()], [id(1)]);
});

test('a client has 16 MiB of an hour', async () => {
  const { session } = stored(0, 16 * 2 ** 20 - 100_000);
  const text = (bytes: number) => ({ report: 'x'.repeat(bytes) });
  const found = await createClientShares()(session, [report(1, 0, text(100_000)), report(2, 0, text(1))]);
  assert.deepEqual(
    [...found],
    [[id(2), 'with it its client would have more than 16 MiB of the hour 2026-11-20 10:00 UTC']],
  );
});

test('each hour of observation has a share of its own', async () => {
  const { session, asked } = stored(19_000);
  const later = { atMs: noonMs + 3_600_000 };
  const found = await createClientShares()(session, [report(1, 998), report(2, 998, later)]);
  assert.deepEqual([found.size, asked.length], [0, 2]);
});

test('inventories and states are one row each, without bytes', async () => {
  const { session, asked } = stored(0);
  const rows = report(1, 900, { report: 'x'.repeat(200_000) });
  const inventory = {
    ...rows,
    item: { ...rows.item, report: { ...rows.item.report, name: 'Inventory report' as const } },
  };
  await createClientShares()(session, [inventory]);
  assert.deepEqual(asked, []);
});
