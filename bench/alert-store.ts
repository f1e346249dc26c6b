import type { Lease } from '../src/storage/store/lease-store.ts';
import type { Storage } from '../src/storage/store/storage.ts';
import type { RuleState } from '../src/storage/store/alert.ts';
import { openStorage } from '../src/storage/open-storage.ts';
import { forInformation, measured, type BenchOptions, type BenchResult, type Figure } from './figure.ts';
import { makeRows, withSession } from './made-rows.ts';
import { onDatabases, type BenchDatabase } from './on-databases.ts';

const mounts = ['/', '/data', '/boot'] as const;
const batchSizes = [4000, 16_000] as const;

/** Measures the database's part in a backlog: narrow columns and mounts, and the stored state of every client. */
export async function benchAlertStore(options: BenchOptions): Promise<BenchResult> {
  const { quick } = options;
  const figures: Figure[] = [];
  const made = {
    clients: quick ? 10 : 1000,
    rowsPerClient: quick ? 5 : 1000,
    mounts,
    processed: false,
    visitsPerClient: 0,
  };
  await onDatabases(options, async (database) => {
    await makeRows(database.config, made);
    const storage = await openStorage({ storage: database.config, migrate: false, program: 'alert' });
    try {
      const lease = await storage.leases.takeLease('bench', 'bench');
      if (lease === null) throw new Error('no lease');
      for (const batch of batchSizes) {
        await withSession(database.config, (session) => session.run('UPDATE stats SET processed_at = NULL'));
        figures.push(...(await treat(database, storage, lease, batch)));
      }
      const startedAt = performance.now();
      for (let asked = 0; asked < 100; asked += 1) await storage.evaluation.unprocessed(1000);
      const { name } = database;
      const row = forInformation(
        `alert-store-${name.toLowerCase()}-nothing`,
        `${name}: to find that nothing is left`,
        'ms',
      );
      figures.push(measured(row, [(performance.now() - startedAt) / 100]));
    } finally {
      await storage.close();
    }
  });
  return { figures, series: [] };
}

async function treat(
  { name }: BenchDatabase,
  storage: Storage,
  lease: Lease,
  batchRows: number,
): Promise<readonly Figure[]> {
  const spent = { read: 0, disks: 0, ruleStates: 0, save: 0 };
  const timed = async <T>(what: keyof typeof spent, work: () => Promise<T>): Promise<T> => {
    const startedAt = performance.now();
    const result = await work();
    spent[what] += performance.now() - startedAt;
    return result;
  };
  const cpu = process.cpuUsage();
  let treated = 0;
  for (let more = true; more;) {
    const batch = await timed('read', () => storage.evaluation.unprocessed(batchRows));
    const statIds = batch.reports.map(({ id }) => id);
    await timed('disks', () => storage.evaluation.disksOf(statIds));
    const names = [...new Set(batch.reports.map(({ client }) => client))];
    const before = await timed('ruleStates', async () => {
      await storage.evaluation.openAlerts(names);
      return storage.evaluation.ruleStates(names);
    });
    const ruleStates = new Map(names.map((client) => [client, next(before.get(client))]));
    await timed('save', () =>
      storage.evaluation.saveProcessed(lease, { statIds, visitIds: [], alerts: [], ruleStates }),
    );
    treated += statIds.length;
    more = batch.more;
  }
  const { user, system } = process.cpuUsage(cpu);
  const figure = (part: string, ms: number): Figure => {
    const what = `${name}: ${treated} rows, ${batchRows} a batch: ${part}`;
    return measured(forInformation(`alert-store-${name.toLowerCase()}-${batchRows}-${part}`, what, 's'), [ms / 1000]);
  };
  return [...Object.entries(spent).map(([part, ms]) => figure(part, ms)), figure('cpu', (user + system) / 1000)];
}

function next(memory: RuleState | undefined): RuleState {
  return { newestReportMs: 0, newestVisitMs: null, bootId: 'boot', rows: (memory?.rows ?? 0) + 1, changes: {} };
}
