import { wholeFleet } from '../../../src/look/page/live/links.ts';
import { readDigest } from '../../../src/alerter/digest/read-digest.ts';
import { readClientDetail } from '../../../src/look/data/client-detail.ts';
import { readFleetStatus } from '../../../src/look/data/fleet-status.ts';
import { readFleetPage } from '../../../src/look/data/look.ts';
import { viewAlerts } from '../../../src/look/data/alert-views.ts';
import { alertExplanation } from '../../../src/cli/alerts/explain.ts';
import type { Config } from '../../../src/config/config.ts';
import { csvHistory } from '../../../src/look/metrics/export-csv.ts';
import { jsonlHistory } from '../../../src/look/metrics/export-jsonl.ts';
import { openMetricsHistory } from '../../../src/look/metrics/export-openmetrics.ts';
import type { HistoryOptions } from '../../../src/look/metrics/history.ts';
import { writeMetrics } from '../../../src/look/metrics/metrics.ts';
import { fleetOutliers, noOutliers } from '../../../src/alerter/outliers/outliers.ts';
import { dayMs } from '../../../src/platform/units.ts';
import { familyGroups } from '../../../src/config/values/family-groups.ts';
import { FleetReader } from '../../../src/look/serve/fleet-reader.ts';
import {
  alertPage,
  alertsPage,
  clientHistory,
  clientPage,
  fleetPage,
  runsPage,
} from '../../../src/look/serve/documents/pages.ts';
import { storageOn } from '../../../src/storage/open-storage.ts';
import type { Database, Session, SqlValue } from '../../../src/storage/sql/database.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { configOf } from '../../alerter/support/config-of.ts';
import { clientCount } from './large-fill.ts';

