import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { exits, outcomeOf, program, runCli, startCli } from '../../support/programs/run-cli.ts';
import { skipUnlessWide } from '../../support/long-tests.ts';
import { tempFolder } from '../../support/temp-folder.ts';

function placeFor(t: TestContext): string {
  const dir = tempFolder(t);
  return dir;
}

/** Resolves when a text has appeared on stdout. Fails if stdout ends before that. */
async function said(child: ChildProcess, text: string): Promise<void> {
  let heard = '';
  for await (const chunk of child.stdout ?? []) {
    heard += String(chunk);
    if (heard.includes(text)) return;
  }
  assert.fail(`it ended before ${JSON.stringify(text)}: ${heard}`);
}

interface Summary {
  readonly clients: number;
  readonly profile: string;
  readonly seed: number;
  readonly port: number;
  readonly served: number;
  readonly visits: Readonly<Record<string, number>>;
  readonly reports: Readonly<Record<'sent' | 'resent' | 'acknowledged', number>>;
}

interface Pass {
  readonly succeeded: number;
  readonly reports: { readonly stored: number };
}

test('a simulation leaves a folder that is collected from at once, sums up, and is the same again', async (t) => {
  const dir = path.join(placeFor(t), 'a fleet');
  const simulate = ['--json', 'simulate', '--dir', dir];
  const first = startCli([...simulate, '--clients', '6', '--seed', '21']);
  const outcome = outcomeOf(first);
  const config = path.join(dir, 'config.xml');
  // With --json the program prints nothing before its end, so the collector retries until the servers have started.
  const collect = async (): Promise<Pass> => {
    const endMs = Date.now() + 60_000;
    while (Date.now() < endMs) {
      const { status, stdout } = await runCli(['-c', config, '--json', 'collect']);
      if (status === 0) return JSON.parse(stdout) as Pass;
    }
    return assert.fail('no server has come');
  };
  const pass = await collect();
  // Each has a report of figures, an inventory and a report of its state.
  assert.deepEqual([pass.succeeded, pass.reports.stored], [6, 18]);
  first.kill('SIGTERM');
  const { status, stdout, stderr } = await outcome;
  assert.deepEqual([status, stderr], [0, '']);
  const summary = JSON.parse(stdout) as Summary;
  assert.deepEqual([summary.clients, summary.profile, summary.seed], [6, 'clean', 21]);
  assert.deepEqual(summary.visits, { reported: 6, inventory: 6, state: 6 });
  assert.deepEqual([summary.served, summary.reports], [18, { sent: 18, resent: 0, acknowledged: 18 }]);

  const files = ['clients.xml', 'known_hosts', 'config.xml'].map((name) => path.join(dir, name));
  const before = files.map((file) => readFileSync(file, 'utf8'));
  const again = await runCli([...simulate, '--for', '1s']);
  const { port, seed } = JSON.parse(again.stdout) as Summary;
  assert.deepEqual([again.status, port, seed], [0, summary.port, 21]);
  const after = files.map((file) => readFileSync(file, 'utf8'));
  assert.deepEqual(after, before);
});

test(
  'a fleet with more clients than a process may open files is served by several',
  { skip: skipUnlessWide },
  async (t) => {
    const dir = path.join(placeFor(t), 'fleet');
    const args = ['simulate', '--dir', dir, '--clients', '250', '--seed', '1'];
    // A separate shell lowers the limit for itself and its children.
    const child = spawn('/bin/sh', ['-c', 'ulimit -n 200; exec "$@"', 'sh', process.execPath, program, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'] },
    });
    t.after(() => child.kill('SIGKILL'));
    await said(child, 'in 3 processes');
    const clients = ['web-001', 'db-140', 'store-250'];
    const { stdout } = await runCli(['-c', path.join(dir, 'config.xml'), '--json', 'collect', ...clients]);
    assert.equal((JSON.parse(stdout) as Pass).succeeded, 3);
    child.kill('SIGINT');
    const { status } = await outcomeOf(child);
    assert.equal(status, 0);
  },
);

for (const { what, args, says } of [
  { what: 'no known profile', args: ['--profile', 'windy'], says: /clean, slow, lossy, storm/ },
  { what: 'no clients', args: ['--clients', '0'], says: /from 1 to 100000/ },
  { what: 'no duration', args: ['--for', 'soon'], says: /--for "soon" is no duration/ },
  { what: 'an interval without any sense', args: ['--every', '30d'], says: /--every 30d is not from 1s to/ },
]) {
  test(`${what} is refused before anything is made`, async (t) => {
    const place = placeFor(t);
    const { status, stdout, stderr } = await runCli(['simulate', ...args], { cwd: place });
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, says);
  });
}

test("somebody else's folder is left alone", async (t) => {
  const place = placeFor(t);
  writeFileSync(path.join(place, 'thesis.tex'), '');
  await exits(
    2,
    runCli(['simulate', '--dir', place]),
    /is not empty and not the folder of an earlier simulation \(usage\)\. .*--dir/,
  );
});
