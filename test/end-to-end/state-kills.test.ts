// Second tier: two dozen runs of the built program, of which most are killed.
/** Runs of `collect` that are killed while they read, spool and store states leave the rows of the last report. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';

import { openSqlite, type SqliteRow } from '../../src/platform/sqlite.ts';
import { readKeys, username, writeFolder } from '../../src/simulator/fleet-folder.ts';
import { type FleetPlan, planFleet } from '../../src/simulator/fleet-plan.ts';
import { holdPort } from '../../src/simulator/loopback-listeners.ts';
import { fraction, wholeBetween } from '../../src/simulator/seeded.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { isLong, isWide } from '../support/long-tests.ts';
import { outcomeOf, runBuilt, startCli, succeeded } from '../support/programs/run-cli.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { times } from '../support/times.ts';

const seed = 7;
const clients = 3;
/** The number of states, and of killed runs. Each fifth run is followed by one that is not killed. */
const states = isLong ? 200 : isWide ? 20 : 10;
const wholeEvery = 5;

/**
 * Returns the lines of a client's random state: packages, each at one of some versions or missing, and units. They are
 * so few because a client may change 6,000 times a day.
 */
function linesOf(index: number, state: number) {
  const some = (count: number, of: number, lineOf: (item: number, version: number) => string): readonly string[] =>
    times(count, (item) => ({ item, version: wholeBetween(0, of, seed, index, state, item) })).flatMap(
      ({ item, version }) => (version === 0 ? [] : [lineOf(item, version)]),
    );
  return {
    package: ['kept amd64\t1', ...some(20, 5, (item, version) => `p${item} amd64\t${version}`)],
    unit: ['kept.service\tenabled', ...some(5, 1, (item) => `u${item}.service\tenabled`)],
  };
}

/** Serves the fleet. Returns the folder of its config.xml, the names, and a function that changes all machines. */
async function simulatedFleet(t: TestContext) {
  const dir = tempFolder(t);
  const held = await holdPort(null);
  t.after(() => held.close());
  const plan: FleetPlan = {
    ...{ seed, clients, profile: 'clean', port: held.port, startedAtMs: Date.now(), everyMs: 300_000 },
  };
  writeFolder(dir, plan);
  let state = 0;
  const machineOf = ({ index }: { readonly index: number }) => ({ lines: linesOf(index, state), failedUnits: [] });
  const options = { ...readKeys(dir), plan, first: 0, end: clients, username, now: Date.now, machineOf };
  const simulator = await startSimulator(options);
  t.after(() => simulator.close());
  const names = planFleet(plan).map(({ name }) => name);
  return { dir, names, become: (next: number) => void (state = next) };
}

/** Returns a function that queries the database while no run has it open. */
function reader(config: string) {
  const name = /database="([^"]+)"/.exec(readFileSync(config, 'utf8'))?.[1] ?? 'state/fleet.db';
  return (sql: string): readonly SqliteRow[] => {
    const open = openSqlite(path.join(path.dirname(config), name));
    try {
      return open.prepare(sql).all();
    } finally {
      open.close();
    }
  };
}

const listSql = "SELECT client || ' ' || kind || ' ' || item || char(9) || value AS line FROM state_now";

test('rows are those of the last report after kills at random instants', { timeout: 1_800_000 }, async (t) => {
  const { dir, become, names } = await simulatedFleet(t);
  const args = ['-c', path.join(dir, 'config.xml'), 'collect'];
  /** Makes a whole run. Returns its duration. */
  const whole = async (): Promise<number> => {
    const begunMs = performance.now();
    await succeeded(runBuilt(args));
    return performance.now() - begunMs;
  };
  await whole();
  let runMs = await whole();
  const query = reader(args[1] ?? '');
  let killed = 0;
  for (let state = 1; state <= states; state++) {
    become(state);
    // Twelve state reports a day are the most.
    query('UPDATE clients SET state_runs = 0');
    const child = startCli(args);
    const ended = outcomeOf(child);
    await Promise.race([ended, delay(runMs * (0.1 + fraction(seed, state)))]);
    if (child.kill('SIGKILL')) killed += 1;
    await ended;
    if (state % wholeEvery !== 0) continue;
    runMs = await whole();
    const wanted = names.flatMap((name, index) =>
      Object.entries(linesOf(index, state)).flatMap(([kind, lines]) => lines.map((line) => `${name} ${kind} ${line}`)),
    );
    const found = query(listSql).map(({ line }) => String(line));
    assert.deepEqual(found.sort(), wanted.sort(), `after state ${state}`);
  }
  t.diagnostic(`${killed} of ${states} runs were killed`);
  assert.ok(killed > states / 3, `${killed} runs were killed`);
});
