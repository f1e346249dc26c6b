import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { expandPrometheus, grafanaQueries } from '../look/metrics/support/grafana.ts';
import { reportedFleet } from '../cli/support/reported-fleet.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { program } from '../support/programs/run-cli.ts';
import { freePort } from '../support/servers/free-port.ts';
import { check, item } from '../storage/support/samples.ts';
import { ask, askUntil, promtool, skipWithoutPrometheus, startProgram } from './support/prometheus.ts';

const options = { skip: skipWithoutPrometheus, timeout: 240_000 };
const hour = 3600;

type Store = Awaited<ReturnType<typeof openStorage>>;

/** Stores checks of both clients. */
async function storeChecks(storage: Store): Promise<void> {
  const checks = [check('mailq', 0, 'OK | unsent=2'), check('apt', 0, 'apt_upgrades_pending 3', { format: 'prom' })];
  await storage.reports.ingest(
    ['web-1', 'db'].map((client) => item({ client, observedAtMs: Date.now() - 1000, checks })),
  );
}

/** Stores a forecast as the alerter does. */
async function storeForecast(storage: Store): Promise<void> {
  const lease = (await storage.leases.takeLease('alert', 'a test')) ?? assert.fail('no lease');
  const growth = { daysLow: 1, daysHigh: null, shortDays: null, growthPerDay: 1e9, sinceMs: 0 };
  const forecasts = [{ client: 'web-1', mount: '/', kind: 'space', daysLeft: 3, ...growth }] as const;
  const nothing = { statIds: [], visitIds: [], alerts: [], ruleStates: new Map() };
  await storage.evaluation.saveProcessed(lease, { ...nothing, forecasts: { asOfMs: Date.now(), forecasts } });
}

/** Starts a node_exporter that has only the textfiles of a folder. Returns its port. */
async function startExporter(t: TestContext, folder: string): Promise<number> {
  const exporter = await freePort();
  startProgram(t, 'prometheus-node-exporter', [
    '--collector.disable-defaults',
    '--collector.textfile',
    `--collector.textfile.directory=${folder}`,
    `--web.listen-address=127.0.0.1:${exporter}`,
  ]);
  return exporter;
}

interface Scraped {
  readonly dir: string;
  /** The folder with the history. */
  readonly data: string;
  /** The ports of node_exporter and of `serve`. */
  readonly exporter: number;
  readonly web: number;
}

/** Starts Prometheus. Returns its port. */
async function startPrometheus(t: TestContext, { dir, data, exporter, web }: Scraped): Promise<number> {
  const port = await freePort();
  const settings = path.join(dir, 'prometheus.yml');
  const job = (name: string, target: number): string =>
    `  - { job_name: ${name}, honor_labels: true, static_configs: [{ targets: ['127.0.0.1:${target}'] }] }\n`;
  writeFileSync(
    settings,
    `global: { scrape_interval: 1s }\nscrape_configs:\n${job('file', exporter)}${job('web', web)}`,
  );
  startProgram(t, 'prometheus', [
    `--config.file=${settings}`,
    `--storage.tsdb.path=${data}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]);
  return port;
}

/** Requires Prometheus to have the disks of SQL from both sources. */
async function assertDisks(port: number, storage: Store): Promise<void> {
  const rows = await storage.history.query(
    `SELECT d.client, d.mount, d.used_percent FROM latest_stats l JOIN disk_stats d ON d.stat_id = l.id
      ORDER BY d.client, d.mount`,
  );
  for (const source of ['file', 'web']) {
    const answers = await askUntil(port, `sort(fleet_health_filesystem_used_ratio{job="${source}"})`);
    const found = answers.map(({ metric, value }) => [metric['client'], metric['mount'], value * 100]);
    const stored = rows.map(({ client, mount, used_percent: percent }) => [client, mount, percent]);
    const bySubject = (one: readonly unknown[], other: readonly unknown[]): number =>
      `${String(one[0])} ${String(one[1])}` < `${String(other[0])} ${String(other[1])}` ? -1 : 1;
    assert.deepEqual(found.toSorted(bySubject), stored.toSorted(bySubject));
  }
}

/** Requires both sources to be up, and the history to have each report. */
async function assertSeries(port: number, storage: Store): Promise<void> {
  const up = await ask(port, 'up');
  assert.deepEqual(
    up.map(({ value }) => value),
    [1, 1],
  );
  assert.equal((await askUntil(port, 'node_textfile_scrape_error'))[0]?.value, 0);

  // The reports of every hour of a day, and one of just now.
  const past = await ask(port, 'count_over_time(fleet_health_cpu_used_ratio{client="web-1",job=""}[25h])');
  const [counted] = await storage.history.query("SELECT COUNT(cpu_percent) AS n FROM stats WHERE client = 'web-1'");
  assert.deepEqual(
    past.map(({ value }) => value),
    [Number(counted?.['n'])],
  );
}

/** Requires every query of the dashboards to be answered. */
async function assertDashboards(port: number): Promise<void> {
  const now = Math.floor(Date.now() / 1000);
  const chosen = { clients: ['web-1'], fromMs: (now - hour) * 1000, toMs: now * 1000, intervalSeconds: 60 };
  const silent = /swap|Network/;
  for (const { name, text: expr, isInstant } of grafanaQueries('prometheus')) {
    const query = expandPrometheus(expr, chosen);
    assert.doesNotMatch(query, /\$/);
    const range = { start: String(now - hour), end: String(now + 65), step: '60' };
    const answers = await ask(port, query, isInstant ? { time: String(now + 65) } : range);
    assert.ok(answers.length > 0 || silent.test(expr), `${name}: ${query}`);
  }
}

test('promtool finds no fault in either format, and Prometheus has what SQL has', options, async (t) => {
  const { dir, run } = await reportedFleet(t);
  const file = path.join(dir, 'config.xml');
  const folder = path.join(dir, 'exporter');
  mkdirSync(folder);
  const web = await freePort();
  const metrics = `<metrics textfile="exporter/fleet-health.prom"/><serve host="127.0.0.1" port="${web}"><metrics/></serve>`;
  writeFileSync(file, readFileSync(file, 'utf8').replace('<config>', `<config>${metrics}`));
  const { storage: config } = loadConfig({ file });
  const storage = await openStorage({ storage: config, migrate: false });
  await storeChecks(storage);
  assert.equal((await run('alert')).status, 0);
  await storeForecast(storage);
  const text = (await run('metrics')).stdout;
  assert.equal(await promtool(['check', 'metrics'], text), '');

  // Through node_exporter, and from /metrics of `serve`, from which Prometheus requests OpenMetrics.
  const exporter = await startExporter(t, folder);
  startProgram(t, process.execPath, [program, '-c', file, 'serve']);

  // The history, before Prometheus starts.
  const history = path.join(dir, 'fleet.om');
  assert.equal((await run('export', 'openmetrics', '-o', history)).status, 0);
  const data = path.join(dir, 'prometheus');
  await promtool(['tsdb', 'create-blocks-from', 'openmetrics', history, data]);

  const port = await startPrometheus(t, { dir, data, exporter, web });

  await assertDisks(port, storage);
  await assertSeries(port, storage);
  await assertDashboards(port);
  assert.deepEqual(
    (await ask(port, 'fleet_health_client_info')).map(({ metric }) => metric['client']).filter((name) => name === 'db')
      .length,
    2,
  );
  await storage.close();
});
