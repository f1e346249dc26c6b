/**
 * Three collectors that share a fleet through three nodes of a Galera cluster (`npm run galera`), or of MySQL's group
 * replication (`npm run group-replication`), with one kind of failure after the other. A cycle without a failure
 * follows each cycle with one; in it everything must be as usual. Each cycle writes a line to stderr: the failures, the
 * duration of the runs, and the load of the machine.
 */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { loadavg } from 'node:os';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { fraction } from '../../src/simulator/seeded.ts';
import type { Cluster, ClusterNode } from '../support/databases/cluster.ts';
import { skipWithoutGalera, startGalera } from '../support/databases/galera.ts';
import { skipWithoutGroups, startGroup } from '../support/databases/group-replication.ts';
import { skipWithoutFaketime } from '../support/programs/faketime.ts';
import { outcomeOf, runBuilt, type CliResult } from '../support/programs/run-cli.ts';
import { times } from '../support/times.ts';
import { startSharedSite, storedSql, type SharedSite } from './support/shared-site.ts';

/** The kind of cluster: `galera`, or group replication with `one-primary` or `many-primaries`. */
const kind = process.env['FLEET_HEALTH_CLUSTER'] ?? 'galera';
const skip =
  process.env['FLEET_HEALTH_GALERA'] === '1'
    ? (kind === 'galera' ? skipWithoutGalera : skipWithoutGroups) || skipWithoutFaketime
    : 'set FLEET_HEALTH_GALERA=1, or npm run galera';
const cycles = Number(process.env['FLEET_HEALTH_CYCLES'] ?? 200);
const seed = Number(process.env['FLEET_HEALTH_SEED'] ?? 1);
/** The longest duration in minutes. Fewer cycles are made if they take longer. */
const maxMinutes = Number(process.env['FLEET_HEALTH_MINUTES'] ?? 110);
const clients = 100;
/** The time between cycles. A failover takes seconds, and a killed collector's slice must be free by the next cycle. */
const everyMs = 1000 * Number(process.env['FLEET_HEALTH_EVERY'] ?? 20);
/** The clocks of the collectors differ by some cycles. */
const clocks = ['+0', '+40', '-70'];
const password = 'a word';
const timeout = (maxMinutes + 10) * 60_000;

test('collectors that are killed and frozen, at nodes that are', { skip, timeout }, async (t) => {
  const cluster = await (kind === 'galera' ? startGalera() : startGroup(kind === 'many-primaries'));
  t.after(() => cluster.stop());
  await cluster.nodes[0]?.asRoot(
    'CREATE DATABASE fleet',
    `CREATE USER fleet@'%' IDENTIFIED BY '${password}'`,
    "GRANT ALL ON fleet.* TO fleet@'%'",
  );
  const hosts = cluster.nodes.map(({ address }) => address);
  // Each collector asks another node first.
  const urls = hosts.map(
    (_, index) => `mysql://fleet@${[...hosts.slice(index), ...hosts.slice(0, index)].join(',')}/fleet`,
  );
  const site = await startSharedSite(t, { clients, urls, password, everyMs, clocks, storage: cluster.attributes });
  const migrated = await runBuilt(['-c', site.configs[0]?.file ?? '', 'migrate']);
  assert.equal(migrated.status, 0, migrated.stderr);
  const tried: Record<string, number> = {};
  const chaos: Chaos = { site, cluster, tried, newest: 0 };
  const endsAt = performance.now() + maxMinutes * 60_000;
  let cycle = 1;
  await calmCycle(chaos, cycle, 1);
  while (cycle < cycles && performance.now() < endsAt) {
    cycle = await struckCycle(chaos, cycle + 1);
    await calmCycle(chaos, ++cycle, 3);
    site.hurry();
  }
  for (const node of cluster.nodes) {
    const [row] = await node.asCurrent(storedSql);
    const { sent, resent, overlapping, served } = site.counts();
    assert.equal(overlapping, 0, `of ${served} visits`);
    const rehosts = sent - resent;
    assert.deepEqual(Object.values(row ?? {}).map(Number), [rehosts, rehosts], 'rehosts, and their different ids');
  }
  t.diagnostic(`${cycle} cycles, ${site.counts().served} visits; ${JSON.stringify(tried)}`);
  if (cycle >= 200) assert.ok((tried['collector killed'] ?? 0) >= 100, JSON.stringify(tried));
});

interface Chaos {
  readonly site: SharedSite;
  readonly cluster: Cluster;
  /** The number of failures tried, by kind. */
  readonly tried: Record<string, number>;
  /** The number of the newest cycle in the database, as of the last cycle without a failure. */
  newest: number;
}

/** Waits for a collector to end. Returns its outcome with its duration in seconds. */
async function timed(child: ChildProcess): Promise<CliResult & { readonly seconds: number }> {
  const startedAt = performance.now();
  return { ...(await outcomeOf(child)), seconds: Math.round((performance.now() - startedAt) / 100) / 10 };
}

function tell({ site }: Chaos, cycle: number, what: Readonly<Record<string, unknown>>): void {
  const { served, overlapping } = site.counts();
  const load = loadavg()[0]?.toFixed(1);
  process.stderr.write(`${JSON.stringify({ at: new Date(), cycle, ...what, served, overlapping, load })}\n`);
}

