import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { kernel } from '../../../agent/probes/kernel.ts';
import type { FunctionReport, Row } from '../../../src/report/report.ts';
import { isWide } from '../../support/long-tests.ts';
import { awks } from '../../support/clients/shell-client.ts';
import { rootWith, shellAgent, type ShellAgent } from '../../support/clients/shell-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { contextOf, onlyRow, reasonOf } from './fixture-context.ts';

const boot = { 'proc/sys/kernel/random/boot_id': '2def7f13-3487-4d8f-b57e-ff4f7db89656\n' };
const vmstat = (kills: number): string => `nr_free_pages 123\noom_kill ${kills}\noom_kill_disable 7\n`;
const pressure = (some: number): string =>
  `some avg10=90.00 avg60=${some} avg300=80.00 total=1\nfull avg10=70.00 avg60=60.00 avg300=50.00 total=1\n`;
const machine = {
  ...boot,
  'proc/vmstat': vmstat(5),
  'proc/sys/fs/file-nr': '9000\t0\t10000\n',
  'proc/sys/net/netfilter/nf_conntrack_count': '300\n',
  'proc/sys/net/netfilter/nf_conntrack_max': '65536\n',
  'proc/pressure/cpu': pressure(1.25),
  'proc/pressure/memory': pressure(0),
  'proc/pressure/io': pressure(33.5),
};

async function ofNode(root: string, before?: number, elapsedMs = 60_000): Promise<readonly FunctionReport[]> {
  const given = before === undefined ? {} : { counters: before, elapsedMs };
  return (await kernel.run(contextOf(root, given))).functions;
}

async function ofShell(agent: ShellAgent, root: string): Promise<readonly FunctionReport[]> {
  const { report } = await agent.run({ root });
  return (report?.worker_reports ?? []).flatMap(({ function_reports }) => function_reports);
}

/** Returns the figures that the agents report of a machine. Asserts that both agents report the same. */
async function figures(t: TestContext, files: Readonly<Record<string, string>>): Promise<readonly FunctionReport[]> {
  const root = rootWith(tempFolder(t), files);
  const node = await ofNode(root);
  const shell = await ofShell(shellAgent(t), root);
  for (const family of node) {
    assert.deepEqual(
      shell.find(({ name }) => name === family.name),
      family,
    );
  }
  return node;
}

test('the tables of the kernel and its pressure, as both agents read them', async (t) => {
  const functions = await figures(t, machine);
  const expected: Row = { oom_kills: null, open_files_percent: 90, conntrack_percent: 0.46 };
  assert.deepEqual(onlyRow(functions, 'kernel'), expected);
  assert.equal(reasonOf(functions, 'kernel', 'oom_kills'), 'first visit');
  assert.deepEqual(onlyRow(functions, 'pressure'), { cpu_percent: 1.25, memory_percent: 0, io_percent: 33.5 });
});

test('an older kernel without pressure, counter and connection tracking says why it tells nothing', async (t) => {
  const functions = await figures(t, { ...boot, 'proc/vmstat': 'nr_free_pages 1\n' });
  assert.deepEqual(onlyRow(functions, 'kernel'), {
    oom_kills: null,
    open_files_percent: null,
    conntrack_percent: null,
  });
  assert.equal(reasonOf(functions, 'kernel', 'oom_kills'), 'the kernel does not tell');
  assert.equal(reasonOf(functions, 'kernel', 'open_files_percent'), 'the kernel does not tell');
  assert.equal(reasonOf(functions, 'kernel', 'conntrack_percent'), 'no connection tracking');
  assert.deepEqual(onlyRow(functions, 'pressure'), { cpu_percent: null, memory_percent: null, io_percent: null });
  assert.equal(reasonOf(functions, 'pressure', 'io_percent'), 'the kernel does not tell');
});

test('a container tells of its own cgroup, never of its host', async (t) => {
  const inside = {
    ...machine,
    '.dockerenv': '',
    'sys/fs/cgroup/cpu.pressure': pressure(7.5),
    'sys/fs/cgroup/memory.events': 'low 0\noom 3\noom_kill 2\noom_group_kill 0\n',
  };
  const functions = await figures(t, inside);
  assert.deepEqual(onlyRow(functions, 'pressure'), { cpu_percent: 7.5, memory_percent: null, io_percent: null });
  assert.equal(reasonOf(functions, 'kernel', 'open_files_percent'), 'a container sees that of its host');
  const root = rootWith(tempFolder(t), inside);
  assert.equal(onlyRow(await ofNode(root, 1), 'kernel')['oom_kills'], 1);
});

test('WSL has a kernel of its own, and more open files than the limit are 100 %', async (t) => {
  const files = { 'proc/sys/kernel/osrelease': '5.15.0-microsoft\n', 'proc/sys/fs/file-nr': '10300\t0\t10000\n' };
  const functions = await figures(t, { ...machine, ...files });
  assert.equal(onlyRow(functions, 'kernel')['open_files_percent'], 100);
});

for (const awk of isWide ? awks : awks.slice(0, 1)) {
  test(`kills are counted since the previous visit, and a counter that was reset is no count (${awk})`, async (t) => {
    const dir = tempFolder(t);
    const agent = shellAgent(t, { awk });
    const at = (uptime: number, kills: number): string =>
      rootWith(dir, { ...machine, 'proc/uptime': `${uptime}.00 1.00\n`, 'proc/vmstat': vmstat(kills) });
    await ofShell(agent, at(1000, 5));
    const later = at(1100, 8);
    assert.equal(onlyRow(await ofShell(agent, later), 'kernel')['oom_kills'], 3);
    assert.equal(onlyRow(await ofNode(later, 5), 'kernel')['oom_kills'], 3);
    const reset = at(1200, 2);
    const [node, shell] = [await ofNode(reset, 8), await ofShell(agent, reset)];
    assert.equal(reasonOf(node, 'kernel', 'oom_kills'), 'the counter was reset');
    assert.equal(reasonOf(shell, 'kernel', 'oom_kills'), 'the counter was reset');
    assert.equal(onlyRow(await ofShell(agent, at(1300, 9)), 'kernel')['oom_kills'], 1);
  });
}
