/**
 * The files that a value passes, found by running one client through: those with a function that a run with the value
 * enters more often than the same run without it.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { AgentRequest } from '../../src/report/wire.ts';
import { sampleReport } from '../report/support/sample-report.ts';
import { type ReportServer, sealedFor, startReportServer } from '../support/fleets/report-server.ts';
import { type SmtpServer, startSmtpServer } from '../support/servers/smtp-server.ts';
import { type CoveredRun, coveredRuns, type Entered, enteredMore } from './covered-run.ts';

export interface Walk {
  /** The heading in docs/internals.md. */
  readonly title: string;
  /** The files below src, without `.ts`, in no order. */
  readonly files: readonly string[];
  /** The helpers that were entered. They know nothing of the value, and docs/internals.md omits them. */
  readonly helpers: readonly string[];
}

// The transport carries any bytes, in pieces whose number depends on the time.
const helperFolders = ['cli', 'platform', 'storage/dialects', 'storage/sql', 'text', 'transport'];
// The readers of columns.
const helperFiles = ['rows/columns', 'store/alert', 'store/record-shape', 'store/reply-store'].map(
  (name) => `storage/${name}`,
);
const login = { username: 'u', password: 'a secret word' } as const;
const limit = '<alert type="memory" limit="90%"/>';
const [good, bad] = [10, 97];
/** Repeated runs leave out what depends on the time. */
const repetitions = 3;

interface World {
  readonly coveredRun: CoveredRun;
  readonly dir: string;
  readonly ssh: ReportServer;
  readonly smtp: SmtpServer;
  /** The used memory that clients report, in percent; null: they send no report. */
  usedPercent: number | null;
}

/** Measures the three walks. */
export async function measureWalks(): Promise<readonly Walk[]> {
  const dir = mkdtempSync(path.join(tmpdir(), 'fh-walks-'));
  const coveredRun = coveredRuns(mkdtempSync(path.join(dir, 'maps-')));
  const smtp = await startSmtpServer();
  const reports = (request: AgentRequest): readonly Buffer[] => reportsOf(request, world.usedPercent);
  const ssh = await startReportServer({ ...login, reports });
  const world: World = { coveredRun, dir, ssh, smtp, usedPercent: good };
  try {
    return [
      await walkOf('A limit from config.xml to its evaluation', (isWith) => {
        return runsOf(world, { alerts: isWith ? limit : '', usedPercent: good, measured: 'alert' });
      }),
      await walkOf("The socket's bytes to a row", (isWith) => {
        return runsOf(world, { alerts: '', usedPercent: isWith ? good : null, measured: 'collect' });
      }),
      await walkOf('A row to a delivered mail', (isWith) => {
        return runsOf(world, { alerts: limit, usedPercent: isWith ? bad : good, measured: 'alert' });
      }),
    ];
  } finally {
    await ssh.close();
    await smtp.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function walkOf(title: string, runs: (isWith: boolean) => Promise<readonly Entered[]>): Promise<Walk> {
  const others = await runs(false);
  const files = enteredMore(await runs(true), others).map((file) => file.replace(/\.ts$/, ''));
  const isHelper = (file: string): boolean =>
    !file.includes('/') || helperFiles.includes(file) || helperFolders.some((folder) => file.startsWith(`${folder}/`));
  return { title, files: files.filter((file) => !isHelper(file)), helpers: files.filter(isHelper) };
}

interface Runs {
  readonly alerts: string;
  /** The used memory in the second report; null if there is none. */
  readonly usedPercent: number | null;
  readonly measured: 'collect' | 'alert';
}

/** Runs one client through twice, and measures the second `collect` or `alert`, each time from the same state. */
async function runsOf(world: World, { alerts, usedPercent, measured }: Runs): Promise<readonly Entered[]> {
  const { coveredRun } = world;
  const site = siteOf(world, alerts);
  world.usedPercent = good;
  await coveredRun(site, 'collect');
  await coveredRun(site, 'alert');
  world.usedPercent = usedPercent;
  if (measured === 'alert') await coveredRun(site, 'collect');
  const before = `${site}-before`;
  cpSync(site, before, { recursive: true });
  const runs: Entered[] = [];
  for (let number = 0; number < repetitions; number += 1) {
    rmSync(site, { recursive: true });
    cpSync(before, site, { recursive: true });
    runs.push(await coveredRun(site, measured));
  }
  return runs;
}

function siteOf({ dir, ssh, smtp }: World, alerts: string): string {
  const site = mkdtempSync(path.join(dir, 'site-'));
  mkdirSync(path.join(site, 'state'), { mode: 0o700 });
  writeFileSync(path.join(site, 'state', 'known_hosts'), `${ssh.hostKeyLine('127.0.0.1')}\n`);
  const config = `<config>
  <ssh username="${login.username}" password="${login.password}"/>
  <smtp host="127.0.0.1" port="${smtp.port}" security="none" from="monitor@example.org"/>
  <alerts mail="ops@example.org" defaults="no" cause="no"/>
  <client name="web-1" ip="127.0.0.1" port="${ssh.port}">${alerts}</client>
</config>
`;
  writeFileSync(path.join(site, 'config.xml'), config, { mode: 0o600 });
  return site;
}

/** Returns a report of the memory alone, or none. */
function reportsOf(request: AgentRequest, usedPercent: number | null): readonly Buffer[] {
  if (usedPercent === null) return [];
  const workers = sampleReport.worker_reports.filter(({ name }) => name === 'memory');
  const used = workers.map((worker) => ({
    ...worker,
    function_reports: worker.function_reports.map((family) => ({
      ...family,
      data: family.data.map((row) => ({ ...row, used_percent: usedPercent })),
    })),
  }));
  return [sealedFor(request, { worker_reports: used })];
}
