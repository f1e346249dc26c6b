/** `spool`: the line as cron reads it, the scripts that install and remove it, and the clients that are refused. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { cronSchedule, schedulablePause } from '../../../src/cli/command/cron-schedule.ts';
import { openSqlite } from '../../../src/platform/sqlite.ts';
import {
  putSpoolLineScript,
  removeSpoolLineScript,
  spoolComment,
  spoolLine,
} from '../../../src/transport/loader/spool-line.ts';
import { configFolder, runCli } from '../../support/programs/run-cli.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const minute = 60_000;

for (const [everyMs, schedule] of [
  [minute, /^\* \* \* \* \*$/],
  [2 * minute, /^1-59\/2 \* \* \* \*$/],
  [5 * minute, /^[1-4]-59\/5 \* \* \* \*$/],
  [30 * minute, /^([1-9]|1\d|2\d)-59\/30 \* \* \* \*$/],
  [60 * minute, /^([1-9]|[1-5]\d) \* \* \* \*$/],
  [360 * minute, /^([1-9]|[1-5]\d) [0-5]-23\/6 \* \* \*$/],
  [1440 * minute, /^([1-9]|[1-5]\d) (\d|1\d|2[0-3]) \* \* \*$/],
] as const) {
  test(`every ${everyMs / minute} minutes`, () => {
    const schedules = new Set(Array.from({ length: 300 }, (_, n) => cronSchedule(everyMs, `web-${n}`)));
    for (const one of schedules) assert.match(one, schedule);
    assert.equal(schedules.size > 1, everyMs > 2 * minute, 'clients do not all begin at once');
  });
}

test('a pause that a crontab cannot say is refused, and the default is the next longer one', () => {
  assert.throws(() => cronSchedule(7 * minute, 'web-1'), /a crontab cannot say "every 7m"/);
  assert.deepEqual([30_000, minute, 5 * minute, 7 * minute, 90 * minute, 30 * 3_600_000].map(schedulablePause), [
    minute,
    minute,
    5 * minute,
    10 * minute,
    120 * minute,
    1440 * minute,
  ]);
});

test('the line is one that every cron and every shell hands on', () => {
  const line = spoolLine({
    collectorId: 'f'.repeat(36),
    folder: 'f'.repeat(32),
    schedule: '59 23-23/12 * * *',
    pauseSeconds: 999_999,
  });
  // Debian's crontab(5) truncates a command after 998 characters; a % would be a line break.
  assert.ok(line.length < 998, String(line.length));
  assert.match(line, /^[ "#-$&-[\]-~]*$/);
  assert.match(line, /^\S+ \S+ \S+ \S+ \S+ \/bin\/sh -c '[^']+' fh-spool [\w-]+ \w+ \d+ >\/dev\/null 2>&1$/);
  assert.match(
    spoolComment({ collectorId: 'c', folder: 'f' }, 'web%1\n* * * * * x\u001b'),
    /^# fh-spool c f [ -$&-~]*$/,
  );
});

/** Makes a crontab(1) that stores one file, as for an account. `said`: its message if the file is missing. */
function crontab(
  t: TestContext,
  said: string,
): { file: string; run: (script: string) => ReturnType<typeof spawnSync> } {
  const dir = tempFolder(t);
  const file = path.join(dir, 'file');
  const program = `#!/bin/sh
case $1 in
-l) if [ -f ${file} ]; then cat ${file}; else echo '${said}' >&2; exit 1; fi ;;
-) cat >${file}.new; mv ${file}.new ${file} ;;
esac
`;
  writeFileSync(path.join(dir, 'crontab'), program, { mode: 0o755 });
  const run = (script: string): ReturnType<typeof spawnSync> =>
    spawnSync('/bin/sh', { input: script, encoding: 'utf8', env: { HOME: dir, PATH: `${dir}:/usr/bin:/bin` } });
  return { file, run };
}

const name = { collectorId: '61d73732-ba19-4079-8895-a8b5c9f82bca', folder: 'a'.repeat(32) };
const options = { ...name, schedule: '3-59/5 * * * *', pauseSeconds: 450 };
const ours = `${spoolComment(name, 'web-1')}\n${spoolLine(options)}\n`;
const theirs = "MAILTO=x\n# a comment\n*/5 * * * * echo '100\\%'\n";