/** The visits of each client in the newest cycle. Only visits with the epoch of the client's slice count. */
const newestSql = `SELECT v.client, COUNT(*) AS visits, GROUP_CONCAT(v.started_at) AS times FROM visits v
  JOIN slices s ON s.slice = CONV(LEFT(SHA2(v.client, 256), 2), 16, 10) AND s.epoch = v.epoch
  WHERE v.ok = 1 AND s.cycle = (SELECT cycle FROM cycles) GROUP BY v.client`;
/** Clients with two visits in one epoch. A slice is claimed once a cycle, so these were two visits in one cycle. */
const twiceSql = `SELECT client, epoch, COUNT(*) AS visits FROM visits WHERE ok = 1 AND epoch IS NOT NULL
  GROUP BY client, epoch HAVING COUNT(*) > 1`;

/** Runs all collectors. Fails unless each client was visited once in a new cycle, whatever happened before. */
async function calmCycle(chaos: Chaos, cycle: number, collectors: number): Promise<void> {
  const { site, cluster } = chaos;
  await site.untilNextCycle();
  const results = await Promise.all(times(collectors, (index) => timed(site.start(index))));
  tell(chaos, cycle, { calm: results.map(({ seconds }) => seconds) });
  for (const result of results) requireWell(result);
  const asked = async (sql: string) => (await cluster.nodes[0]?.asCurrent(sql)) ?? [];
  const visited = await asked(newestSql);
  const odd = [...visited.filter(({ visits }) => Number(visits) !== 1), ...(await asked(twiceSql))];
  const [newest] = await asked('SELECT cycle FROM cycles');
  const isNew = Number(newest?.['cycle']) > chaos.newest;
  chaos.newest = Number(newest?.['cycle']);
  const held = 'SELECT holder, cycle, until_at, done_at, COUNT(*) AS slices FROM slices GROUP BY 1, 2, 3, 4';
  const runs = results.map(({ stdout, seconds }) => `${seconds} s: ${stdout.slice(0, 300)}`).join('\n');
  const why = `cycle ${cycle}, ${chaos.newest} in the database: ${JSON.stringify(await asked(held))}\n${runs}`;
  assert.deepEqual([visited.length, odd, isNew], [clients, [], true], why);
}

/** Fails unless the run visited every client. Ignores `alerter-silent`: nobody runs the alerter here. */
function requireWell({ status, stdout, stderr }: CliResult): void {
  assert.ok(status === 0 || status === 1, stdout + stderr);
  const { failed, faults } = JSON.parse(stdout) as { failed: number; faults: { code: string }[] };
  assert.deepEqual([failed, faults.filter(({ code }) => code !== 'alerter-silent')], [0, []], stdout);
}

/**
 * Runs all collectors. Makes one or two of them, and perhaps a node, fail during the run. While one collector is
 * frozen, the others make a further cycle. Returns the number of the last cycle.
 */
async function struckCycle(chaos: Chaos, cycle: number): Promise<number> {
  const { site, cluster, tried } = chaos;
  const chance = (draw: number): number => fraction(seed, cycle, draw, 0);
  await site.untilNextCycle();
  const running = times(3, (index) => site.start(index));
  const ended = running.map((child) => timed(child));
  // Half of the failures come while the programs start and claim, half amid the visits.
  const isEarly = chance(0) < 0.5;
  const someVisits = site.untilServed(1 + Math.floor(chance(1) * clients * 0.8));
  await (isEarly ? sleep(chance(1) * 2000) : Promise.race([someVisits, ...ended]));
  const struck: string[] = [];
  const note = (what: string): void => {
    struck.push(what);
    tried[what] = (tried[what] ?? 0) + 1;
  };
  const first = Math.floor(chance(2) * 3);
  const thaw = strikeCollectors(running, { first, isKilled: chance(3) < 0.85, isTwo: chance(4) < 0.5, note });
  const mend = chance(5) < 0.5 ? await strikeNode(cluster.nodes[Math.floor(chance(6) * 3)], chance(7), note) : null;
  const others = [0, 1, 2].filter((index) => thaw === null || index !== first);
  const results = await Promise.all(ended.filter((_, index) => others.includes(index)));
  const mendedAt = performance.now();
  await mend?.();
  const mendS = Math.round((performance.now() - mendedAt) / 100) / 10;
  tell(chaos, cycle, { struck, seconds: results.map(({ seconds }) => seconds), mendS });
  if (thaw === null) return cycle;
  await site.untilNextCycle();
  const more = await Promise.all(others.map((index) => timed(site.start(index))));
  // When the frozen collector goes on, others have claimed its slices.
  thaw();
  await ended[first];
  tell(chaos, cycle + 1, { thawed: more.map(({ seconds }) => seconds) });
  return cycle + 1;
}

interface CollectorStrike {
  readonly first: number;
  readonly isKilled: boolean;
  readonly isTwo: boolean;
  readonly note: (what: string) => void;
}

/** Kills one or two collectors and returns null, or freezes one. Returns a function that thaws a frozen collector. */
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

/** Makes a node fail. Returns a function that repairs the node and waits until it has caught up. */
async function strikeNode(
  node: ClusterNode | undefined,
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
  await node.cutOff();
  return async () => {
    await node.reconnect();
    await node.untilSynced();
  };
}
