import { openStorage } from '../src/storage/open-storage.ts';
import type { IngestItem, Storage } from '../src/storage/store/storage.ts';
import { item, noonMs } from '../test/storage/support/samples.ts';
import { forInformation, measured, type BenchOptions, type BenchResult, type Figure } from './figure.ts';
import { onDatabases, type BenchDatabase } from './on-databases.ts';

const clients = 1000;
const batchSizes = [1, 100, 250, 500] as const;

/** Measures the storing of reports by the size of the transaction, and then status and pruning. */
export async function benchStorage(options: BenchOptions): Promise<BenchResult> {
  const figures: Figure[] = [];
  await onDatabases(options, async (database) => {
    let stored = 0;
    for (const batch of options.quick ? [100] : batchSizes) {
      const count = options.quick ? 200 : batch === 1 ? clients : 10 * clients;
      figures.push(...(await storeBatches(database, batch, stored, count)));
      stored += count;
    }
  });
  return { figures, series: [] };
}

async function storeBatches(
  { name, config }: BenchDatabase,
  batch: number,
  first: number,
  count: number,
): Promise<readonly Figure[]> {
  const storage = await openStorage({ storage: config, migrate: true, program: 'collect' });
  const row = (what: string, unit: 'us' | 'ms') =>
    forInformation(`storage-${name}-${what}`.toLowerCase().replaceAll(/[ ,]+/g, '-'), `${name}: ${what}`, unit);
  try {
    const items = Array.from({ length: count }, (_, index) => sample(first + index));
    const stored = await cost(() => storeAll(storage, items, batch));
    const each = `a report, ${batch} a transaction`;
    const figures = [
      measured(row(each, 'us'), [stored.wallUs / count]),
      measured(row(`${each} our CPU`, 'us'), [stored.cpuUs / count]),
    ];
    if (batch !== batchSizes.at(-1)) return figures;
    const again = await cost(() => storeAll(storage, items, batch));
    const status = await cost(() => storage.history.clients());
    const limits = { nowMs: noonMs + 1e10, rawMs: 0, detailMs: 0, hourlyMs: null, dailyMs: null };
    const pruned = await cost(() => storage.retention.prune(limits, new AbortController().signal));
    return [
      ...figures,
      measured(row('a duplicate', 'us'), [again.wallUs / count]),
      measured(row(`status of ${clients} clients`, 'ms'), [status.wallUs / 1000]),
      measured(row('pruning all of it', 'ms'), [pruned.wallUs / 1000]),
    ];
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

async function cost(work: () => Promise<unknown>): Promise<{ readonly wallUs: number; readonly cpuUs: number }> {
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { wallUs: (performance.now() - startedAt) * 1000, cpuUs: user + system };
}
