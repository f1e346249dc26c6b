import assert from 'node:assert/strict';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { takeLock } from '../../../src/state-folder/lock.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { configFolder, exits, runCli } from '../../support/programs/run-cli.ts';
import { item, runEnd, runStart, visit } from '../../storage/support/samples.ts';
import { sqliteConfig } from '../../storage/support/sqlite-config.ts';

const hourMs = 3_600_000;
const config = `<config><retention raw="2h" detail="1h" visits="2h" hourly="1y"/>
  <client name="here" ip="127.0.0.1" transport="local"/></config>`;

const none = { stats: 0, reports: 0, visits: 0, runs: 0, hourly: 0, daily: 0 };

test('prune says what would go, rolls it up and removes it, and then there is nothing', async (t) => {
  const dir = configFolder(t, config);
  const prune = async (
    ...args: string[]
  ): Promise<{ status: number | null; json: Readonly<Record<string, unknown>> }> => {
    const { status, stdout, stderr } = await runCli(['--json', 'prune', ...args], { cwd: dir });
    assert.equal(stderr, '');
    return { status, json: JSON.parse(stdout) as Readonly<Record<string, unknown>> };
  };
  assert.deepEqual(await prune('--dry-run'), { status: 0, json: { command: 'prune', dry_run: true, ...none } });
  const file = path.join(dir, 'state', 'fleet.db');
  assert.equal(existsSync(file), false, 'a dry run makes nothing');

  const storage = await openStorage({ storage: sqliteConfig(file), migrate: true, program: 'collect' });
  const at = (hours: number): number => Date.now() - hours * hourMs;
  await storage.reports.ingest([9, 8, 7, 0].map((hours) => item({ observedAtMs: at(hours), receivedAtMs: at(hours) })));
  await storage.reports.saveVisits([visit({ startedAtMs: at(9) })]);
  const due = { ...none, stats: 3, reports: 3, visits: 1 };
  assert.deepEqual((await prune('--dry-run')).json, { command: 'prune', dry_run: true, ...due });
  assert.match(
    (await runCli(['prune', '--dry-run'], { cwd: dir })).stdout,
    /3 rows of stats .*, 3 whole reports, 1 visits/,
  );

  const { status, json } = await prune();
  const { freed_bytes, ...said } = json;
  assert.deepEqual([status, said], [0, { command: 'prune', outcome: 'finished', ...due, vacuumed: false }]);
  assert.equal(typeof freed_bytes, 'number');
  const [row] = await storage.history.query(
    'SELECT (SELECT COUNT(*) FROM stats) AS raw_rows, (SELECT SUM(samples) FROM stats_hourly) AS rolled_up',
  );
  assert.deepEqual({ ...row }, { raw_rows: 1, rolled_up: 3 });
  await storage.close();
  assert.match(
    (await runCli(['prune'], { cwd: dir })).stdout,
    /^Nothing was old enough to go\.\nThe file has .*iB\.\n$/,
  );
  assert.equal((await runCli(['-q', 'prune'], { cwd: dir })).stdout, '');
  const anew = await prune('--vacuum');
  assert.equal(anew.json['vacuumed'], true);
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('a second prune beside one that is at work ends at once, and --vacuum is refused for a server', async (t) => {
  const dir = configFolder(t, config);
  assert.equal((await runCli(['prune'], { cwd: dir })).status, 0);
  const lock = await takeLock({ file: path.join(dir, 'state', 'prune-lock.db'), nowMs: Date.now() });
  if (lock.kind !== 'held') throw new Error('not free');
  try {
    const second = await runCli(['prune'], { cwd: dir });
    assert.deepEqual([second.status, second.stderr], [0, '']);
    assert.match(
      second.stdout,
      new RegExp(`^Another prune is running already \\(process ${process.pid}, since [\\d.]+s\\)\\.\n$`),
    );
  } finally {
    lock.release();
  }
  const server = configFolder(t, config.replace('<config>', '<config><storage url="mysql://fleet@db/fleet"/>'));
  await exits(2, runCli(['prune', '--vacuum'], { cwd: server }), /--vacuum is for SQLite.*OPTIMIZE TABLE/);
});

test('prune says from which time it counts while the runs confirm no later one', async (t) => {
  const dir = configFolder(t, config);
  const file = path.join(dir, 'state', 'fleet.db');
  mkdirSync(path.dirname(file), { mode: 0o700 });
  const storage = await openStorage({ storage: sqliteConfig(file), migrate: true, program: 'collect' });
  const longAgoMs = Date.now() - 400 * 24 * hourMs;
  for (const startedAtMs of [longAgoMs - hourMs, longAgoMs]) {
    const start = runStart({ startedAtMs });
    await storage.reports.endRun(start, runEnd(start));
  }
  await storage.reports.ingest([item({ observedAtMs: longAgoMs, receivedAtMs: longAgoMs })]);
  await storage.close();
  const counts = /^What is old counts from \d{4}-\d\d-\d\d \d\d:\d\d \(400d ago\): runs have confirmed no later time/m;
  for (const args of [[], ['--dry-run']]) assert.match((await runCli(['prune', ...args], { cwd: dir })).stdout, counts);
});
