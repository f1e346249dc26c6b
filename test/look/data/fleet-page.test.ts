// Second tier: weeks of rows on each database.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Client, Config } from '../../../src/config/config.ts';
import { readFleetPage } from '../../../src/look/data/look.ts';
import { decodeHistory, type DecodedHistory } from '../../../src/look/page/browser/decode-series.ts';
import { noOutliers } from '../../../src/alerter/outliers/outliers.ts';
import type { FleetPage } from '../../../src/look/page/page.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { onEachDatabase } from '../../storage/support/databases.ts';
import { check, item, noonMs, runStart, visit, worker } from '../../storage/support/samples.ts';

const [minuteMs, hourMs] = [60_000, 3_600_000];
const clientCount = 50;
const names = Array.from({ length: clientCount }, (_, index) => `web-${index}`);

/** Returns a pseudo-random number from 0 to below `limit`, the same in each run. */
function figure(client: number, row: number, limit: number): number {
  return ((Math.imul(client * 7919 + row * 104_729 + limit, 2_654_435_761) >>> 8) % (limit * 1000)) / 1000;
}

/** Stores four reports an hour of 50 clients for six hours, with gaps, two mounts and an interface. */
async function fill({ reports }: Storage): Promise<void> {
  await reports.startRun(runStart({ id: 'run-1', startedAtMs: noonMs }));
  for (const [index, client] of names.entries()) {
    await reports.saveVisits([
      visit({ client, startedAtMs: noonMs + hourMs }),
      visit({
        runId: 'run-2',
        client,
        startedAtMs: noonMs + 2 * hourMs,
        ok: false,
        stage: 'connect',
        code: 'timeout',
        message: 'x',
      }),
    ]);
    const rows = Array.from({ length: 24 }, (_, row) => row).filter((row) => (row + index) % 11 > 1);
    await reports.ingest(
      rows.map((row) =>
        item({
          client,
          observedAtMs: noonMs + row * 15 * minuteMs + index * 1000,
          workers: [
            worker('cpu', { used_percent: figure(index, row, 100), cpus: 4, interval_s: 300 }),
            worker(
              'disk',
              { mount: '/', scope: 'local', mode: 'rw', used_percent: figure(index, row, 90) },
              { mount: '/var', scope: 'local', mode: 'rw', used_percent: figure(index, row, 3) },
            ),
            worker('network', { interface: 'eth0', rx_bytes_per_s: figure(index, row, 1_000_000), tx_bytes_per_s: 5 }),
          ],
        }),
      ),
    );
  }
}

interface Asked {
  readonly untilMs?: number;
  readonly everyMs?: number;
  readonly historyBytes?: number;
  readonly clients?: number;
}

async function pageOf(
  storage: Storage,
  { untilMs = noonMs + 6 * hourMs, everyMs = 15 * minuteMs, historyBytes = 1e7, clients = clientCount }: Asked,
): Promise<FleetPage> {
  const all = names.map(
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
    clients: all.slice(0, clients),
    isWhole: clients === clientCount,
    title: 'Fleet',
    sinceMs: noonMs,
    untilMs,
    isPast: true,
    outliers: noOutliers,
    historyBytes,
    signal: AbortSignal.timeout(60_000),
    onProgress: () => undefined,
  });
}

async function historyOf(page: FleetPage, client: string): Promise<DecodedHistory> {
  const history = page.clients.find(({ name }) => name === client)?.history ?? null;
  assert.ok(history !== null, `${client} has no history`);
  return decodeHistory(history);
}

const seriesSql = {
  mean: ['stats', 'cpu_percent', ''],
  '/': ['disk_stats', 'used_percent', "AND mount = '/'"],
  '/var': ['disk_stats', 'used_percent', "AND mount = '/var'"],
  eth0: ['network_stats', 'rx_bytes_per_s', ''],
} as const;

