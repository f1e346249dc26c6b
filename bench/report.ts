import { statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { dayMs, hourMs } from '../src/platform/units.ts';
import { openDatabase } from '../src/storage/dialects/open-database.ts';
import { migrateDatabase } from '../src/storage/migrate/migrate.ts';
import { sqlTime } from '../src/storage/sql/sql-time.ts';
import type { StorageConfig } from '../src/config/config.ts';
import { childrenCpuMs, inTemporaryFolder, program, watchRun } from './children.ts';
import { atMost, measured, type BenchOptions, type BenchResult, type Figure, type Row, type Unit } from './figure.ts';
import { onDatabases } from './on-databases.ts';
import { fillRaw } from './retention-fill.ts';

const stepsOfDay = 288;
const rounds = 3;

/**
 * The limits of a report, by the number of clients. A report of this many rows reads one visit of each hour, or of each
 * second hour. For a large fleet only one in `spacing` visits is made: twice as many as the report reads.
 */
const budgets = [
  { clients: 64, spacing: 6, megabytes: 0.5, seconds: 10, memoryMegabytes: 200 },
  { clients: 1000, spacing: 12, megabytes: 5, seconds: 10, memoryMegabytes: 200 },
  // The report thins itself to the 8 MiB of --max-size. It is measured only on SQLite, and once: its rows take minutes.
  { clients: 10_000, spacing: 24, megabytes: 8.39, seconds: null, memoryMegabytes: null },
] as const;

/** Measures the whole command on 30 days of rows whose values vary over the day: its file, its CPU and its memory. */
export async function benchReport(options: BenchOptions): Promise<BenchResult> {
  const figures: Figure[] = [];
  for (const budget of options.quick ? budgets.slice(0, 1) : budgets) {
    const isLargest = budget.seconds === null;
    await onDatabases(options, async ({ name, config, server }) => {
      if (isLargest && server !== null) return;
      const element =
        server === null
          ? `<storage url="sqlite:${config.path ?? ''}"/>`
          : `<storage url="${server.database.url}" password="${server.database.password}"/>`;
      const clients = options.quick ? 4 : budget.clients;
      const sinceMs = Math.floor(Date.now() / hourMs) * hourMs - 30 * dayMs;
      await fill(config, {
        clients,
        sinceMs,
        days: options.quick ? 1 : 30,
        spacing: options.quick ? 1 : budget.spacing,
      });
      options.say(`${name}: rows of ${clients} clients are made`);
      const samples = { size: [] as number[], cpu: [] as number[], memory: [] as number[] };
      for (let round = 0; round < (options.quick || isLargest ? 1 : rounds); round += 1) {
        const { bytes, cpuMs, peakMegabytes } = await reportOnce(element, clients);
        samples.size.push(bytes / 1e6);
        samples.cpu.push(cpuMs / 1000);
        samples.memory.push(peakMegabytes);
      }
      const row = (part: string, what: string, unit: Unit, limit: number | null): Row => ({
        name: `report-${budget.clients}-${name.toLowerCase()}-${part}`,
        what: `report of ${budget.clients} clients with 30 days, ${name}: ${what}`,
        unit,
        peer: null,
        target: limit === null ? null : atMost(limit),
      });
      figures.push(measured(row('size', 'its file', 'MB', budget.megabytes), samples.size));
      figures.push(measured(row('cpu', 'CPU of the command', 's', budget.seconds), samples.cpu));
      figures.push(measured(row('memory', 'peak memory', 'MB', budget.memoryMegabytes), samples.memory));
    });
  }
  return { figures, series: [] };
}

export interface Filled {
  readonly clients: number;
  readonly sinceMs: number;
  readonly days: number;
  /** The number of five-minute visits from one made visit to the next. */
  readonly spacing: number;
}

/** Makes rows of this many clients and days. */
export async function fill(storage: StorageConfig, { clients, sinceMs, days, spacing }: Filled): Promise<void> {
  const database = await openDatabase({ storage, program: 'collect' });
  try {
    await migrateDatabase(database);
    await database.write(async (session) => {
      for (let client = 0; client < clients; client += 1) {
        const at = sqlTime(sinceMs);
        await session.run('INSERT INTO clients (name, address, first_seen, last_report_at) VALUES (?, ?, ?, ?)', [
          `web-${client}.example.org`,
          '192.0.2.1',
          at,
          at,
        ]);
      }
    });
    for (let day = 0; day < days; day += 1) {
      const firstStep = day * stepsOfDay;
      const [from, steps] = [sqlTime(sinceMs), stepsOfDay / spacing];
      await fillRaw(database, { clients, from, steps, spacing, firstStep, reports: false, steady: true });
    }
    await database.write((session) =>
      session.run(`INSERT INTO visits (run_id, client, started_at, duration_ms, ok, bytes_in, bytes_out, uploaded)
        SELECT report_id, client, observed_at, 1, CASE WHEN id % 97 = 0 THEN 0 ELSE 1 END, 0, 0, 0 FROM stats`),
    );
  } finally {
    await database.close();
  }
}

/** Makes one report. */
export async function reportOnce(
  storageElement: string,
  clients: number,
): Promise<{ readonly bytes: number; readonly cpuMs: number; readonly peakMegabytes: number }> {
  return inTemporaryFolder(async (dir) => {
    const config = path.join(dir, 'config.xml');
    const names = `web-[0-${clients - 1}].example.org`;
    writeFileSync(config, `<config>${storageElement}<client name="${names}" ip="${names}" username="u"/></config>`, {
      mode: 0o600,
    });
    const file = path.join(dir, 'report.html');
    const before = childrenCpuMs();
    const { peakMegabytes } = await watchRun([program, '-c', config, 'report', '-o', file]);
    return { bytes: statSync(file).size, cpuMs: childrenCpuMs() - before, peakMegabytes };
  });
}
