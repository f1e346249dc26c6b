import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import type { IngestItem } from '../../../src/storage/store/storage.ts';
import { item, worker } from '../../storage/support/samples.ts';
import { configFolder, runCli } from '../../support/programs/run-cli.ts';
import { times } from '../../support/times.ts';
import { type AlertFolder, alertFolder } from '../support/stored-alerts.ts';

const config =
  '<config><group name="web"><client name="web-1" ip="192.0.2.1"/></group><client name="db" ip="192.0.2.2"/>' +
  '<client name="away" ip="192.0.2.3" state="retired"/></config>';
const dayMs = 86_400_000;
const gib = 2 ** 30;
const history = 125;

/** Returns a report of a client with one mount, taken `ago` days before today. */
function report(client: string, ago: number, mount: string, usedGib: number, inodes = 1): IngestItem {
  const size = { size_bytes: 1000 * gib, used_bytes: usedGib * gib, available_bytes: (1000 - usedGib) * gib };
  const disk = { mount, fstype: 'ext4', scope: 'local', mode: 'rw', ...size, inodes_percent: inodes };
  return item({ client, observedAtMs: Date.now() - ago * dayMs, workers: [worker('disk', disk)] });
}

/** Makes a folder with four months of levels: `web-1` grows, `db` was full 20 days ago and its inodes grow. */
async function forecastFolder(t: TestContext): Promise<AlertFolder> {
  const folder = await alertFolder(t, { config });
  await folder.store(async ({ reports }) => {
    for (const client of ['web-1', 'db', 'away', 'left']) {
      const day = (ago: number): IngestItem => {
        if (client !== 'db') return report(client, ago, '/data\u001b[31m', Math.max(10, 900 - 10 * ago));
        const used = ago < 16 ? 300 : Math.min(999, Math.max(100, 950 - 10 * (ago - 20)));
        return report(client, ago, '/', used, Math.max(5, 80 - ago));
      };
      await reports.ingest(times(history, day));
    }
  });
  return folder;
}

test('forecast prints what will be full, the nearest first, and escapes what a client says', async (t) => {
  const { said } = await forecastFolder(t);
  const stdout = await said('forecast');
  assert.match(stdout, /^client +mount +full in +about +range +grows a day +since\n/);
  assert.match(stdout, /^web-1 +\/data\\u\{1b\}\[31m +10d +\d{4}-\d\d-\d\d +10d to 10d +10 GiB +\d{4}-\d\d-\d\d$/m);
  assert.match(stdout, /^db +\/ \(inodes\) +20d .* 1 % +\d{4}/m);
  assert.ok(stdout.indexOf('web-1') < stdout.indexOf('db'));
  assert.match(stdout, /^2 of 2 file systems will be full within 30d if they grow as they do\.$/m);
  assert.doesNotMatch(stdout, /away|left/);
  assert.equal(await said('forecast', '--within', '9d'), 'None of 2 file systems is foreseen to be full within 9d.\n');
  assert.match(await said('forecast', '--group', 'web'), /^1 of 1 file system will be full/m);
  assert.match(await said('forecast', 'd*'), /^1 of 1 file system will/m);
});

test('forecast --json has the figures', async (t) => {
  const { json } = await forecastFolder(t);
  const document = await json('forecast');
  const [web, db] = document['forecasts'] as readonly Record<string, unknown>[];
  assert.deepEqual(document, { command: 'forecast', within_days: 30, forecasts: [web, db] });
  const { since, ...figures } = web ?? {};
  assert.match(String(since), /^\d{4}-\d\d-\d\dT00:00:00\.000Z$/);
  assert.deepEqual(figures, {
    client: 'web-1',
    mount: '/data\u001b[31m',
    resource: 'space',
    days_left: 10,
    days_low: 10,
    days_high: 10,
    bytes_per_day: 10 * gib,
    percent_per_day: null,
  });
  assert.deepEqual(
    [db?.['resource'], db?.['days_left'], db?.['bytes_per_day'], db?.['percent_per_day']],
    ['inodes', 20, null, 1],
  );
});

test('forecast --backtest counts how forecasts of the past turned out', async (t) => {
  const { said, json } = await forecastFolder(t);
  const { backtest } = (await json('forecast', 'db', '--backtest', '90d')) as { backtest: Record<string, number> };
  // 25 days before the mount was full, and ten days of forecasts of inodes, whose outcome is still open.
  assert.deepEqual(backtest, {
    ...{ days: 90, within_days: 30, spoke: 35, right: 25, wrong: 0, late: 0, open: 10, missed: 0 },
  });
  const words = await said('forecast', 'db', '--backtest', '90d');
  assert.match(words, /^In 90 days there were 35 forecasts of "full within 30d"/);
  assert.match(words, /^ {2}right {2}25 \(100 % of those that are known\)$/m);
});

test('show says below each mount of a client when it will be full', async (t) => {
  const { said, json } = await forecastFolder(t);
  const stdout = await said('show', 'web-1');
  const sentence =
    /^ {4}\/data\\u\{1b\}\[31m will be full in about 10d \(10d to 10d\): it grows 10 GiB a day since \d{4}-\d\d-\d\d\.$/m;
  assert.match(stdout, sentence);
  const { forecasts } = await json('forecast', 'web-1');
  assert.deepEqual((await json('show', 'web-1'))['forecasts'], forecasts);
  assert.match(await said('show', 'db'), /^ {4}\/ \(inodes\) will be full in about 20d/m);
});

test('before the first run nothing is foreseen', async (t) => {
  const cwd = configFolder(t, config);
  const { status, stdout, stderr } = await runCli(['forecast'], { cwd });
  assert.deepEqual([status, stdout, stderr], [0, 'None of 0 file systems is foreseen to be full within 30d.\n', '']);
  assert.match((await runCli(['forecast', '--backtest', '30d'], { cwd })).stdout, /^In 30 days there were 0 forecasts/);
});

for (const [args, says] of [
  ['--within 91d', /--within "91d" is beyond 90 days \(usage\)\. Write 90d or less/],
  ['--within soon', /--within "soon" is no duration/],
  ['--backtest 36h', /--backtest takes whole days \(usage\)\. Write 90d/],
  ['--backtest 1y', /is beyond 90 days/],
  ['nobody', /nobody/],
] as const) {
  test(`\`forecast ${args}\` is refused in one line`, async (t) => {
    const cwd = configFolder(t, config);
    const { status, stdout, stderr } = await runCli(['forecast', ...args.split(' ')], { cwd });
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, says);
  });
}
