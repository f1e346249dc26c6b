import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { startHostileServer } from '../../support/ssh/hostile-server.ts';
import { makeInventoriedIn } from '../../support/clients/inventoried.ts';
import { isWide } from '../../support/long-tests.ts';
import { startLoopbackFleet, type LoopbackFleet } from '../../support/fleets/loopback-fleet.ts';
import { programArgs } from '../../support/programs/program-args.ts';
import { exits, outcomeOf, program } from '../../support/programs/run-cli.ts';
import { onTerminal, type TerminalOptions, withoutTerminal } from '../../support/programs/terminal.ts';

const rare = { skip: isWide ? false : 'in the second tier' };

const skip = isWide ? withoutTerminal : 'in the second tier';
const lockHolder = path.join(import.meta.dirname, '../../support/databases/lock-holder.ts');

interface CollectJson {
  readonly outcome: string;
  readonly exit_status: number;
  readonly clients: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly reports: { readonly stored: number; readonly waiting: number };
  readonly visits: readonly { readonly client: string; readonly ok: boolean; readonly code: string | null }[];
  readonly faults: readonly { readonly code: string }[];
  readonly opened?: readonly { readonly client: string }[];
}

const keys = (names: string): readonly string[] => names.split(' ').sort();
const parse = (text: string): CollectJson => JSON.parse(text) as CollectJson;

/** Starts two clients that answer and a third without a server. */
async function fleetWithGap(t: TestContext): Promise<LoopbackFleet> {
  const fleet = await startLoopbackFleet(t, 3, { trusted: true });
  await fleet.servers[2]?.close();
  await makeInventoriedIn(path.join(fleet.dir, 'state'), 'c1', 'c2');
  return fleet;
}

/** Starts a client that answers and another that accepts connections and sends nothing. */
async function fleetWithSilent(t: TestContext) {
  const fleet = await startLoopbackFleet(t, 1, { trusted: true });
  const silent = await startHostileServer('silent');
  t.after(() => silent.close());
  await makeInventoriedIn(path.join(fleet.dir, 'state'), 'c1');
  fleet.configure(`<client name="silent" ip="127.0.0.1" port="${silent.port}"/>`);
  return { fleet, silent };
}

/** Returns the screen after `collect`, whatever its exit status. */
async function atTerminal(fleet: LoopbackFleet, options: TerminalOptions, ...args: string[]): Promise<string> {
  const config = path.join(fleet.dir, 'config.xml');
  return (await onTerminal(['-c', config, 'collect', ...args], options)).screen;
}

