import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';

import { dayMs } from '../src/platform/units.ts';
import { stateDigest } from '../src/report/state/state.ts';
import type { StateSection } from '../src/report/report.ts';
import { openStorage } from '../src/storage/open-storage.ts';
import { stateItem } from '../test/storage/support/state-samples.ts';
import { clientEnv, installAgent, runShell } from './agent-starts.ts';
import { costOf, inTemporaryFolder } from './children.ts';
import { forInformation, inRounds, measured, ratioAtMost } from './figure.ts';
import type { BenchOptions, BenchResult, Figure, Row, Target } from './figure.ts';
import { onDatabases, type BenchDatabase } from './on-databases.ts';

const beside = (name: string, what: string, peer: string, target: Target | null, unit: Row['unit'] = 'ms'): Row => ({
  ...{ name: `changes-${name}`, what: `${what} : ${peer}`, unit, peer, target },
});
const rows = {
  stamp: beside('stamp', 'client CPU of a visit with the stamp', 'without', ratioAtMost(1.05)),
  report: beside('report', 'client CPU of a state report', 'node -e 0', null),
  first: beside('first', 'client CPU of a first visit with inventory and state', 'without state', ratioAtMost(1.7)),
  day: beside('day', 'client CPU of 288 visits with stamps and 4 state reports', '288 visits', ratioAtMost(1.05), 's'),
} as const;

/** Measures what the state costs a client. */
export async function benchChanges(options: BenchOptions): Promise<BenchResult> {
  return { figures: await inTemporaryFolder((dir) => onClient(options, dir)), series: [] };
}

/** Measures what a thousand clients leave in the database in a year. */
export async function benchChangesStored(options: BenchOptions): Promise<BenchResult> {
  const figures: Figure[] = [];
  await onDatabases(options, async (place) => {
    figures.push(...(await aYear(place, options)));
  });
  return { figures, series: [] };
}

async function onClient({ quick }: BenchOptions, dir: string): Promise<readonly Figure[]> {
  const installed = async (name: string, stamp: boolean) => {
    const home = path.join(dir, name);
    await mkdir(home, { mode: 0o700 });
    const { visit, further, restore } = await installAgent('node', home, { options: {}, stamp });
    const starts = quick ? 1 : 10;
    const cost = (command: string) => (): number =>
      costOf(() => {
        runShell(command, clientEnv(home));
        restore();
      }, starts).cpuMs;
    return { visit: cost(visit), inventory: cost(further('inventory')), state: cost(further('state')) };
  };
  const [plain, stamped] = [await installed('plain', false), await installed('stamped', true)];
  const bare = (): number => costOf(() => runShell(`exec '${process.execPath}' -e 0`, clientEnv(dir)), 10).cpuMs;
  // The first report names the paths that the stamp covers.
  stamped.state();
  const { without, withStamp, state, inventory, node } = await inRounds(quick ? 1 : 7, {
    ...{ node: bare, without: plain.visit, withStamp: stamped.visit },
    ...{ state: stamped.state, inventory: plain.inventory },
  });
  const at = (samples: readonly number[], round: number): number => samples[round] ?? 0;
  return [
    measured(rows.stamp, withStamp, without),
    measured(rows.report, state, node),
    measured(
      rows.first,
      state.map((ms, round) => ms + at(inventory, round) + at(withStamp, round)),
      inventory.map((ms, round) => ms + at(without, round)),
    ),
    measured(
      rows.day,
      state.map((ms, round) => (288 * at(withStamp, round) + 4 * ms) / 1000),
      without.map((ms) => (288 * ms) / 1000),
    ),
  ];
}

const packages = 600;
const months = 12;
/** The packages that a month upgrades, and the files of /etc that people change in it. */
const [upgrades, edits] = [40, 4];

/** Returns the state of a client after some months. Machines of a kind have the same packages and different files. */
function sectionsAt(client: number, month: number): readonly StateSection[] {
  const changedAt = (index: number, each: number): number => {
    const turn = Math.floor(index / each);
    return turn < month ? 1 + Math.floor((month - 1 - turn) / Math.ceil(packages / upgrades)) : 0;
  };
  const names = Array.from({ length: packages }, (_, index) => {
    const version = `1.${(client % 4) + index}.0-${changedAt(index, upgrades)}+deb12u1`;
    return `package-with-a-name-${index} amd64\t${version}`;
  });
  const files = Array.from({ length: 60 }, (_, index) => {
    const digest = stateDigest([`${index % 2 === 0 ? client : client % 4} ${index} ${changedAt(index, edits)}`]);
    return `/etc/service-${index}/settings.conf\t${digest}\t1790000000`;
  });
  return (['package', 'file'] as const).map((kind) => {
    const lines = (kind === 'package' ? names : files).sort();
    return { kind, digest: stateDigest(lines), error: null, lines };
  });
}

async function aYear(
  { name, config, server }: BenchDatabase,
  { quick, say }: BenchOptions,
): Promise<readonly Figure[]> {
  const storage = await openStorage({ storage: config, migrate: true, program: 'collect' });
  const clients = quick ? 20 : 1000;
  const costs: { readonly first: number[]; readonly changed: number[] } = { first: [], changed: [] };
  try {
    for (let month = 0; month <= (quick ? 1 : months); month += 1) {
      const began = process.cpuUsage();
      for (let from = 0; from < clients; from += 50) {
        const items = Array.from({ length: Math.min(50, clients - from) }, (_, index) =>
          stateItem(
            `client-${from + index}`,
            Date.now() - (months - month) * 30 * dayMs,
            sectionsAt(from + index, month),
          ),
        );
        await storage.reports.ingest(
          items.map((item) => ({ ...item, report: { ...item.report, report_id: randomUUID() } })),
        );
      }
      const { user, system } = process.cpuUsage(began);
      const cpuMs = (user + system) / 1000 / clients;
      costs[month === 0 ? 'first' : 'changed'].push(cpuMs);
      say(`${name}: month ${month}, ${cpuMs.toFixed(2)} ms a client`);
    }
  } finally {
    await storage.close();
  }
  const figure = (id: string, what: string, unit: Row['unit'], samples: readonly number[]): Figure =>
    measured(forInformation(`changes-${name.toLowerCase()}-${id}`, `${name}: ${what}`, unit), samples);
  const stored = [
    figure('first', 'CPU of this process to store a first state report of 660 lines', 'ms', costs.first),
    figure('changed', 'the same of one with a month of changes: 40 packages and 4 files', 'ms', costs.changed),
  ];
  if (server !== null || config.kind !== 'sqlite') return stored;
  const file = config.path;
  const bytes = ['', '-wal'].reduce(
    (sum, end) => sum + (statSync(file + end, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
  return [
    ...stored,
    figure('year', 'the database after a year of 1,000 clients: 528,000 changes', 'MB', [bytes / 1e6]),
  ];
}