onEachDatabase('a report', (kit) => {
  test('has the checks of the newest reports, the worst first, where room is short of the worst clients', async () => {
    const { storage } = await kit.open();
    const bad = Array.from({ length: 25 }, (_, index) => check(`w-${String(index).padStart(2, '0')}`, 1, 'x\nsecond'));
    await storage.reports.ingest([
      item({ client: 'web-1', observedAtMs: noonMs, checks: [check('mailq', 2)] }),
      item({
        client: 'web-1',
        observedAtMs: noonMs + hourMs,
        checks: [check('apt', 0), ...bad, check('mailq', 2, 'CRITICAL: 210 | unsent=210 full=57%')],
        refused: [{ path: '/etc/x.conf', why: 'others can write to it' }],
      }),
      item({ client: 'web-1', observedAtMs: noonMs + 7 * hourMs, checks: [check('mailq', 0)] }),
      item({ client: 'web-2', observedAtMs: noonMs, checks: [check('apt', 0)] }),
      item({ client: 'web-3', observedAtMs: noonMs }),
    ]);
    const { checks, omissions } = await pageOf(storage, {});
    assert.deepEqual([...checks.keys()].sort(), ['web-1', 'web-2']);
    assert.deepEqual(checks.get('web-2'), { bad: [], moreBad: 0, ok: 1 });
    const own = checks.get('web-1') ?? assert.fail('no checks');
    assert.deepEqual([own.bad.length, own.moreBad, own.ok], [20, 7, 1]);
    const [first, second] = own.bad;
    assert.deepEqual(
      { name: first?.name, state: first?.state, text: first?.text, figures: first?.figures },
      { name: 'mailq', state: 'critical', text: 'CRITICAL: 210', figures: ['unsent 210', 'full 57 %'] },
    );
    assert.deepEqual([second?.name, second?.state, second?.text], ['w-00', 'warning', 'x']);
    assert.deepEqual(omissions, []);
    const short = await pageOf(storage, { historyBytes: 12_500 });
    assert.deepEqual([short.checks.get('web-1')?.bad.length, short.checks.get('web-1')?.moreBad], [3, 24]);
  });

  test('has the newest twenty lines of logs of its span, of the worst clients first where room is short', async () => {
    const { storage } = await kit.open();
    const logged = (client: string, atMs: number, ...texts: readonly string[]): ReturnType<typeof item> => {
      const time = String((atMs - minuteMs) / 1000);
      const lines = texts.map((text) => ({ time, priority: 'err', unit: 'sshd', text, times: 2 }));
      return item({ client, observedAtMs: atMs, workers: [worker('log_line', ...lines)] });
    };
    const many = Array.from({ length: 19 }, (_, index) => `${index}`);
    await storage.reports.ingest([
      logged('web-1', noonMs - hourMs, 'before the span'),
      logged('web-1', noonMs, 'oldest', 'older'),
      logged('web-1', noonMs + hourMs, ...many),
      logged('web-1', noonMs + 7 * hourMs, 'behind the span'),
      logged('web-2', noonMs, 'other'),
      item({ client: 'web-3', observedAtMs: noonMs }),
    ]);
    const { logs, omissions } = await pageOf(storage, {});
    assert.deepEqual([...logs.keys()].sort(), ['web-1', 'web-2']);
    const own = logs.get('web-1') ?? assert.fail('no lines');
    assert.deepEqual(
      own.map(({ text }) => text),
      [...many.toReversed(), 'older'],
    );
    assert.deepEqual(own[0], { atMs: noonMs + 59 * minuteMs, priority: 'err', by: 'sshd', text: '18', times: 2 });
    assert.deepEqual(omissions, []);
    const short = await pageOf(storage, { historyBytes: 20 * 8 * 400 });
    assert.deepEqual([...short.logs.values()].flat().length, 20);
    assert.ok(short.omissions.includes('Log lines of other clients were left out to keep the file small.'));
  });

  for (const { title, everyMs, clients } of [
    { title: 'of the whole fleet, read by time', everyMs: 15 * minuteMs, clients: clientCount },
    { title: 'by the hour', everyMs: hourMs, clients: clientCount },
    { title: 'of a few clients, read one by one', everyMs: 15 * minuteMs, clients: 3 },
  ] as const) {
    test(`${title}: decoded numbers are those of SQL within half a step`, async () => {
      const { storage } = await kit.open();
      await fill(storage);
      const page = await pageOf(storage, { everyMs, clients });
      for (const client of names.slice(0, clients)) {
        const { series, start, step, points } = await historyOf(page, client);
        for (const [name, [table, column, condition]] of Object.entries(seriesSql)) {
          const rows = await storage.history.query(
            `SELECT observed_at, ${column} AS value FROM ${table} WHERE client = '${client}' ${condition}`,
          );
          const decoded = series.find((one) => one.name === name && one.group !== 'sent');
          assert.ok(decoded !== undefined, name);
          const halfStep = (decoded.high - decoded.low) / 254 / 2 + 1e-6 * decoded.high;
          for (let point = 0; point < points; point += 1) {
            const values = rows
              .filter((row) => {
                const second = Date.parse(`${String(row['observed_at']).replace(' ', 'T')}Z`) / 1000;
                return second >= start + point * step && second < start + (point + 1) * step;
              })
              .map((row) => Number(row['value']));
            const mean = values.reduce((total, value) => total + value, 0) / values.length;
            const found: number | null = decoded.values[point] ?? null;
            if (values.length === 0) assert.equal(found, null, `${client} ${name} ${point}`);
            else
              assert.ok(
                Math.abs((found ?? NaN) - mean) <= halfStep,
                `${client} ${name} ${point}: ${found} for ${mean}`,
              );
          }
        }
      }
    });
  }

  test('shows clients as they were at its end, not as they are', async () => {
    const { storage } = await kit.open();
    await fill(storage);
    const untilMs = noonMs + 90 * minuteMs;
    const [client] = (await pageOf(storage, { untilMs })).clients.filter(({ name }) => name === 'web-2');
    const rows = await storage.history.query(
      "SELECT cpu_percent FROM stats WHERE client = 'web-2' AND observed_at < '2026-11-20 11:30:00' ORDER BY " +
        'observed_at DESC',
    );
    assert.equal(client?.cpuPercent.value, rows[0]?.['cpu_percent']);
    assert.deepEqual([client?.state, client?.availability], ['ok', 1]);
    const [later] = (await pageOf(storage, {})).clients.filter(({ name }) => name === 'web-2');
    assert.deepEqual([later?.state, later?.availability], ['failing', 0.5]);
    const { series } = await historyOf(await pageOf(storage, { untilMs }), 'web-2');
    const newest = series.map(({ values }) => values.length);
    assert.ok(
      newest.every((points) => points === 6),
      'rows after the end are left out',
    );
  });

  test('leaves out what does not fit, the least needed first, and says so', async () => {
    const { storage } = await kit.open();
    await fill(storage);
    const whole = (await pageOf(storage, {})).clients.reduce((sum, { history }) => sum + (history?.length ?? 0), 0);
    const thin = async (historyBytes: number): Promise<readonly [readonly string[], number, number]> => {
      const { omissions, clients } = await pageOf(storage, { historyBytes });
      const histories = clients.flatMap(({ history }) => history ?? []);
      const bytes = histories.reduce((sum, { length }) => sum + length, 0);
      assert.ok(bytes <= historyBytes, `${bytes} of ${historyBytes}`);
      return [omissions, histories.length, clients.length];
    };
    assert.deepEqual(await thin(whole * 1.1), [[], clientCount, clientCount]);
    const noNetwork =
      'Plots of the network, of checks and of textfiles are only of clients with alerts, to keep the file small.';
    assert.deepEqual(await thin(whole * 0.95), [[noNetwork], clientCount, clientCount]);
    const [words, kept] = await thin(whole / 5);
    assert.match(words.join(' '), /Plots are coarser to keep the file small\. \d+ clients? more have no plots/);
    assert.ok(kept > 5 && kept < clientCount, `${kept} are left`);
    assert.deepEqual(await thin(0), [['Plots were left out to keep the file small.'], 0, clientCount]);
  });
});
