import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { scrape, valuesOf } from '../../look/metrics/support/exposition.ts';
import { makeInventoriedIn } from '../../support/clients/inventoried.ts';
import { configFolder, exits, runCli } from '../../support/programs/run-cli.ts';
import { isWide } from '../../support/long-tests.ts';
import { reportedFleet, type ReportedFleet } from '../support/reported-fleet.ts';

const metricsOf = async (run: ReportedFleet['run'], ...args: readonly string[]): Promise<string> => {
  const { status, stdout, stderr } = await run('metrics', ...args);
  assert.deepEqual([status, stderr], [0, '']);
  return stdout;
};

test('metrics prints the figures that are wanted', async (t) => {
  const { run } = await reportedFleet(t);
  const scraped = scrape(await metricsOf(run));
  assert.deepEqual(Object.keys(valuesOf(scraped, 'client_up')), ['client=web-1', 'client=db']);
  assert.equal(Object.keys(valuesOf(scraped, 'alert_firing')).length, 1);
  const some = await metricsOf(run, '--families', 'self', '--openmetrics');
  assert.deepEqual(
    [...new Set(scrape(some).map(({ name }) => name))],
    [
      'fleet_health_run_duration_seconds',
      'fleet_health_run_last_finished_timestamp_seconds',
      'fleet_health_visits',
      'fleet_health_mails_undelivered',
      'fleet_health_sealed_waiting_reports',
      'fleet_health_restored_reports',
    ],
  );
  assert.ok(some.endsWith('# EOF\n'));
});

const wrong: readonly (readonly [args: string, says: RegExp])[] = [
  ['metrics --families cpu', /names no families/],
  ['--json metrics', /formats of its own/],
  ['export xml', /is no format/],
  ['export csv --families disk,network', /csv is one table/],
  ['export csv --families alerts', /names no families/],
  ['--json export csv', /needs a file/],
  ['export csv nobody', /nobody/],
];

test('wrong command lines are refused', async (t) => {
  const { run } = await reportedFleet(t);
  for (const [args, says] of isWide ? wrong : wrong.slice(0, 2)) {
    const { status, stderr } = await run(...args.split(' '));
    assert.equal(status, 2, args);
    assert.match(stderr, says);
  }
});

test('before the first run there is nothing to print or export', async (t) => {
  const cwd = configFolder(t, '<config><client ip="192.0.2.1"/></config>');
  for (const args of [['metrics'], ['export', 'csv']]) {
    const { status, stdout, stderr } = await runCli(args, { cwd });
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, /nothing is stored yet/);
  }
});

test('export writes a file or to stdout, and the same bytes for the same end', async (t) => {
  const { dir, run } = await reportedFleet(t);
  const until = `${new Date(Date.now() - 60_000).toISOString().slice(0, 19)}Z`;
  for (const format of isWide ? ['openmetrics', 'csv', 'jsonl'] : ['csv']) {
    const args = ['export', format, '--since', '2d', '--until', until];
    const { status, stdout, stderr } = await run(...args);
    assert.deepEqual([status, stderr], [0, '']);
    const file = path.join(dir, `fleet.${format}`);
    const written = await run('--json', ...args, '-o', file);
    const { command, bytes, clients } = JSON.parse(written.stdout) as Record<string, unknown>;
    assert.deepEqual([command, bytes, clients], ['export', Buffer.byteLength(stdout), 2]);
    assert.equal(readFileSync(file, 'utf8'), stdout);
    assert.equal(statSync(file).mode & 0o777, 0o640);
  }
  const unwritable = await run('export', 'csv', '-o', path.join(dir, 'missing', 'fleet.csv'));
  assert.equal(unwritable.status, 2);
});

/** Makes a fleet whose config.xml has a textfile. Returns the file too. */
async function withTextfile(t: TestContext): Promise<ReportedFleet & { readonly file: string }> {
  const fleet = await reportedFleet(t);
  const config = path.join(fleet.dir, 'config.xml');
  const metrics = '<metrics textfile="exporter/fleet.prom" families="client,self"/>';
  writeFileSync(config, readFileSync(config, 'utf8').replace('<config>', `<config>${metrics}`));
  return { ...fleet, file: path.join(fleet.dir, 'exporter', 'fleet.prom') };
}

test('alert writes the textfile of <metrics> for everybody to read, and leaves nothing beside it', async (t) => {
  const { file, run } = await withTextfile(t);
  mkdirSync(path.dirname(file));
  const left = path.join(path.dirname(file), '.fleet.prom.0123456789abcdef.part');
  writeFileSync(left, 'half');
  utimesSync(left, 1, 1);
  assert.equal((await run('alert')).status, 0);
  assert.deepEqual(readdirSync(path.dirname(file)), ['fleet.prom']);
  assert.equal(statSync(file).mode & 0o777, 0o644);
  const scraped = scrape(readFileSync(file, 'utf8'));
  assert.deepEqual(Object.keys(valuesOf(scraped, 'client_up')), ['client=web-1', 'client=db']);
  assert.ok(scraped.every(({ name }) => !/filesystem|network|alert_firing/.test(name)));
});

test('a textfile that cannot be written is said once an hour, and the run goes well', async (t) => {
  const { run } = await withTextfile(t);
  await exits(0, run('alert'), /exporter\/fleet\.prom cannot be written: .*\(textfile-unwritable\)\./);
  const second = await run('alert');
  assert.deepEqual([second.status, second.stderr], [0, '']);
});

test('collect writes the textfile at the end of a run', async (t) => {
  const cwd = configFolder(
    t,
    '<config><metrics textfile="fleet.prom"/><client name="here" ip="127.0.0.1" transport="local"/></config>',
  );
  chmodSync(cwd, 0o700);
  await makeInventoriedIn(path.join(cwd, 'state'), 'here');
  const { status, stderr } = await runCli(['collect'], { cwd, env: { HOME: cwd } });
  assert.equal(status, 0, stderr);
  const scraped = scrape(readFileSync(path.join(cwd, 'fleet.prom'), 'utf8'));
  assert.deepEqual(valuesOf(scraped, 'client_up'), { 'client=here': 1 });
  assert.deepEqual(valuesOf(scraped, 'visits'), { 'result=succeeded': 1, 'result=failed': 0, 'result=skipped': 0 });
  assert.ok(Object.keys(valuesOf(scraped, 'filesystem_used_ratio')).length > 0);
});
