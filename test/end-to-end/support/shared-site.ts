import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { holdPort } from '../../../src/simulator/loopback-listeners.ts';
import { readKeys, username, writeFolder } from '../../../src/simulator/fleet-folder.ts';
import type { FleetPlan } from '../../../src/simulator/fleet-plan.ts';
import { startSimulator } from '../../../src/simulator/simulator.ts';
import { fakedClock } from '../../support/programs/faketime.ts';
import { outcomeOf, runBuilt, startCli, type CliResult } from '../../support/programs/run-cli.ts';
import { tempFolder } from '../../support/temp-folder.ts';

export interface SharedSiteOptions {
  readonly clients: number;
  /** The URL of each collector's database, one for each collector. */
  readonly urls: readonly string[];
  readonly password: string;
  readonly everyMs: number;
  /** Further elements of every collector's config.xml; default: a rule that always holds good. */
  readonly elements?: string;
  /** The server's socket for a collector without a network; default: the port of the URL. */
  readonly socketPath?: string;
  /** Further attributes of `<storage>`. */
  readonly storage?: string;
  /** The error of each collector's clock in seconds, as `+40`. Default: the time of this machine. */
  readonly clocks?: readonly string[];
}

export type SharedSite = Awaited<ReturnType<typeof startSharedSite>>;

const usualElements = '<alerts defaults="no"><mail to="you@example.org"/><alert type="cpu" limit="99.9%"/></alerts>';

/** Starts a simulated fleet in this process, and prepares collectors that share it, each with its own state folder. */
export async function startSharedSite(t: TestContext, options: SharedSiteOptions) {
  const { clients, urls, password, everyMs, elements = usualElements, socketPath, clocks = [], storage = '' } = options;
  const socket = socketPath === undefined ? '' : ` socketPath="${socketPath}"`;
  const dir = tempFolder(t);
  const held = await holdPort(null);
  t.after(() => held.close());
  const plan: FleetPlan = { clients, profile: 'clean', seed: 7, port: held.port, everyMs, startedAtMs: Date.now() };
  writeFolder(dir, plan);
  const simulator = await startSimulator({ ...readKeys(dir), plan, first: 0, end: clients, username, now: Date.now });
  t.after(() => simulator.close());
  writeFileSync(path.join(dir, 'db.password'), password, { mode: 0o600 });
  const configs = urls.map((url, index) => {
    const folder = path.join(dir, `collector-${index}`);
    mkdirSync(folder, { mode: 0o700 });
    const file = path.join(dir, `collector-${index}.xml`);
    const text = `<config>
      <state dir="collector-${index}"/>
      <storage url="${url}" passwordFile="db.password"${socket} ${storage}/>
      <collector every="${everyMs / 1000}s" clientDeadline="${Math.floor(everyMs / 2000)}s" share="yes" site="fra"/>
      <ssh username="${username}" privateKey="login_key" knownHosts="known_hosts"/>
      ${elements}
      <!-- Another site's: a visit of it would fail. -->
      <client name="far-1" ip="127.0.0.1" port="1" labels="site=ber"/>
      <include file="clients.xml"/>
    </config>`;
    writeFileSync(file, text, { mode: 0o600 });
    const clock = clocks[index] === undefined ? null : fakedClock(folder);
    clock?.set(clocks[index] ?? '');
    return { file, folder, env: clock?.env ?? {} };
  });
  const [first, ...others] = configs;
  assert.ok(first !== undefined);
  const made = await runBuilt(['-c', first.file, 'keys', 'generate']);
  assert.equal(made.status, 0, made.stderr);
  for (const { folder } of others) {
    for (const keys of ['keys', 'public_keys'])
      cpSync(path.join(first.folder, keys), path.join(folder, keys), { recursive: true });
  }
  let nextAtMs = 0;
  return {
    dir,
    configs,
    counts: () => simulator.counts(),
    /** Starts `collect` of a collector, perhaps within another command. */
    start: (index: number, within: readonly string[] = []): ChildProcess =>
      startCli(['-c', configs[index]?.file ?? '', 'collect', '--json'], { within, env: configs[index]?.env ?? {} }),
    /** Waits for the next cycle to begin. */
    untilNextCycle: async (): Promise<void> => {
      await sleep(Math.max(0, nextAtMs - performance.now()));
      nextAtMs = performance.now() + everyMs;
    },
    /** Makes the next cycle begin a quarter early: all slices were given back. */
    hurry: (): void => void (nextAtMs -= everyMs / 4),
    /** Waits until the simulator has answered this many more visits. */
    untilServed: async (more: number): Promise<void> => {
      const wanted = simulator.counts().served + more;
      while (simulator.counts().served < wanted) await sleep(5);
    },
  };
}

/** Counts all stored reports, and the different ones among them. Both are the number that the clients made. */
export const storedSql = `SELECT COUNT(*) AS reports, COUNT(DISTINCT report_id) AS ids
  FROM (SELECT report_id FROM stats UNION ALL SELECT report_id FROM inventory_reports) AS kept`;

/** Asserts that a run ended well. Returns the number of its clients. */
export async function endedWell(child: ChildProcess): Promise<number> {
  const result: CliResult = await outcomeOf(child);
  assert.equal(result.status, 0, result.stderr + result.stdout);
  return (JSON.parse(result.stdout) as { clients: number }).clients;
}
