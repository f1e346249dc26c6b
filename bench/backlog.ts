import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { folderOfClient } from '../src/state-folder/client-folder.ts';
import { loadSealingRing } from '../src/collector/keys/key-ring.ts';
import { statePaths } from '../src/state-folder/paths.ts';
import { encodeReport } from '../src/report/encode-report.ts';
import { sealReport } from '../src/report/seal/seal.ts';
import { openSqlite } from '../src/platform/sqlite.ts';
import { sampleReport } from '../test/report/support/sample-report.ts';
import { openSite, type Machine } from '../test/support/fleets/report-site.ts';
import { forInformation, measured, type BenchOptions, type BenchResult, type Figure } from './figure.ts';
import { onDatabases, type BenchDatabase } from './on-databases.ts';
import { dayMs } from '../src/platform/units.ts';

const clients = 200;

type Ask = (sql: string) => Promise<Readonly<Record<string, unknown>> | undefined>;

/**
 * Measures runs beside a day's sealed reports (100,000, or BACKLOG_FILES): the time of the backlog, and the delay of
 * the run's own reports.
 */
export async function benchBacklog(options: BenchOptions): Promise<BenchResult> {
  const figures: Figure[] = [];
  await onDatabases(options, async (database) => {
    figures.push(...(await drainOne(database, options)));
  });
  return { figures, series: [] };
}

async function drainOne({ name, server }: BenchDatabase, { quick, say }: BenchOptions): Promise<readonly Figure[]> {
  const storage =
    server === null ? '' : `<storage url="${server.database.url}" password="${server.database.password}"/>`;
  const site = await openSite({ clients, elements: `${storage}<alerts defaults="no"/>` });
  try {
    const machine = site.machine('mon');
    const ask: Ask = async (sql) =>
      server === null ? askFile(machine, sql) : (await server.asRoot(`USE ${server.database.name}`, sql))[0];
    await oneRun(machine, ask);
    const usual = await oneRun(machine, ask);
    const files = quick ? 400 : Number(process.env['BACKLOG_FILES'] ?? 100_000);
    makeBacklog(machine, files);
    const runs: Run[] = [];
    for (let left = files; left > 0; left = waiting(machine)) {
      const run = await oneRun(machine, ask);
      runs.push(run);
      say(`${name}: ${words(run)}; ${waiting(machine)} wait`);
      if (runs.length === 20) break;
    }
    const row = (what: string, unit: 's' | 'MB') =>
      forInformation(`backlog-${name.toLowerCase()}-${what.replaceAll(/[ ,]+/g, '-')}`, `${name}: ${what}`, unit);
    return [
      measured(row('until all of them are rows, runs together', 's'), [sum(runs.map(({ tookMs }) => tookMs)) / 1000]),
      measured(
        row('until the reports of a run are rows, beside them', 's'),
        runs.map(({ freshMs }) => freshMs / 1000),
      ),
      measured(row('until the reports of a run are rows, without', 's'), [usual.freshMs / 1000]),
      measured(
        row('memory of a run beside them, at most', 'MB'),
        runs.map(({ rssBytes }) => rssBytes / 1e6),
      ),
      measured(row('memory of a run without, at most', 'MB'), [usual.rssBytes / 1e6]),
    ];
  } finally {
    await site.close();
  }
}

interface Run {
  readonly tookMs: number;
  /** The time from the start of the run until all its reports are rows. */
  readonly freshMs: number;
  /** The peak memory. It is an upper bound, which includes this process's memory at the start of the run. */
  readonly rssBytes: number;
  readonly cpuMs: number;
}

async function oneRun(machine: Machine, ask: Ask): Promise<Run> {
  const startedAt = performance.now();
  const since = new Date().toISOString().replace('T', ' ').replace('Z', '');
  const ended = machine.run(['--json', 'collect']).then((result) => ({ ...result, atMs: performance.now() }));
  let rows = 0;
  let freshAt = startedAt;
  const look = async (): Promise<void> => {
    // The tables do not exist before the first run.
    const row = await ask(`SELECT COUNT(*) AS n FROM stats WHERE received_at >= '${since}'`).catch(() => undefined);
    const now = Number(row?.['n'] ?? 0);
    if (now > rows) freshAt = performance.now();
    rows = now;
  };
  let over = null;
  while (over === null) {
    over = await Promise.race([ended, sleep(200, null)]);
    await look();
  }
  const { stdout, stderr, atMs } = over;
  const { succeeded, faults } = JSON.parse(stdout) as { succeeded: number; faults: { code: string }[] };
  // No alerter runs here, so that a run reports `alerter-silent` after a while.
  const wrong = faults.map(({ code }) => code).filter((code) => code !== 'alerter-silent');
  if (wrong.length > 0 || rows < succeeded || succeeded < clients / 2) {
    throw new Error(`${succeeded} visits, ${rows} rows: ${wrong.join(' ')} ${stderr}`);
  }
  const run = await ask(
    "SELECT max_rss_bytes, cpu_ms FROM runs WHERE program = 'collect' ORDER BY started_at DESC LIMIT 1",
  );
  return {
    tookMs: atMs - startedAt,
    freshMs: freshAt - startedAt,
    rssBytes: Number(run?.['max_rss_bytes']),
    cpuMs: Number(run?.['cpu_ms']),
  };
}

function askFile({ dir }: Machine, sql: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const database = openSqlite(path.join(dir, 'state', 'fleet.db'));
  try {
    return Promise.resolve(database.prepare(sql).get());
  } catch (thrown) {
    return Promise.reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
  } finally {
    database.close();
  }
}

/** Makes a day's reports of every client, in the files of runs without a database. */
function makeBacklog({ dir }: Machine, files: number): void {
  const paths = statePaths(path.join(dir, 'state'));
  const { publicKey } = loadSealingRing(paths, Date.now()).sealing;
  const firstAtMs = Date.now() - dayMs;
  for (let index = 0; index < files; index += 1) {
    const client = `c${(index % clients) + 1}`;
    const receivedAtMs = Math.round(firstAtMs + (dayMs * index) / files);
    const reportId = randomUUID();
    const datetime = new Date(receivedAtMs).toISOString();
    const plaintext = Buffer.from(encodeReport({ ...sampleReport, client, report_id: reportId, datetime }));
    const sealed = sealReport({ publicKey, reportId, client, plaintext });
    const folder = path.join(paths.encryptedStats, folderOfClient(client));
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(path.join(folder, `${reportId}.${receivedAtMs}.-.-.-.fhs`), sealed, { mode: 0o600 });
  }
}

function waiting({ dir }: Machine): number {
  const names = readdirSync(path.join(dir, 'state', 'encrypted_stats'), { recursive: true });
  return names.filter((name) => String(name).endsWith('.fhs')).length;
}

function words({ tookMs, freshMs, rssBytes, cpuMs }: Run): string {
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  return (
    `a run of ${seconds(tookMs)}, its own reports rows after ${seconds(freshMs)}, CPU ${seconds(cpuMs)}, ` +
    `${Math.round(rssBytes / 1e6)} MB`
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
