// Second tier: a page of rolled up years.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Client, Config } from '../../../src/config/config.ts';
import { readFleetPage } from '../../../src/look/data/look.ts';
import { decodeHistory } from '../../../src/look/page/browser/decode-series.ts';
import { noOutliers } from '../../../src/alerter/outliers/outliers.ts';
import type { FleetPage } from '../../../src/look/page/page.ts';
import { dayMs, hourMs, minuteMs, secondMs } from '../../../src/platform/units.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { onEachDatabase } from '../../storage/support/databases.ts';
import { item, worker } from '../../storage/support/samples.ts';

const sinceMs = Date.UTC(2026, 10, 8);
const untilMs = Date.UTC(2026, 10, 20);
const keep = { rawMs: 3.3 * dayMs, detailMs: dayMs, hourlyMs: 7.4 * dayMs, dailyMs: 90 * dayMs };
const names = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `web-${index}`);

/** Returns a pseudo-random number from 0 to below 100, the same in each run. */
function figure(client: number, row: number): number {
  return ((Math.imul(client * 7919 + row * 104_729, 2_654_435_761) >>> 8) % 100_000) / 1000;
}

const report = (client: number, observedAtMs: number, row: number): ReturnType<typeof item> =>
  item({
    client: `web-${client}`,
    observedAtMs,
    workers: [
      worker('cpu', { used_percent: figure(client, row), cpus: 4, interval_s: 300 }),
      worker('disk', { mount: '/', scope: 'local', mode: 'rw', used_percent: figure(client, row + 1) }),
    ],
  });

/** Stores up to two reports in every sixth hour of twelve days. Rolls all but the newest up into hours and days. */
async function fill({ reports, retention }: Storage, clients: number): Promise<void> {
  for (let client = 0; client < clients; client += 1) {
    const rows = Array.from({ length: 48 }, (_, row) => row).flatMap((row) => {
      const atMs = sinceMs + row * 6 * hourMs;
      const first = report(client, atMs + 5 * secondMs, row);
      const second = report(client, atMs + 20 * minuteMs, row + 1000);
      return (row + client) % 4 === 0 ? [second] : [first, second];
    });
    await reports.ingest(rows);
  }
  const { stats } = await retention.prune({ nowMs: untilMs, ...keep }, AbortSignal.timeout(60_000));
  assert.ok(stats > 0);
}

interface Asked {
  readonly everyMs: number;
  /** The number of clients in the fleet. */
  readonly fleet: number;
  readonly shown?: number;
  readonly historyBytes?: number;
}

function pageOf(storage: Storage, asked: Asked): Promise<FleetPage> {
  const { everyMs, fleet, shown = fleet, historyBytes = 1e7 } = asked;
  const all = names(fleet).map(
    (name) =>
      ({
        name,
        address: name,
        state: 'active',
        arrival: { kind: 'local' },
        rules: [],
        windows: [],
      }) as unknown as Client,
  );
  const config = { clients: all, needs: [], alerts: { rules: [], windows: [], zone: 'UTC' }, collector: { everyMs } };
  return readFleetPage({
    config: config as unknown as Config,
    storage,
    title: 'Fleet',
    sinceMs,
    untilMs,
    historyBytes,
    clients: all.slice(0, shown),
    isWhole: shown === fleet,
    isPast: true,
    outliers: noOutliers,
    signal: AbortSignal.timeout(60_000),
    onProgress: () => undefined,
  });
}

type Stored = Readonly<Record<string, unknown>>;

/** A figure of a span of time, as stored in SQL. */
interface Part {
  readonly fromMs: number;
  readonly toMs: number;
  readonly weight: number;
  readonly value: number;
  /** False for an hour or a day. */
  readonly isRow: boolean;
}

const timeOf = (text: unknown): number => Date.parse(`${String(text).padEnd(19, ' 00:00:00').replace(' ', 'T')}Z`);

/** Queries the rows, the hours, and the days before the first hour. */
async function partsOf({ history }: Storage, client: string, table: string, column: string): Promise<readonly Part[]> {
  const of = `WHERE client = '${client}'`;
  const rows = await history.query(`SELECT observed_at AS at, ${column} AS value FROM ${table} ${of} ORDER BY at`);
  const rollup = (span: 'hour' | 'day'): Promise<readonly Stored[]> =>
    history.query(
      `SELECT ${span} AS at, samples, ${column}_mean AS value FROM ` +
        `${table}_${span === 'hour' ? 'hourly' : 'daily'} ${of}`,
    );
  const [hours, days] = [await rollup('hour'), await rollup('day')];
  assert.ok(rows.length > 0 && hours.length > 0 && days.length > 0);
  const firstHour = Math.min(...hours.map(({ at }) => timeOf(at)));
  const part = (row: Stored, lengthMs: number, lastMs = Infinity): Part => {
    const fromMs = timeOf(row['at']);
    const toMs = Math.min(lastMs, fromMs + lengthMs);
    return { fromMs, toMs, weight: Number(row['samples'] ?? 1), value: Number(row['value']), isRow: lengthMs === 1 };
  };
  return [
    ...rows.map((row) => part(row, 1)),
    ...hours.map((row) => part(row, hourMs)),
    ...days.filter(({ at }) => timeOf(at) < firstHour).map((row) => part(row, dayMs, firstHour)),
  ];
}

/**
 * Returns the mean of a step. With `sampleMs` only its first row counts, and only if that row is early or no rollup is
 * known.
 */
