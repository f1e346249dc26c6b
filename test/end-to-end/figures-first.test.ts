// Second tier: runs of the installed program on fleets; schedule/put-off-extras.test.ts has the order.
/** Inventories and states wait until the figures of the whole fleet are read, and come with the next runs. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { startSimulator } from '../../src/simulator/simulator.ts';
import { readKeys, username, writeFolder } from '../../src/simulator/fleet-folder.ts';
import type { FleetPlan } from '../../src/simulator/fleet-plan.ts';
import { holdPort } from '../../src/simulator/loopback-listeners.ts';
import { openSqlite } from '../../src/platform/sqlite.ts';
import { startReportServer } from '../support/fleets/report-server.ts';
import { runBuilt } from '../support/programs/run-cli.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { times } from '../support/times.ts';
import { databaseKinds } from './support/whole-fleet.ts';

const account = { username: 'u', password: 'a secret word' };
const names = times(6, (at) => `web-${at}`);

test('no inventory is asked for before the last figures of a run, by two visits at a time', async (t) => {
  const kinds: string[] = [];
  const server = await startReportServer({
    ...account,
    hello: ({ kind }) => {
      kinds.push(kind);
      return {};
    },
  });
  t.after(() => server.close());
  const [sqlite] = databaseKinds(false);
  const addressOf = (at: number): string => `127.4.0.${at + 1}`;
  const clients = names.map((name, at) => `<client name="${name}" ip="${addressOf(at)}" port="${server.port}"/>`);
  const site = await sqlite?.site(
    t,
    `<ssh username="u" password="${account.password}"/><collector concurrency="2"/>${clients.join('')}`,
  );
  assert.ok(site !== undefined);
  mkdirSync(site.stateDir, { recursive: true, mode: 0o700 });
  const known = names.map((_, at) => server.hostKeyLine(addressOf(at)));
  writeFileSync(path.join(site.stateDir, 'known_hosts'), `${known.join('\n')}\n`);
  const { status, stderr } = await site.run('collect');
  assert.equal(status, 0, stderr);
  assert.deepEqual(kinds, [...names.map(() => 'visit'), ...names.map(() => 'inventory')]);
  const visits = await site.rows('SELECT client FROM visits WHERE ok = 1 ORDER BY client');
  assert.deepEqual(
    visits.map(({ client }) => client),
    names,
  );
});

const everyMs = 30_000;

/** Starts 24 clients whose agents take 2 to 6 s each. Returns functions that collect, eight at a time, and that ask. */
async function startSlowFleet(t: TestContext) {
  const dir = tempFolder(t);
  const held = await holdPort(null);
  t.after(() => held.close());
  const plan: FleetPlan = {
    ...{ clients: 24, profile: 'slow', seed: 7, everyMs, port: held.port, startedAtMs: Date.now() },
  };
  writeFolder(dir, plan);
  const simulator = await startSimulator({ ...readKeys(dir), plan, first: 0, end: 24, username, now: Date.now });
  t.after(() => simulator.close());
  const file = path.join(dir, 'config.xml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('every="30s"', 'every="30s" concurrency="8"'));
  const inDatabase = (sql: string): readonly Readonly<Record<string, unknown>>[] => {
    const database = openSqlite(path.join(dir, 'state', 'fleet.db'));
    try {
      return database.prepare(sql).all();
    } finally {
      database.close();
    }
  };
  return { inDatabase, collect: () => runBuilt(['-c', file, '--json', 'collect']) };
}

test('a slow fleet is read within its interval, and its inventories and states follow', async (t) => {
  const { collect, inDatabase } = await startSlowFleet(t);
  const runs = inDatabase.bind(
    null,
    'SELECT succeeded, outcome, started_at, finished_at FROM runs ORDER BY started_at DESC LIMIT 1',
  );
  const whole = async (): Promise<void> => {
    const { stderr } = await collect();
    const [run] = runs();
    assert.deepEqual([run?.['succeeded'], run?.['outcome']], [24, 'finished'], stderr);
    const [startedAt, finishedAt] = [run?.['started_at'], run?.['finished_at']].map((text) =>
      Date.parse(`${String(text)}Z`),
    );
    const tookMs = Number(finishedAt) - Number(startedAt);
    assert.ok(tookMs < 25_000, `${tookMs} ms`);
  };
  const waiting = (): number =>
    Number(inDatabase("SELECT COUNT(*) AS n FROM clients WHERE state_stamp IS NULL OR state_stamp = 'old'")[0]?.['n']);
  await whole();
  const first = waiting();
  await whole();
  await whole();
  assert.ok(waiting() < first, `${waiting()} of ${first} still wait`);
  // An upgrade of all machines changes every stamp.
  inDatabase("UPDATE clients SET state_stamp = 'old' WHERE state_stamp IS NOT NULL");
  await whole();
  const rows = inDatabase('SELECT client, COUNT(*) AS n FROM stats GROUP BY client HAVING COUNT(*) = 4');
  assert.equal(rows.length, 24);
});