test('under cron: a line an event, what failed on stderr, a summary, exit status 1', async (t) => {
  const fleet = await fleetWithGap(t);
  const { status, stdout, stderr } = await fleet.run(['collect']);
  assert.equal(status, 1);
  const lines = stdout.trimEnd().split('\n');
  const areEvents = lines.every((line) => /^time=\S+ event=\w+( \w+=(\S+|"[^"]*"))*$/.test(line));
  assert.ok(areEvents, stdout);
  assert.equal(lines.filter((line) => line.includes('event=visited')).length, 2);
  assert.match(lines.at(-1) ?? '', /event=summary .* clients=3 succeeded=2 failed=1 skipped=0 stored=\d+ /);
  assert.match(stderr, /^time=\S+ event=failed client=c3 code=connect-refused stage=connect .*\n$/);
  for (const text of [stdout, stderr]) assert.ok(!text.includes('a secret word'));
  const quiet = await fleet.run(['-q', 'collect']);
  assert.deepEqual(quiet, { status: 1, stdout: '', stderr: '' }, 'with -q the exit status alone says it');
});

test('--json is one document', async (t) => {
  const fleet = await fleetWithGap(t);
  const { status, stdout, stderr } = await fleet.run(['--json', 'collect']);
  assert.deepEqual([status, stderr], [1, '']);
  const result = parse(stdout);
  const run = 'command run_id outcome exit_status holder started_at finished_at clients succeeded failed skipped';
  assert.deepEqual(
    Object.keys(result).sort(),
    keys(`${run} reports restored skipped_clients visits quarantined faults`),
  );
  const timed = 'client address ok stage code message advice started_at duration_ms connect_ms';
  assert.deepEqual(Object.keys(result.visits[0] ?? {}).sort(), keys(`${timed} bytes_in bytes_out uploaded reader`));
  assert.deepEqual(Object.keys(result.reports).sort(), keys('stored duplicate quarantined waiting'));
  assert.deepEqual(
    [result.outcome, result.exit_status, result.clients, result.succeeded, result.failed],
    ['finished', 1, 3, 2, 1],
  );
  const ends = result.visits.map(({ client, ok, code }) => `${client} ${String(ok)} ${code ?? '-'}`);
  assert.deepEqual(ends.sort(), ['c1 true -', 'c2 true -', 'c3 false connect-refused']);
});

test('what a fault says to do comes before what its code says', async (t) => {
  const fleet = await fleetWithGap(t);
  writeFileSync(path.join(fleet.dir, 'ssh_config'), 'Host c3\n  ProxyCommand false\n');
  const file = path.join(fleet.dir, 'config.xml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('name="c3"', 'name="c3" config="ssh_config"'));
  const advice = 'Write transport="openssh", or transport="auto"';
  const { stderr } = await fleet.run(['collect', 'c3']);
  assert.ok(stderr.includes(`advice="${advice.replaceAll('"', '\\"')}`), stderr);
  const { stdout } = await fleet.run(['--json', 'collect', 'c3']);
  const { visits } = JSON.parse(stdout) as { readonly visits: readonly { readonly advice: string }[] };
  assert.ok(visits[0]?.advice.startsWith(advice), stdout);
});

test('names filter, and an unknown one is refused with the nearest', async (t) => {
  const fleet = await startLoopbackFleet(t, 2, { trusted: true });
  await makeInventoriedIn(path.join(fleet.dir, 'state'), 'c1', 'c2');
  const one = parse((await fleet.run(['--json', 'collect', 'c2'])).stdout);
  assert.deepEqual([one.clients, one.visits[0]?.client], [1, 'c2']);
  const wrong = await fleet.run(['collect', 'c3']);
  assert.deepEqual([wrong.status, wrong.stdout], [2, '']);
  assert.match(wrong.stderr, /^fleet-health: .*c3.* \(usage\).*\n$/);
  assert.match(wrong.stderr, /c1|c2/);
  await exits(2, fleet.run(['collect', '--group', 'web']), /web/);
});

test('--dry-run shows the reports and stores nothing', async (t) => {
  const fleet = await startLoopbackFleet(t, 1, { trusted: true });
  const { status, stdout } = await fleet.run(['--json', 'collect', '--dry-run']);
  assert.equal(status, 0);
  assert.equal(parse(stdout).opened?.[0]?.client, 'c1');
  assert.ok(!existsSync(path.join(fleet.dir, 'state', 'fleet.db')));
});

test('beside a running collect it ends at once with 0 and says so; quietly with -q', async (t) => {
  const fleet = await startLoopbackFleet(t, 1, { trusted: true });
  const args = [...programArgs(lockHolder), path.join(fleet.dir, 'state', 'lock.db'), '0'];
  const holder = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => holder.kill('SIGKILL'));
  await once(createInterface({ input: holder.stdout }), 'line');
  const { status, stdout, stderr } = await fleet.run(['collect']);
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, new RegExp(`event=overlapped .*holder_pid=${holder.pid ?? ''} holder_since=\\d{4}-.*Z\n$`));
  assert.deepEqual(await fleet.run(['-q', 'collect']), { status: 0, stdout: '', stderr: '' });
});

test(
  'SIGTERM ends the visits, keeps what came, and exits 1',
  { skip: isWide ? false : 'in the second tier' },
  async (t) => {
    const { fleet, silent } = await fleetWithSilent(t);
    const child = fleet.start(['--json', '-v', 'collect']);
    const outcome = outcomeOf(child);
    while (silent.accepted() === 0 && child.exitCode === null) await sleep(20);
    child.kill('SIGTERM');
    const { status, stdout } = await outcome;
    assert.equal(status, 1);
    assert.equal(parse(stdout).outcome, 'interrupted');
  },
);

test('SIGTERM in the middle: what came is rows, what was cut off is a visit that says so', async (t) => {
  const { fleet } = await fleetWithSilent(t);
  const child = fleet.start(['collect']);
  const outcome = outcomeOf(child);
  assert.ok(child.stdout);
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.includes('event=visited client=c1')) continue;
    child.kill('SIGTERM');
    break;
  }
  await exits(1, outcome, /^time=\S+ event=failed client=silent code=interrupted .*ended by SIGTERM.*\n$/);
  const report = await fleet.run(['--json', 'status']);
  const { clients, last_run: run } = JSON.parse(report.stdout) as {
    clients: { client: string; report_age_s: number | null; error: { code: string } | null }[];
    last_run: { outcome: string; succeeded: number; failed: number };
  };
  const ends = clients.map((one) => `${one.client} ${String(one.report_age_s !== null)} ${one.error?.code ?? '-'}`);
  assert.deepEqual(ends, ['silent false interrupted', 'c1 true -']);
  assert.deepEqual([run.outcome, run.succeeded, run.failed], ['interrupted', 1, 1]);
});