function expectedOf(parts: readonly Part[], fromMs: number, toMs: number, sampleMs: number | null): number | null {
  const touching = parts.filter((part) => part.fromMs < toMs && part.toMs > fromMs);
  const rows = touching.filter(({ isRow }) => isRow);
  const rollups = touching.filter(({ isRow }) => !isRow);
  const [first] = rows;
  const isIn = first !== undefined && first.fromMs < fromMs + (sampleMs ?? Infinity);
  const counted = sampleMs === null ? rows : first !== undefined && (isIn || rollups.length === 0) ? [first] : [];
  const all = [...rollups, ...counted];
  const weight = all.reduce((total, part) => total + part.weight, 0);
  return weight === 0 ? null : all.reduce((total, part) => total + part.weight * part.value, 0) / weight;
}

const lines = [
  { group: 'cpu', name: 'mean', table: 'stats', column: 'cpu_percent' },
  { group: 'disk', name: '/', table: 'disk_stats', column: 'used_percent' },
] as const;

/** Fails unless each point of a client's plots matches SQL within half a step. */
async function assertAsInSql(storage: Storage, page: FleetPage, client: string, sampleMs: number | null) {
  const history = page.clients.find(({ name }) => name === client)?.history ?? null;
  assert.ok(history !== null, `${client} has no history`);
  const { series, start, step, points } = await decodeHistory(history);
  for (const { group, name, table, column } of lines) {
    const parts = await partsOf(storage, client, table, column);
    const decoded = series.find((one) => one.group === group && one.name === name);
    assert.ok(decoded !== undefined, name);
    const halfStep = (decoded.high - decoded.low) / 254 / 2 + 1e-4;
    for (let point = 0; point < points; point += 1) {
      const fromMs = (start + point * step) * 1000;
      const expected = expectedOf(parts, fromMs, fromMs + step * 1000, sampleMs);
      const found: number | null = decoded.values[point] ?? null;
      const where: string = `${client} ${name} at ${new Date(fromMs).toISOString()}: ${found} for ${expected}`;
      assert.equal(found === null, expected === null, where);
      assert.ok(Math.abs((found ?? 0) - (expected ?? 0)) <= halfStep, where);
    }
  }
}

onEachDatabase('a report of rows, hours and days', (kit) => {
  let filled: Promise<Storage> | null = null;
  const open = async (): Promise<Storage> => {
    const { storage } = await kit.open('suite');
    await fill(storage, 4);
    return storage;
  };
  for (const { title, everyMs, shown, sampleMs } of [
    { title: 'of the fleet', everyMs: hourMs, shown: 4, sampleMs: null },
    { title: 'of one client', everyMs: hourMs, shown: 1, sampleMs: null },
    { title: 'of the fleet, sampled', everyMs: 10 * secondMs, shown: 4, sampleMs: 10 * secondMs },
    { title: 'of one client, sampled', everyMs: secondMs, shown: 1, sampleMs: secondMs },
  ]) {
    test(`${title}: decoded numbers are those of SQL where they meet`, async () => {
      const storage = await (filled ??= open());
      const page = await pageOf(storage, { everyMs, fleet: 4, shown });
      assert.equal(page.omissions.length, sampleMs === null ? 0 : 1, page.omissions.join(' '));
      for (const client of names(shown)) await assertAsInSql(storage, page, client, sampleMs);
    });
  }
});

onEachDatabase('a report of more than 500 clients that has to be small', (kit) => {
  test('has the plots of the 500 that are worst off, as in SQL, and a line of each', async () => {
    const { storage, database } = await kit.open();
    const fleet = 505;
    const clients = Array.from({ length: fleet }, (_, client) => client);
    await storage.reports.ingest(
      clients.flatMap((client) => [1, 2].map((row) => report(client, untilMs - row * hourMs, row))),
    );
    await database.write((session) =>
      session.run(
        `INSERT INTO alerts (client, rule, subject, alert_key, open_key, severity, state, pending_since, firing_since)
         VALUES ('web-504', 'cpu', '', 'k', 'k', 'critical', 'firing', ?, ?)`,
        ['2026-11-19 12:00:00.000', '2026-11-19 12:00:00.000'],
      ),
    );
    const page = await pageOf(storage, { everyMs: hourMs, fleet, historyBytes: 330_000 });
    assert.deepEqual(page.omissions, ['Only the 500 clients that are worst off have plots.']);
    assert.equal(page.clients[0]?.name, 'web-504');
    const [worst, rest] = [page.clients.slice(0, 500), page.clients.slice(500)];
    assert.ok(worst.every(({ history }) => history !== null));
    assert.ok(rest.every(({ history, spark }) => history === null && spark.some((value) => value !== null)));
    for (const client of ['web-504', worst.at(-1)?.name ?? '']) {
      const { series } = await decodeHistory(page.clients.find(({ name }) => name === client)?.history ?? '');
      const cpu = series.find(({ group, name }) => group === 'cpu' && name === 'mean');
      const rows = await storage.history.query(
        `SELECT cpu_percent AS value FROM stats WHERE client = '${client}' ORDER BY observed_at`,
      );
      const found = cpu?.values.filter((value) => value !== null) ?? [];
      assert.equal(found.length, rows.length);
      for (const [index, { value }] of rows.entries()) {
        assert.ok(
          Math.abs((found[index] ?? NaN) - Number(value)) <= 0.5,
          `${client} ${found[index]} for ${String(value)}`,
        );
      }
    }
  });
});
