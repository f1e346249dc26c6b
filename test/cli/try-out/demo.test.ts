// Second tier: runs the whole demo, on each Node
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { loadConfig } from '../../../src/config/load-config.ts';
import { exits, outcomeOf, runCli, startCli, type CliResult } from '../../support/programs/run-cli.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { assertWithin } from '../../support/within.ts';

interface Line {
  readonly client: string;
  readonly state: string;
  readonly at_limit: { readonly disk: string | null };
}

async function statusIn(dir: string, env: Readonly<Record<string, string>>): Promise<Map<string, Line>> {
  const { stdout } = await runCli(['--json', 'status'], { cwd: dir, env });
  const { clients } = JSON.parse(stdout) as { clients: Line[] };
  return new Map(clients.map((line) => [line.client, line]));
}

/** Asserts that the demo shows each step of a fleet: host keys, visits, faults, rows, mails and their end. */
function assertStory(stdout: string): void {
  for (const shown of [
    'trust --yes',
    'SHA256:',
    '3 of 4 clients answered',
    'connect-refused',
    'db-1: disk /',
    'cache-1: unreachable',
    'Resolved: cache-1 unreachable',
  ]) {
    assert.ok(stdout.includes(shown), shown);
  }
  // Reports of the state come with a change of this machine.
  assert.match(stdout, /4 of 4 clients answered, \d+ reports stored/);
  assert.equal(stdout.split('SELECT').length - 1, 3);
  // The demo sends one mail for both faults and one mail for the end of a fault, and no mail in between.
  assert.equal(stdout.match(/ 1 mail due, 1 written to files /g)?.length, 2);
  assert.equal(stdout.match(/ 0 mails due, 0 sent /g)?.length, 1);
  const files = [...stdout.matchAll(/^written for you@example\.org: (.*\.eml)$/gm)].map(([, file = '']) => file);
  const subjects = files.map((file) => /^Subject: (.*?):/m.exec(readFileSync(file, 'utf8'))?.[1]);
  assert.deepEqual(subjects, ['Already true', 'Resolved']);
}

/** Asserts that the demo ends with where the fleet can be looked at: a page, and a server of config.xml. */
function assertPageAndServer(stdout: string, dir: string): void {
  const report = pathToFileURL(path.join(dir, 'report.html')).href;
  assert.match(readFileSync(fileURLToPath(report), 'utf8'), /<tr id="web-1"/);
  const [, notified = '', shown = ''] = /(?:^|\n)(To look at the fleet[^\0]*?):\n\n {2}(.*)\n$/.exec(stdout) ?? [];
  assert.ok(notified.includes(`open ${report} in a browser`), stdout);
  assert.match(shown, /^(?:node .*|fleet-health) serve$/);
  const { serve } = loadConfig({ file: path.join(dir, 'config.xml') });
  assert.equal(serve?.look, true);
  assert.ok(notified.includes(`http://localhost:${serve.port}/ `), notified);
}

test('the demo shows a whole fleet, can be played on with, and works a second time', async (t) => {
  const place = tempFolder(t);
  const dir = path.join(place, 'a demo');
  const env = { HOME: place };
  const started = performance.now();
  const first = await runCli(['demo', '--dir', 'a demo'], { cwd: place, env });
  assert.deepEqual([first.status, first.stderr], [0, ''], first.stdout);
  assertWithin(started, 60_000);
  assertStory(first.stdout);
  assert.ok(first.stdout.includes("cd 'a demo'"), 'a folder with a blank in its name has to be quoted');
  assertPageAndServer(first.stdout, dir);
  assert.equal(statSync(path.join(dir, 'demo.password')).mode & 0o777, 0o600);

  const status = await statusIn(dir, env);
  assert.equal(status.get('cache-1')?.state, 'ok');
  assert.equal(status.get('db-1')?.at_limit.disk, 'critical');
  assert.equal(status.get('web-1')?.at_limit.disk, null);

  // The demo has stopped its servers; the collector's own machine needs none.
  const alone = await runCli(['--json', 'collect', 'this-machine'], { cwd: dir, env });
  assert.equal(alone.status, 0, alone.stdout);

  const config = path.join(dir, 'config.xml');
  writeFileSync(config, readFileSync(config, 'utf8').replace('"web-1"', '"my-own-name"'));
  const second = await runCli(['demo', '--dir', dir], { env });
  assert.deepEqual([second.status, second.stderr], [0, ''], second.stdout);
  assert.match(second.stdout, /Known already: my-own-name, db-1, cache-1/);
});

test('--json prints one document, and --serve brings the servers back until it is ended', async (t) => {
  const place = tempFolder(t);
  const dir = path.join(place, 'demo');
  const env = { HOME: place };
  const { status, stdout, stderr } = await runCli(['--json', 'demo', '--dir', 'demo'], { cwd: place, env });
  assert.deepEqual([status, stderr], [0, '']);
  assert.deepEqual(JSON.parse(stdout), {
    command: 'demo',
    dir,
    config: path.join(dir, 'config.xml'),
    passes: [0, 1, 0],
    alerts: [0, 0, 0],
  });

  const server = startCli(['demo', '--serve', '--dir', dir], { env });
  const ended = outcomeOf(server);
  await new Promise((resolve) => server.stdout?.once('data', resolve));
  const collected: CliResult = await runCli(['--json', 'collect'], { cwd: dir, env });
  assert.equal(collected.status, 0, collected.stdout);
  server.kill('SIGINT');
  assert.equal((await ended).status, 0);
});

test('a folder with something else in it is left alone', async (t) => {
  const place = tempFolder(t);
  writeFileSync(path.join(place, 'thesis.txt'), '');
  await exits(
    2,
    runCli(['demo', '--dir', place]),
    /is not empty and not the folder of an earlier demo \(usage\)\. .*--dir/,
  );
  assert.ok(!existsSync(path.join(place, 'config.xml')));
});

test('a folder that cannot be made, and a file in its place, are refused in one line', async (t) => {
  const file = path.join(tempFolder(t), 'thesis.txt');
  writeFileSync(file, '');
  for (const command of ['demo', 'simulate']) {
    for (const dir of ['/proc/x', file]) {
      await exits(
        2,
        runCli([command, '--dir', dir]),
        /cannot be used: [^.]+ \(usage\)\. Name another one with --dir\.$/m,
      );
    }
  }
});
