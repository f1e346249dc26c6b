// Second tier: whole reports of the built program.
import assert from 'node:assert/strict';
import { chownSync, lchownSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { item } from '../../storage/support/samples.ts';
import { configFolder, runCli } from '../../support/programs/run-cli.ts';
import { alertFolder, firing } from '../support/stored-alerts.ts';
import { reportedConfig, reportedFleet } from '../support/reported-fleet.ts';

/** Returns the time of a minute ago, in the format of --until. */
function minuteAgo(): string {
  return `${new Date(Date.now() - 60_000).toISOString().slice(0, 19)}Z`;
}

test('report writes one file that only its owner and group read, and says where', async (t) => {
  const { dir, run } = await reportedFleet(t);
  const { status, stdout, stderr } = await run('report', '-o', 'fleet.html', '--since', '2d');
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /fleet\.html: 2 clients, [\d.]+ KiB\. Open it in a browser\.\n$/);
  const file = path.join(dir, 'fleet.html');
  const umask = Number.parseInt(process.env['FLEET_HEALTH_TEST_UMASK'] ?? '022', 8);
  assert.equal(statSync(file).mode & 0o777, 0o640 & ~umask);
  const html = readFileSync(file, 'utf8');
  assert.ok(html.indexOf('<tr id="web-1" class="critical"') < html.indexOf('<tr id="db"'), 'the worst first');
  assert.match(html, /<b>disk \/var<\/b>/);
  // The collector ran for the first time an hour ago, and has not run since.
  assert.match(html, /No run of the collector: [^;]*\.<\/p>/);
  assert.equal(html.match(/<script type="text\/plain" class="history"/g)?.length, 2);
});

test('into a pipe go the bytes, and the same database, clients and end give the same', async (t) => {
  const { run } = await reportedFleet(t);
  const until = minuteAgo();
  const [one, other] = [await run('report', '--until', until), await run('report', '--until', until)];
  assert.match(one.stdout, /^<!DOCTYPE html>/);
  assert.equal(one.stdout, other.stdout);
});

test('of a group only its clients and their alerts are shown', async (t) => {
  const { dir, run } = await reportedFleet(t);
  const { stdout } = await run('--json', 'report', '--group', 'web', '-o', 'web.html', '--until', minuteAgo());
  const { file, bytes, clients, open_alerts: alerts, omissions } = JSON.parse(stdout) as Record<string, unknown>;
  assert.deepEqual([clients, alerts, omissions], [1, 1, []]);
  assert.equal(file, path.join(dir, 'web.html'));
  assert.equal(bytes, statSync(path.join(dir, 'web.html')).size);
  assert.doesNotMatch(readFileSync(path.join(dir, 'web.html'), 'utf8'), /<tr id="db"/);
});

test('a report says who serves in a group, and why a critical alert of it is told as a warning', async (t) => {
  const config = `<config><alerts mail="ops@example.org"/>
    <group name="web" need="2"><client name="web-[1-3]" ip="192.0.2.[1-3]" username="u"/></group></config>`;
  const lost = firing({ client: 'web-1', rule: 'unreachable', subject: '', severity: 'critical' });
  const folder = await alertFolder(t, { config, alerts: [lost] });
  const reported = (client: string) => item({ client, observedAtMs: Date.now() - 60_000 });
  await folder.store(({ reports }) => reports.ingest(['web-1', 'web-2', 'web-3'].map(reported)));
  const html = await folder.said('report');
  assert.match(html, /<p>Groups: web 2\/3, 2 needed<\/p>/);
  assert.match(html, /critical, but 2 of 3 of web serve and 2 are needed/);
  // Nothing is known of the past, and a group is shown as a whole.
  assert.doesNotMatch(await folder.said('report', '--until', minuteAgo()), /Groups:|but 2 of 3/);
  const part = await folder.said('report', 'web-1', 'web-2');
  assert.doesNotMatch(part, /Groups:/);
  assert.match(part, /critical, but 2 of 3 of web serve and 2 are needed/);
});

test('a file that would be too large leaves plots out, the least needed first, and says so', async (t) => {
  const { dir, run } = await reportedFleet(t);
  const { stdout } = await run('report', '-o', 'small.html', '--max-size', '90KiB');
  assert.match(stdout, /Plots were left out to keep the file small/);
  assert.doesNotMatch(readFileSync(path.join(dir, 'small.html'), 'utf8'), /class="history"/);
});

test('--split writes a report for each group, and an index that counts and links them', async (t) => {
  const { dir, run } = await reportedFleet(t);
  const { stdout } = await run('--json', 'report', '--split', 'out', '--until', minuteAgo());
  const { file, files } = JSON.parse(stdout) as { file: string; files: readonly Record<string, unknown>[] };
  assert.equal(file, path.join(dir, 'out', 'index.html'));
  assert.deepEqual(
    files.map(({ group, file: name, clients, open_alerts: alerts }) => [group, name, clients, alerts]),
    [
      ['web', path.join(dir, 'out', 'group-web.html'), 1, 1],
      [null, path.join(dir, 'out', 'no-group.html'), 1, 0],
    ],
  );
  const index = readFileSync(file, 'utf8');
  assert.ok(index.indexOf('<a href="group-web.html">web</a>') < index.indexOf('<a href="no-group.html">'));
  assert.match(index, /<b>1<\/b> critical/);
  const web = readFileSync(path.join(dir, 'out', 'group-web.html'), 'utf8');
  assert.match(web, /<tr id="web-1"/);
  assert.doesNotMatch(web, /<tr id="db"/);
});

test('--split writes into no folder of another account', { skip: process.getuid?.() !== 0 }, async (t) => {
  const { dir, run } = await reportedFleet(t);
  for (const name of ['theirs', 'own']) mkdirSync(path.join(dir, name));
  chownSync(path.join(dir, 'theirs'), 12_345, 12_345);
  symlinkSync('theirs', path.join(dir, 'to-theirs'));
  symlinkSync('own', path.join(dir, 'their-link'));
  lchownSync(path.join(dir, 'their-link'), 12_345, 12_345);
  for (const name of ['theirs', 'to-theirs', 'their-link', 'theirs/', 'own/../theirs']) {
    const { status, stderr } = await run('report', '--split', name);
    assert.equal(status, 2, name);
    assert.match(stderr, /belongs to another account \(uid 12345\), which could read the reports/);
  }
  assert.deepEqual([...readdirSync(path.join(dir, 'theirs')), ...readdirSync(path.join(dir, 'own'))], []);
});

for (const [name, args, expected] of [
  ['two places to write to', ['report', '--split', 'x', '-o', 'y'], /--output and --split contradict each other/],
  ['an unknown client', ['report', 'web-2'], /there is no client "web-2".*web-1/],
  ['a size that is none', ['report', '--max-size', 'big'], /--max-size "big" is no size \(usage\)\. Write 8MiB/],
  ['an end that is still to come', ['report', '--until', 'tomorrow'], /--until "tomorrow" has not passed yet/],
] as const) {
  test(`one line says what is wrong with ${name}`, async (t) => {
    const { status, stdout, stderr } = await (await reportedFleet(t)).run(...args);
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, expected);
  });
}

test('before the first run there is nothing to report', async (t) => {
  const { status, stderr } = await runCli(['report'], { cwd: configFolder(t, reportedConfig) });
  assert.equal(status, 2);
  assert.match(stderr, /nothing is stored yet.*Run `fleet-health collect` first/);
});
