/**
 * Three collectors that share a fleet through three nodes of a Galera cluster, with one kind of failure after the
 * other:
 * `npm run galera`. Each cycle with a failure is followed by one without, in which everything must be as ever. Each
 * cycle writes a line to stderr: what was struck, how long the runs took, and how busy the machine was.
 */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { loadavg } from 'node:os';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { fraction } from '../../src/simulator/seeded.ts';
import { skipWithoutGalera, startGalera, type Galera, type GaleraNode } from '../support/galera.ts';
import { skipWithoutFaketime } from '../support/faketime.ts';
import { outcomeOf, type CliResult } from '../support/run-cli.ts';
import { times } from '../support/times.ts';
import { startSharedSite, storedSql, type SharedSite } from './support/shared-site.ts';

const skip =
  process.env['FLEET_HEALTH_GALERA'] === '1'
    ? skipWithoutGalera || skipWithoutFaketime
    : 'set FLEET_HEALTH_GALERA=1, or npm run galera';
const cycles = Number(process.env['FLEET_HEALTH_CYCLES'] ?? 200);
const seed = Number(process.env['FLEET_HEALTH_SEED'] ?? 1);
/** Fewer cycles are made if they take longer than this. */
const mostMinutes = Number(process.env['FLEET_HEALTH_MINUTES'] ?? 110);
const clients = 100;
/** A failover takes seconds, and a slice that a killed collector took late must be free again in the next cycle. */
const everyMs = 1000 * Number(process.env['FLEET_HEALTH_EVERY'] ?? 20);
/** The clocks of the collectors are apart by some cycles. */
const clocks = ['+0', '+40', '-70'];
const password = 'a word';
const timeout = (mostMinutes + 10) * 60_000;

test('collectors that are killed and frozen, at nodes that are', { skip, timeout }, async (t) => {
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
  const site = await startSharedSite(t, { clients, urls, password, everyMs, clocks });
  const tried: Record<string, number> = {};
  const chaos: Chaos = { site, galera, tried, newest: 0 };
  const endsAt = performance.now() + mostMinutes * 60_000;
  let cycle = 1;
  await calmCycle(chaos, cycle, 1);
  while (cycle < cycles && performance.now() < endsAt) {
    cycle = await struckCycle(chaos, cycle + 1);
    await calmCycle(chaos, ++cycle, 3);
    site.hurry();
  }
  for (const node of galera.nodes) {
    const [row] = await node.asRoot('SET SESSION wsrep_sync_wait = 7', 'USE fleet', storedSql);
    const { sent, resent, overlapping, served } = site.counts();
    assert.equal(overlapping, 0, `of ${served} visits`);
    const reports = sent - resent;
    assert.deepEqual(Object.values(row ?? {}).map(Number), [reports, reports], 'reports, and their different ids');
  }
  t.diagnostic(`${cycle} cycles, ${site.counts().served} visits; ${JSON.stringify(tried)}`);
  if (cycle >= 200) assert.ok((tried['collector killed'] ?? 0) >= 100, JSON.stringify(tried));
});

interface Chaos {
  readonly site: SharedSite;
  readonly galera: Galera;
  /** Counts of failures that were tried. */
  readonly tried: Record<string, number>;
  /** The newest cycle in the database, after the last one without a failure. */
  newest: number;
}

/** Lets a collector run. Returns its outcome with the seconds that it took. */
async function timed(child: ChildProcess): Promise<CliResult & { readonly seconds: number }> {
  const startedAt = performance.now();
  return { ...(await outcomeOf(child)), seconds: Math.round((performance.now() - startedAt) / 100) / 10 };
}

function tell({ site }: Chaos, cycle: number, what: Readonly<Record<string, unknown>>): void {
  const { served, overlapping } = site.counts();
  const load = loadavg()[0]?.toFixed(1);
  process.stderr.write(`${JSON.stringify({ at: new Date(), cycle, ...what, served, overlapping, load })}\n`);
}

/** The visits of each client in the newest cycle: those with the epoch that its slice has. */
const newestSql = `SELECT v.client, COUNT(*) AS visits, GROUP_CONCAT(v.started_at) AS times FROM visits v
  JOIN slices s ON s.slice = CONV(LEFT(SHA2(v.client, 256), 2), 16, 10) AND s.epoch = v.epoch
  WHERE v.ok = 1 AND s.cycle = (SELECT cycle FROM cycles) GROUP BY v.client`;
/** A slice is claimed once a cycle, so that a client with two visits in an epoch had two in a cycle. */
const twiceSql = `SELECT client, epoch, COUNT(*) AS visits FROM visits WHERE ok = 1 AND epoch IS NOT NULL
  GROUP BY client, epoch HAVING COUNT(*) > 1`;

/** Lets all collectors run. Each client must be visited once in a new cycle, whatever happened before. */
async function calmCycle(chaos: Chaos, cycle: number, collectors: number): Promise<void> {
  const { site, galera } = chaos;
  await site.untilNextCycle();
  const results = await Promise.all(times(collectors, (index) => timed(site.start(index))));
  tell(chaos, cycle, { calm: results.map(({ seconds }) => seconds) });
  for (const result of results) requireWell(result);
  const asked = async (sql: string) =>
    (await galera.nodes[0]?.asRoot('SET SESSION wsrep_sync_wait = 7', 'USE fleet', sql)) ?? [];
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

/** A run is well if no client failed; nobody runs the alerter. */
function requireWell({ status, stdout, stderr }: CliResult): void {
  assert.ok(status === 0 || status === 1, stdout + stderr);
  const { failed, faults } = JSON.parse(stdout) as { failed: number; faults: { code: string }[] };
  assert.deepEqual([failed, faults.filter(({ code }) => code !== 'alerter-silent')], [0, []], stdout);
}

/**
 * Lets all collectors run, and one or two of them and perhaps a node fail at a moment of it. While one is frozen, the
 * others make a further cycle. Returns the number of the last cycle.
 */
async function struckCycle(chaos: Chaos, cycle: number): Promise<number> {
  const { site, galera, tried } = chaos;
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
  const mend = chance(5) < 0.5 ? await strikeNode(galera.nodes[Math.floor(chance(6) * 3)], chance(7), note) : null;
  const others = [0, 1, 2].filter((index) => thaw === null || index !== first);
  const results = await Promise.all(ended.filter((_, index) => others.includes(index)));
  const mendedAt = performance.now();
  await mend?.();
  const mendS = Math.round((performance.now() - mendedAt) / 100) / 10;
  tell(chaos, cycle, { struck, seconds: results.map(({ seconds }) => seconds), mendS });
  if (thaw === null) return cycle;
  await site.untilNextCycle();
  const more = await Promise.all(others.map((index) => timed(site.start(index))));
  // Its slices are those of others when it goes on.
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
