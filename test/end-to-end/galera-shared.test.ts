/**
 * Three collectors that share a fleet through three nodes of a Galera cluster, with one kind of failure after the other:
 * `npm run galera`. Each cycle with a failure is followed by one without, in which everything must be as ever.
 */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { fraction } from '../../src/simulator/seeded.ts';
import { skipWithoutGalera, startGalera, type Galera, type GaleraNode } from '../support/galera.ts';
import { outcomeOf, type CliResult } from '../support/run-cli.ts';
import { times } from '../support/times.ts';
import { startSharedSite, storedSql, type SharedSite } from './support/shared-site.ts';

const skip =
  process.env['FLEET_HEALTH_GALERA'] === '1' ? skipWithoutGalera : 'set FLEET_HEALTH_GALERA=1, or npm run galera';
const cycles = Number(process.env['FLEET_HEALTH_CYCLES'] ?? 200);
const seed = Number(process.env['FLEET_HEALTH_SEED'] ?? 1);
const clients = 100;
/** A failover takes seconds, and a slice that a killed collector took late must be free again in the next cycle. */
const everyMs = 20_000;
const password = 'a word';

test('collectors that are killed and frozen, at nodes that are', { skip, timeout: 7_200_000 }, async (t) => {
  const galera = await startGalera();
  t.after(() => galera.stop());
  await galera.nodes[0]?.asRoot(
    'CREATE DATABASE fleet',
    `CREATE USER fleet@'%' IDENTIFIED BY '${password}'`,
    "GRANT ALL ON fleet.* TO fleet@'%'",
  );
  const ports = galera.nodes.map(({ port }) => `127.0.0.1:${port}`);
  // Each collector asks another node first.
  const urls = ports.map(
    (_, index) => `mysql://fleet@${[...ports.slice(index), ...ports.slice(0, index)].join(',')}/fleet`,
  );
  const site = await startSharedSite(t, { clients, urls, password, everyMs });
  const tried: Record<string, number> = {};
  await calmCycle(site, galera, 1);
  for (let cycle = 2; cycle < cycles; cycle += 2) {
    await struckCycle({ t, site, galera, cycle, tried });
    await calmCycle(site, galera, 3);
  }
  for (const node of galera.nodes) {
    const [row] = await node.asRoot('SET SESSION wsrep_sync_wait = 7', 'USE fleet', storedSql);
    const { sent, resent, overlapping, served } = site.counts();
    assert.equal(overlapping, 0, `of ${served} visits`);
    const reports = sent - resent;
    assert.deepEqual(Object.values(row ?? {}).map(Number), [reports, reports], 'reports, and their different ids');
  }
  t.diagnostic(`${cycles} cycles, ${site.counts().served} visits; ${JSON.stringify(tried)}`);
});

/** Lets all collectors run. Each client must be visited once, whatever happened before. */
async function calmCycle(site: SharedSite, galera: Galera, collectors: number): Promise<void> {
  await site.untilNextCycle();
  const atMs = Date.now();
  const results = await Promise.all(times(collectors, (index) => outcomeOf(site.start(index))));
  for (const result of results) requireWell(result);
  const since = new Date(atMs).toISOString().slice(0, 23).replace('T', ' ');
  const twice = await galera.nodes[0]?.asRoot(
    'SET SESSION wsrep_sync_wait = 7',
    'USE fleet',
    `SELECT client, COUNT(*) AS reports, GROUP_CONCAT(observed_at) AS times FROM stats WHERE observed_at >= '${since}'
      GROUP BY client`,
  );
  const held = await galera.nodes[0]?.asRoot(
    'USE fleet',
    'SELECT holder, cycle, until_at, done_at, COUNT(*) AS slices, NOW(3) AS now FROM slices GROUP BY holder, cycle, until_at, done_at',
  );
  const odd = (twice ?? []).filter(({ reports }) => Number(reports) !== 1);
  assert.deepEqual([twice?.length, odd], [clients, []], `each client once since ${since}: ${JSON.stringify(held)}`);
}

/** A run is well if no client failed; nobody runs the alerter. */
function requireWell({ status, stdout, stderr }: CliResult): void {
  assert.ok(status === 0 || status === 1, stdout + stderr);
  const { failed, faults } = JSON.parse(stdout) as { failed: number; faults: { code: string }[] };
  assert.deepEqual([failed, faults.filter(({ code }) => code !== 'alerter-silent')], [0, []], stdout);
}

interface Struck {
  readonly t: TestContext;
  readonly site: SharedSite;
  readonly galera: Galera;
  readonly cycle: number;
  /** Counts of failures that were tried. */
  readonly tried: Record<string, number>;
}

/** Lets all collectors run, and one or two of them and perhaps a node fail at a moment of it. */
async function struckCycle({ site, galera, cycle, tried }: Struck): Promise<void> {
  const chance = (draw: number): number => fraction(seed, cycle, draw, 0);
  await site.untilNextCycle();
  const running = times(3, (index) => site.start(index));
  const ended = running.map((child) => outcomeOf(child));
  await sleep(300 + chance(1) * 3000);
  const note = (what: string): void => void (tried[what] = (tried[what] ?? 0) + 1);
  const first = Math.floor(chance(2) * 3);
  const thaw = strikeCollectors(running, { first, isKilled: chance(3) < 0.8, isTwo: chance(4) < 0.5, note });
  const mend = chance(5) < 0.5 ? await strikeNode(galera.nodes[Math.floor(chance(6) * 3)], chance(7), note) : null;
  await Promise.all(ended.filter((_, index) => thaw === null || index !== first));
  await mend?.();
  // Its slices are those of others when it goes on.
  if (thaw !== null) {
    await sleep(everyMs);
    thaw();
    await ended[first];
  }
}

interface CollectorStrike {
  readonly first: number;
  readonly isKilled: boolean;
  readonly isTwo: boolean;
  readonly note: (what: string) => void;
}

/** Kills one collector or two. Or freezes one, and returns what thaws it. */
function strikeCollectors(
  running: readonly ChildProcess[],
  { first, isKilled, isTwo, note }: CollectorStrike,
): (() => void) | null {
  const struck = running[first];
  if (!isKilled) {
    struck?.kill('SIGSTOP');
    note('collector frozen');
    return () => struck?.kill('SIGCONT');
  }
  for (const child of isTwo ? [struck, running[(first + 1) % 3]] : [struck]) {
    if (child?.exitCode !== null) continue;
    child.kill('SIGKILL');
    note('collector killed');
  }
  return null;
}

/** Lets a node fail. Returns what mends it, and waits until it has caught up. */
async function strikeNode(
  node: GaleraNode | undefined,
  chance: number,
  note: (what: string) => void,
): Promise<() => Promise<void>> {
  assert.ok(node !== undefined);
  if (chance < 0.4) {
    note('node killed');
    await node.kill();
    return () => node.restart();
  }
  if (chance < 0.7) {
    note('node frozen');
    node.pause();
    return async () => {
      node.resume();
      await node.untilSynced();
    };
  }
  note('node cut off');
  await node.asRoot("SET GLOBAL wsrep_provider_options = 'gmcast.isolate=1'");
  return async () => {
    await node.asRoot("SET GLOBAL wsrep_provider_options = 'gmcast.isolate=0'");
    await node.untilSynced();
  };
}
