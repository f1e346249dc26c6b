import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { StorageConfig } from '../src/config/config.ts';
import { openStorage } from '../src/storage/open-storage.ts';
import type { IngestItem, Storage } from '../src/storage/storage.ts';
import { item, noonMs } from '../test/storage/samples.ts';
import { sqliteConfig } from '../test/storage/sqlite-config.ts';
import { skipWithoutMariadb, startMariadb } from '../test/support/mariadb.ts';

const clients = 1000;
const rounds = 10;
const batchSizes = [1, 100, 250, 500] as const;

/** How fast reports become rows, and how fast status and pruning are after that. */
export async function benchStorage(): Promise<void> {
  const dir = mkdtempSync(path.join(tmpdir(), 'fleet-bench-'));
  try {
    for (const batch of batchSizes) await benchOne('SQLite', sqliteConfig(path.join(dir, `${batch}.db`)), batch);
  } finally {
    rmSync(dir, { recursive: true });
  }
  if (skipWithoutMariadb !== false) {
    console.log(`MariaDB: ${skipWithoutMariadb}`);
    return;
  }
  const mariadb = await startMariadb();
  try {
    for (const batch of batchSizes) await benchOne('MariaDB', (await mariadb.createDatabase()).storage, batch);
  } finally {
    await mariadb.stop();
  }
}

async function benchOne(name: string, config: StorageConfig, batch: number): Promise<void> {
  const storage = await openStorage({ storage: config, migrate: true, program: 'collect' });
  try {
    const reports = batch === 1 ? clients : clients * rounds;
    const items = Array.from({ length: reports }, (_, index) => sample(index));
    const stored = await measured(() => storeAll(storage, items, batch));
    const each = (micros: number): string => `${(micros / reports).toFixed(0)} us`;
    console.log(
      `${name}, ${batch} a transaction: ${each(stored.wallUs)} a report, ${each(stored.cpuUs)} of it our CPU, ` +
        `${Math.round((reports / stored.wallUs) * 1e6)} reports/s`,
    );
    if (batch !== 500) return;
    const again = await measured(() => storeAll(storage, items, batch));
    const status = await measured(() => storage.history.clients());
    const limits = { nowMs: noonMs + 1e10, rawMs: 0, detailMs: 0, hourlyMs: null, dailyMs: null };
    const pruned = await measured(() => storage.reports.prune(limits, new AbortController().signal));
    console.log(
      `${name}: ${each(again.wallUs)} a duplicate, status of ${clients} clients ${(status.wallUs / 1000).toFixed(0)} ms, ` +
        `${each(pruned.wallUs)} a pruned report`,
    );
  } finally {
    await storage.close();
  }
}

function sample(index: number): IngestItem {
  const observedAtMs = noonMs + Math.floor(index / clients) * 300_000;
  return item({ client: `web-${index % clients}`, observedAtMs });
}

async function storeAll(storage: Storage, items: readonly IngestItem[], batch: number): Promise<void> {
  for (let start = 0; start < items.length; start += batch) {
    await storage.reports.ingest(items.slice(start, start + batch));
  }
}

async function measured(work: () => Promise<unknown>): Promise<{ readonly wallUs: number; readonly cpuUs: number }> {
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { wallUs: (performance.now() - startedAt) * 1000, cpuUs: user + system };
}
