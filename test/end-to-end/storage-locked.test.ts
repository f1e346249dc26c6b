// Second tier: waits for locks of SQLite.
/** An SQLite file that another process has locked, as a user of the built programs meets it. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { openSqlite, type SqliteDatabase } from '../../src/platform/sqlite.ts';
import { openSite, type Machine } from '../support/report-site.ts';
import type { CliResult } from '../support/run-cli.ts';
import { namesBelow } from '../support/names-below.ts';

const skip = process.env['FLEET_HEALTH_LONG_TESTS'] === '1' ? false : 'set FLEET_HEALTH_LONG_TESTS=1';
const clients = 2;
/** Short deadlines. Before its visits a run waits an eighth of its deadline for the database, but at least 10 s. */
const hurried = '<collector runDeadline="12s" clientDeadline="11s" agentTimeout="9s" connectTimeout="9s"/>';

interface Station {
  readonly machine: Machine;
  /** Called when a client is visited, before the client answers. */
  onVisit: () => Promise<void>;
  /** Returns another connection, which is in a transaction until it is closed. */
  somebody(what: 'writes' | 'reads'): SqliteDatabase;
  waiting(): number;
  /** Checks that each report so far is stored once, that no client is blamed, and that nothing waits. */
  check(runs: number): void;
}

async function openStation(t: TestContext, elements: string): Promise<Station> {
  const site = await openSite({
    clients,
    elements: `<alerts defaults="no"/>${elements}`,
    mayAnswer: () => station.onVisit(),
  });
  t.after(() => site.close());
  const machine = site.machine('mon');
  const file = path.join(machine.dir, 'state', 'fleet.db');
  const state = path.join(machine.dir, 'state');
  const waiting = (): number => namesBelow(state, '.fhs').length + namesBelow(state, '.jsonl').length;
  const station: Station = {
    machine,
    onVisit: () => Promise.resolve(),
    somebody: (what) => {
      const database = openSqlite(file);
      database.exec(what === 'writes' ? 'BEGIN IMMEDIATE' : 'BEGIN');
      if (what === 'reads') database.prepare('SELECT COUNT(*) FROM stats').get();
      return database;
    },
    waiting,
    check: (runs) => {
      const database = openSqlite(file);
      const row = database.prepare(countsSql).get();
      database.close();
      const all = runs * clients;
      assert.deepEqual({ ...row }, { stats: all, ids: all, visits: all, runs, failures: 0, alerts: 0 });
      assert.equal(waiting(), 0);
    },
  };
  const first = await machine.run(['collect']);
  assert.equal(first.status, 0, first.stderr);
  return station;
}

const countsSql = `SELECT (SELECT COUNT(*) FROM stats) AS stats, (SELECT COUNT(DISTINCT report_id) FROM stats) AS ids,
  (SELECT COUNT(*) FROM visits WHERE ok = 1) AS visits,
  (SELECT COUNT(*) FROM runs WHERE program = 'collect' AND outcome = 'finished') AS runs,
  (SELECT SUM(consecutive_failures) FROM clients) AS failures,
  (SELECT COUNT(*) FROM alerts WHERE rule IN ('unreachable', 'no-report', 'collector-silent')) AS alerts`;

function went({ status, stderr, stdout }: CliResult): void {
  assert.deepEqual([status, stderr], [0, ''], stdout);
}

function lacked({ status, stderr }: CliResult): void {
  assert.deepEqual([status, /locked by another|too slow for this run/.test(stderr)], [3, true], stderr);
}

test('an SQLite file that somebody else is at', { timeout: 120_000 }, async (t) => {
  const station = await openStation(t, hurried);
  const { machine } = station;

  await t.test('a reader hinders nobody', async () => {
    const reader = station.somebody('reads');
    went(await machine.run(['collect']));
    went(await machine.run(['alert']));
    reader.close();
    station.check(2);
  });

  await t.test('a writer is waited for, in the middle of a run too', async () => {
    let writer = station.somebody('writes');
    const [collecting, alerting] = [machine.run(['collect']), machine.run(['alert'])];
    await sleep(1500);
    writer.close();
    went(await collecting);
    went(await alerting);
    let isHeld = false;
    station.onVisit = async () => {
      if (isHeld) return;
      isHeld = true;
      writer = station.somebody('writes');
      await Promise.resolve();
      setTimeout(() => writer.close(), 1500);
    };
    went(await machine.run(['collect']));
    assert.ok(isHeld);
    station.check(4);
  });

  await t.test('one that never lets go: the run goes on without it, and the next one stores all', async () => {
    const writer = station.somebody('writes');
    lacked(await machine.run(['collect']));
    assert.equal(station.waiting(), clients + 1);
    writer.close();
    went(await machine.run(['collect']));
    station.check(6);
  });
});

test('locked for a minute, at first and in the middle of a run', { skip, timeout: 300_000 }, async (t) => {
  const station = await openStation(t, '');
  const { machine } = station;
  const minute = async (writer: SqliteDatabase): Promise<void> => {
    await sleep(60_000);
    writer.close();
  };
  const [before, alerting] = [machine.run(['-q', 'collect']), minute(station.somebody('writes'))];
  // The alerter gives up after half a minute, and leaves the notification to the first one.
  assert.equal((await machine.run(['-q', 'alert'])).status, 3);
  assert.equal((await before).status, 3);
  await alerting;

  const held: Promise<void>[] = [];
  station.onVisit = () => {
    if (held.length === 0) held.push(minute(station.somebody('writes')));
    return Promise.resolve();
  };
  assert.equal((await machine.run(['-q', 'collect'])).status, 3);
  await Promise.all(held);
  went(await machine.run(['-q', 'collect']));
  station.check(4);
});