test('the script puts the line in once, whatever else the crontab has, and the other takes it out alone', (t) => {
  const { file, run } = crontab(t, 'no crontab for x');
  for (const [before, after] of [
    [null, ours],
    ['', ours],
    [theirs, theirs + ours],
    [theirs + ours, theirs + ours],
    [ours.replace('3-59/5', '* ') + theirs, theirs + ours],
  ] as const) {
    if (before === null) rmSync(file, { force: true });
    else writeFileSync(file, before);
    const { status, stderr } = run(putSpoolLineScript(options, 'web-1'));
    assert.deepEqual([status, stderr], [0, '']);
    assert.equal(readFileSync(file, 'utf8'), after);
  }
  const other = ours.replaceAll(name.folder, 'b'.repeat(32));
  writeFileSync(file, theirs + ours + other);
  const place = path.join(path.dirname(file), '.local/state/fleet-health/machine', name.collectorId);
  for (const folder of [name.folder, 'b'.repeat(32)]) {
    mkdirSync(path.join(place, folder), { recursive: true });
    writeFileSync(path.join(place, folder, 'spool.sh'), '');
  }
  for (const says of ['the line is out of the crontab', 'the crontab has no such line']) {
    const { status, stdout, stderr } = run(removeSpoolLineScript(name));
    assert.deepEqual([status, stderr, stdout], [0, '', `fleet-health: ${says}\n`]);
    assert.equal(readFileSync(file, 'utf8'), theirs + other);
  }
  assert.equal(existsSync(path.join(place, name.folder, 'spool.sh')), false);
  assert.equal(existsSync(path.join(place, 'b'.repeat(32), 'spool.sh')), true);
});

test('a crontab that cannot be read is not replaced', (t) => {
  const { file, run } = crontab(t, 'You (x) are not allowed to use this program');
  for (const script of [putSpoolLineScript(options, 'web-1'), removeSpoolLineScript(name)]) {
    const { status, stderr } = run(script);
    assert.deepEqual([status, stderr], [1, 'fleet-health: crontab -l: You (x) are not allowed to use this program\n']);
    assert.equal(existsSync(file), false);
  }
});

test('what is printed: the line to paste, what it costs, how it is put in; the same as an object', async (t) => {
  const cwd = configFolder(
    t,
    `<config><collector every="5m"/><ssh username="monitor"/>
      <client name="web-1" ip="192.0.2.7" port="2222"/><client name="lab" ip="192.0.2.8" state="retired"/></config>`,
  );
  const text = await runCli(['spool', 'web-1', '--every', '10m'], { cwd });
  assert.deepEqual([text.status, text.stderr], [0, '']);
  assert.match(text.stdout, /every 10m, unless the collector came in the last 7m30s/);
  assert.match(text.stdout, /about 0\.6 MB a day/);
  assert.match(text.stdout, /spool web-1 --every 10m --script \| ssh -p 2222 monitor@192\.0\.2\.7 sh\n# fh-spool /);
  const lines = text.stdout.trimEnd().split('\n');
  assert.deepEqual(lines.filter((line) => !line.startsWith('#')).length, 1, 'the rest is comment to cron');
  const { stdout } = await runCli(['--json', 'spool', 'web-1', '--every', '10m'], { cwd });
  const { line, ...rest } = JSON.parse(stdout) as { line: string; collector: string };
  assert.equal(line, lines.at(-1));
  assert.deepEqual(rest, {
    command: 'spool',
    client: 'web-1',
    collector: readFileSync(path.join(cwd, 'state/collector-id'), 'utf8').trim(),
    every_s: 600,
    not_within_s: 450,
    reports_a_day: 144,
    bytes_a_day: 144 * 4096,
  });
});

test('refused: the shell agent, clients that nobody visits, pauses no crontab can say', async (t) => {
  const cwd = configFolder(
    t,
    `<config><client name="web-1" ip="192.0.2.7"/><client name="old" ip="192.0.2.8" state="retired"/>
      <client name="laptop" transport="push"/><client name="hub" transport="http" url="http://192.0.2.9:5000/"/></config>`,
  );
  assert.equal((await runCli(['migrate'], { cwd })).status, 0);
  const database = openSqlite(path.join(cwd, 'state/fleet.db'));
  database.exec(`INSERT INTO clients (name, address, first_seen, consecutive_failures, reader)
    VALUES ('web-1', '192.0.2.7', '2026-01-01 00:00:00.000', 0, 'shell')`);
  database.close();
  for (const [args, says] of [
    [
      'web-1',
      /web-1 is read by the shell agent, which cannot seal, so no report may be kept there \(usage\)\. Install/,
    ],
    ['web-1 --script', /web-1 is read by the shell agent/],
    ['old', /old is retired, so nobody brings its reports home \(usage\)/],
    ['laptop', /laptop pushes its reports: the crontab line is for clients that are visited \(usage\)\. Its fleet-/],
    ['hub --script', /hub is asked over HTTP: the crontab line is for clients that are visited \(usage\)/],
    ['web-2', /web-2/],
    ['web-1 --every 7m', /a crontab cannot say "every 7m" \(usage\)\. Take one of 1m, 2m, /],
    ['web-1 --every often', /--every "often" is no duration/],
    ['web-1 --every 0s', /--every "0s" is no duration/],
    ['web-1 --remove --script', /cannot be used with/],
  ] as const) {
    const { status, stdout, stderr } = await runCli(['spool', ...args.split(' ')], { cwd });
    assert.deepEqual([status, stdout], [2, ''], args);
    assert.match(stderr, says);
    assert.equal(stderr.trimEnd().split('\n').length, 1);
  }
  const removing = await runCli(['spool', 'web-1', '--remove'], { cwd });
  assert.equal(removing.status, 0, 'what should not be there can be taken out');
  assert.match(removing.stdout, /^#!\/bin\/sh\n/);
});