/** A statement that a program ran, with its values. */
export interface Statement {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** A program that shows stored rows. */
export interface Looker {
  readonly title: string;
  readonly look: (storage: Storage, config: Config) => Promise<unknown>;
}

/** Runs a program. Returns each statement with the first and the last values that it was run with. */
export async function withStatements(database: Database, { look }: Looker): Promise<readonly Statement[]> {
  const first = new Map<string, Statement>();
  const last = new Map<string, Statement>();
  const recorded = (session: Session): Session => ({
    ...session,
    all: (sql, values = []) => {
      if (first.has(sql)) last.set(sql, { sql, values });
      else first.set(sql, { sql, values });
      return session.all(sql, values);
    },
  });
  const recording: Database = {
    read: (work) => database.read((session) => work(recorded(session))),
    write: () => Promise.reject(new Error('a program that only shows something writes')),
    readOnly: (sql) => database.readOnly(sql),
    space: () => database.space(),
    migrate: () => Promise.reject(new Error('a program that only shows something changes the schema')),
    close: () => Promise.resolve(),
  };
  const names = `web-[1-${clientCount}]`;
  await look(storageOn(recording), configOf(`<client name="${names}" ip="${names}.example.org" username="u"/>`));
  return [...first.values(), ...last.values()];
}

/** The programs and pages that docs/look.md and docs/metrics.md describe. */
export const lookers: readonly Looker[] = [
  {
    title: 'status',
    look: async (storage, config) =>
      readFleetStatus(config, storage, { nowMs: await storage.nowMs(), only: null, notVisited: true }),
  },
  {
    title: 'show',
    look: async (storage, config) => readClientDetail(config, storage, 'web-7', await storage.nowMs()),
  },
  {
    title: 'forecast',
    look: (storage) => storage.levels.levels(null, 3, new AbortController().signal),
  },
  {
    title: 'outliers',
    look: async (storage, config) => {
      const { figures } = storage;
      const grouped = { ...config, clients: config.clients.map((client) => ({ ...client, groups: ['web'] })) };
      await fleetOutliers({ config: grouped, figures, groups: null, nowMs: await storage.nowMs() });
      await figures.recentReports({ clients: ['web-1', 'web-2'], columns: ['cpu_percent'], sinceMs: 0, limit: 12 });
    },
  },
  {
    title: 'digest',
    look: async (storage, config) => {
      const untilMs = await storage.nowMs();
      const span = { sinceMs: untilMs - 7 * dayMs, untilMs, lateSinceMs: null, missedMs: [] };
      const digest = { name: '', to: [], days: [], atMinute: 0, groups: [], attachesReport: false };
      return await readDigest(config, storage, digest, span);
    },
  },
  ...[
    { title: 'report of the fleet and eight days', clients: Infinity, days: 8, isPast: false },
    { title: 'report of the fleet and a day', clients: Infinity, days: 1, isPast: false },
    { title: 'report of the fleet and the past', clients: Infinity, days: 2, isPast: true },
    { title: 'report of some clients and a month', clients: 60, days: 30, isPast: false },
    { title: 'report of a client and a week', clients: 1, days: 7, isPast: false },
  ].map(({ title, ...span }) => ({ title, look: (storage: Storage, config: Config) => report(storage, config, span) })),
  { title: 'serve', look: serve },
  {
    title: 'metrics',
    look: async (storage, config) => {
      const nowMs = await storage.nowMs();
      const { signal } = new AbortController();
      await drain(
        writeMetrics({
          config,
          storage,
          nowMs,
          groups: familyGroups,
          format: 'text',
          signal,
        }),
      );
    },
  },
  {
    title: 'export csv',
    look: async (storage) => {
      for (const table of ['client', 'check', 'disk', 'network'] as const) {
        await drain(csvHistory(await historyOf(storage), table));
      }
    },
  },
  {
    title: 'export jsonl',
    look: async (storage) => drain(jsonlHistory(await historyOf(storage), ['client', 'check', 'disk', 'network'])),
  },
  {
    title: 'export openmetrics',
    look: async (storage) =>
      drain(openMetricsHistory(await historyOf(storage), ['client', 'check', 'disk', 'network'])),
  },
];

async function report(
  storage: Storage,
  config: Config,
  { clients, days, isPast }: { readonly clients: number; readonly days: number; readonly isPast: boolean },
): Promise<unknown> {
  const nowMs = await storage.nowMs();
  const untilMs = isPast ? nowMs - dayMs : nowMs;
  return readFleetPage({
    config,
    storage,
    clients: config.clients.slice(0, clients),
    isWhole: clients === Infinity,
    title: '',
    sinceMs: untilMs - days * dayMs,
    untilMs,
    isPast,
    outliers: isPast ? noOutliers : await fleetOutliers({ config, figures: storage.figures, groups: null, nowMs }),
    historyBytes: 8 * 2 ** 20,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
}

/** Reads the pages and documents of `serve`. */
async function serve(storage: Storage, config: Config): Promise<void> {
  class ReaderOfStorage extends FleetReader {
    override read<Result>(work: (storage: Storage, config: Config) => Promise<Result>): Promise<Result> {
      return work(storage, config);
    }
  }
  const reader = new ReaderOfStorage({ settings: () => config, onAway: () => undefined, onBack: () => undefined });
  const documents = {
    status: () => ({}),
    alerts: () => Promise.resolve({}),
    explain: alertExplanation,
    error: () => ({}),
  };
  const named = { zone: null, title: 'fleet' };
  const day = { client: 'web-7', span: '24h', spanMs: dayMs, isUsual: true };
  await fleetPage(reader, wholeFleet, named);
  await fleetPage(reader, { ...wholeFleet, words: 'web-1', state: 'critical', sort: 'cpu' }, named);
  await alertsPage(reader);
  const open = await storage.evaluation.openAlerts(null);
  await viewAlerts(config, storage, open, await storage.nowMs());
  await alertPage(reader, documents, { id: open[0]?.id ?? 0, mayAcknowledge: true });
  await runsPage(reader);
  await clientPage(reader, day);
  await clientPage(reader, { ...day, span: '30d', spanMs: 30 * dayMs });
  await clientHistory(storage, config, { ...day, spanMs: 365 * dayMs });
}

async function historyOf(storage: Storage): Promise<HistoryOptions> {
  const untilMs = await storage.nowMs();
  return {
    storage,
    clients: ['web-1', 'web-7'],
    sinceMs: untilMs - 365 * dayMs,
    untilMs,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  };
}

async function drain(chunks: AsyncGenerator<string>): Promise<void> {
  for (;;) if ((await chunks.next()).done === true) return;
}