test('a reader that goes away does not end the run', rare, async (t) => {
  const fleet = await startLoopbackFleet(t, 2, { trusted: true });
  await makeInventoriedIn(path.join(fleet.dir, 'state'), 'c1', 'c2');
  const config = path.join(fleet.dir, 'config.xml');
  const command = `"$0" "$1" -c "$2" -v collect 2>&1 | head -n 1`;
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command, process.execPath, program, config]);
  assert.equal(stdout.trimEnd().split('\n').length, 1);
  const { clients } = JSON.parse((await fleet.run(['--json', 'status'])).stdout) as { clients: { state: string }[] };
  assert.equal(clients.map(({ state }) => state).join(), 'ok,ok');
});

test('at a terminal a pipe changes nothing: the table stays, and --format log asks for lines', { skip }, async (t) => {
  const fleet = await fleetWithGap(t);
  const piped = (...args: string[]): Promise<string> => atTerminal(fleet, { into: '2>&1 | cat' }, ...args);
  const table = await piped();
  assert.match(table, /^client +result +took\b/m);
  assert.match(table, /^c3 +connect-refused +\d+ ms\r?\n {4}\S.*ECONNREFUSED/m);
  assert.doesNotMatch(table, /event=/);
  assert.match(await piped('--format', 'log'), /^time=\S+ event=summary /m);
  assert.match((await fleet.run(['collect', '--format', 'table'])).stdout, /^client +result +took$/m);
});

test('on a terminal: a table, what went wrong first, in colour unless NO_COLOR', { skip }, async (t) => {
  const fleet = await fleetWithGap(t);
  const coloured = await atTerminal(fleet, {});
  assert.ok(coloured.includes('\u001b[31mconnect-refused'));
  const plain = await atTerminal(fleet, { env: { NO_COLOR: '1' } });
  assert.ok(!plain.includes('\u001b[31m'));
  const rows = plain.split(/\r?\n/).flatMap((line) => /(c[123]) {2,}(ok|connect-refused)/.exec(line)?.slice(1) ?? []);
  assert.deepEqual(rows, ['c3', 'connect-refused', 'c1', 'ok', 'c2', 'ok']);
  assert.match(plain, /2 of 3 clients answered, \d+ reports stored in \d/);
});
