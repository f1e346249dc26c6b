// Second tier: the whole report of an installed program.
/** `fleet-health-agent report`: the built program on this machine. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { createAgentProgram } from '../../../src/agent-cli.ts';
import {
  agentProgram,
  exits,
  outcomeOf,
  runCli,
  startCli,
  succeeded,
  type CliOptions,
} from '../../support/programs/run-cli.ts';
import { commandNames } from '../../support/programs/command-names.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

function options(t: TestContext): CliOptions & { readonly home: string } {
  const home = tempFolder(t);
  return { program: agentProgram, env: { HOME: home }, home };
}

/** The keys of a report that contains reports, and of a report that contains none. */
interface Hierarchy {
  readonly name: string;
  readonly datetime: string;
  readonly worker_reports?: readonly Hierarchy[];
  readonly function_reports?: readonly Hierarchy[];
  readonly data?: readonly unknown[];
}

test('daemon-report is one line with the keys of function, worker and daemon reports alone', async (t) => {
  const stdout = await succeeded(runCli(['report', '--format', 'daemon-report'], options(t)));
  assert.equal(stdout.trimEnd().split('\n').length, 1);
  const report = JSON.parse(stdout) as Hierarchy;
  assert.equal(report.name, 'Daemon report');
  const levels = [[report], report.worker_reports ?? []];
  levels.push(levels[1]?.flatMap(({ function_reports: functions = [] }) => functions) ?? []);
  const inner = ['worker_reports', 'function_reports', 'data'];
  levels.forEach((reports, level) => {
    assert.ok(reports.length > 0);
    for (const one of reports) {
      assert.deepEqual(Object.keys(one), ['name', 'datetime', inner[level]]);
      assert.equal(new Date(one.datetime).toISOString(), one.datetime);
    }
  });
  const memory = levels[2]?.find(({ name }) => name === 'memory');
  assert.ok(((memory?.data?.[0] as { readonly total_bytes: number } | undefined)?.total_bytes ?? 0) > 0);
});

test('a report says on stderr and in --json what it left out of the output of a check', async (t) => {
  const of = options(t);
  const folder = path.join(of.home, '.config/fleet-health/checks.d');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(path.join(folder, 'own.conf'), "own /bin/echo 'OK | a=1 ip=192.0.2.1'\n", { mode: 0o600 });
  const { status, stdout, stderr } = await runCli(['report'], of);
  assert.deepEqual([status, stderr], [0, 'left out: check own: figure ip: its value is no number\n'], stdout);
  const { skipped, report } = JSON.parse(await succeeded(runCli(['--json', 'report'], of))) as Record<string, unknown>;
  assert.deepEqual(skipped, [{ where: 'check own', why: 'figure ip: its value is no number' }]);
  assert.ok(typeof report === 'object' && report !== null && 'worker_reports' in report);
});

test('rates are those since the report before', async (t) => {
  const of = options(t);
  const place = path.join(of.home, '.local/state/fleet-health/agent-program');
  mkdirSync(place, { recursive: true, mode: 0o700 });
  // No process has this pid: it is beyond the kernel's maximum.
  writeFileSync(path.join(place, '.new-9999999'), '{');
  await succeeded(runCli(['report'], of));
  const counters = path.join(place, 'counters.json');
  assert.ok(existsSync(counters), 'the counters are kept');
  assert.equal(statSync(counters).mode & 0o777, 0o600);
  assert.deepEqual(
    readdirSync(place).filter((name) => name.startsWith('.new-')),
    [],
    'the rest of a killed run is removed',
  );
});

test('--every appends lines to a private file until a signal ends it in good order', async (t) => {
  const of = options(t);
  const file = path.join(of.home, 'lines.jsonl');
  const child = startCli(['report', '--format', 'pattoo', '--every', '10s', '-o', file], of);
  t.after(() => child.kill('SIGKILL'));
  const outcome = outcomeOf(child);
  await until(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'), 'no line');
  child.kill('SIGTERM');
  const { status, stdout, stderr } = await outcome;
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /event=reporting .*\n.*event=stopped/);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  assert.equal(lines.length, 1);
  assert.equal((JSON.parse(lines[0] ?? '') as { agent_program: string }).agent_program, 'fleet-health-agent');
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

const wrong: readonly (readonly [args: string, says: RegExp])[] = [
  ['reprt', /^fleet-health-agent: unknown command 'reprt' \(usage\)\. Did you mean report\?/],
  ['report --format xml', /^fleet-health-agent: .*Allowed choices are json, daemon-report, pattoo/],
  ['report --every 5s', /give a duration from 10s to 1d/],
  ['report -o x', /--output needs --every/],
  ['report -c nowhere.json', /nowhere\.json cannot be read: it does not exist \(config-missing\)/],
];

for (const [args, says] of wrong) {
  test(`\`${args}\` is refused in one line`, async (t) => {
    const { stdout, stderr } = await exits(2, runCli(args.split(' '), options(t)), says);
    assert.equal(stdout, '');
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  });
}

for (const name of commandNames(createAgentProgram(() => Promise.resolve()))) {
  test(`the help of ${name} shows an example that starts with its name`, async (t) => {
    const stdout = await succeeded(runCli([...name.split(' '), '--help'], options(t)));
    assert.match(stdout, new RegExp(`\nExample:\n  fleet-health-agent ${name}`));
  });
}
