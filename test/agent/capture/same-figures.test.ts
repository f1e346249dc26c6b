// Second tier: both agents on one recorded machine, figure by figure.
/** The shell agent and the Node agent read the same machine and report the same. */
import assert from 'node:assert/strict';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { openSource } from '../../../agent/live/live-source.ts';
import { collect } from '../../../agent/probes/collect.ts';
import type { CollectOptions } from '../../../agent/probes/collected.ts';
import type { FunctionReport, Row, WorkerReport } from '../../../src/report/report.ts';
import type { ProbeOptions } from '../../../src/report/wire.ts';
import { isWide } from '../../support/long-tests.ts';
import { awks, shells } from '../../support/clients/shell-client.ts';
import { rootWith, shellAgent } from '../../support/clients/shell-report.ts';
import { boxRoot } from '../probes/fixture-context.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const asked: ProbeOptions = {
  units: ['ssh', 'a\\x2db.service', 'no-such'],
  processes: ['sshd*', 'n?de', '!a*,!b*', 'systemd,*'],
  mounts: ['/dev/shm', '/mnt/ö "x"', '/tmp'],
};

interface NodeOptions extends Partial<CollectOptions> {
  readonly root?: string;
  readonly place?: string;
}

async function ofNode({ root = '', place, ...given }: NodeOptions): Promise<readonly WorkerReport[]> {
  const standard = { previous: null, bootId: null, monotonicMs: 1e9, deadlineMs: 5000, options: asked };
  return (await collect({ source: openSource(root, place), ...standard, ...given })).workerReports;
}

const familiesOf = (reports: readonly WorkerReport[]): ReadonlyMap<string, FunctionReport> =>
  new Map(reports.flatMap(({ function_reports }) => function_reports).map((family) => [family.name, family]));

/** The label that identifies a row of a family. */
const subjectOf: Readonly<Record<string, string>> = { disk: 'mount', network: 'interface', temperature: 'sensor' };
const bySubject = (family: string, rows: readonly Row[]): readonly Row[] => {
  const subject = subjectOf[family];
  return subject === undefined ? rows : rows.toSorted((a, b) => (String(a[subject]) < String(b[subject]) ? -1 : 1));
};

/** The figures of this machine's own disk, below which the files are. */
const changing = new Set(['available_bytes', 'used_bytes', 'used_percent', 'inodes_percent']);
const steady = (row: Row): Row =>
  'fstype' in row ? Object.fromEntries(Object.entries(row).filter(([field]) => !changing.has(field))) : row;

/** Returns worker reports without the time that each took, and without figures that change meanwhile. */
const steadyPart = (reports: readonly WorkerReport[] = []): unknown =>
  reports.map(({ name, error, function_reports: families }) => {
    const functions = families.map((family) => ({ ...family, data: family.data.map(steady) }));
    return { name, error, functions };
  });

const boxes = readdirSync(path.dirname(boxRoot('x'))).flatMap((name) => /^proc-(.*)$/.exec(name)?.[1] ?? []);
for (const box of boxes) {
  for (const shell of isWide ? shells : shells.slice(0, 1)) {
    test(`the capture of proc-${box} is the machine itself, field by field (${shell})`, async (t) => {
      const root = boxRoot(box);
      const client = shellAgent(t, { shell });
      const node = await ofNode({ root, place: tempFolder(t) });
      const { report } = await client.run({ root, options: asked });
      assert.deepEqual(steadyPart(report?.worker_reports), steadyPart(node));
      assert.ok(node.length > 12);
    });
  }
}

const stat = (pid: number, comm: string, state: string): string =>
  `${pid} (${comm}) ${state} 1 1 1 0 -1 4194560 1 0 0 0 5 7 0 0 20 0 1 0 123 1000 200 18446744073709551615\n`;
const statFile = (busy: number): string =>
  `cpu  ${100 + busy} 5 50 ${1000 + busy} 10 1 2 3 0 0\ncpu0 ${60 + busy} 5 25 500 5 1 1 3 0 0\ncpu1 40 0 25 ` +
  `${500 + busy} 5 0 1 0 0 0\nintr 1 2 3\n`;
const netFile = (more: number): string =>
  'Inter-|   Receive  |  Transmit\n face |bytes packets errs drop fifo frame compressed multicast|bytes packets\n' +
  `  lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n  eth0:${12345678901234 + more} ${5 + more} 0 1 0 0 0 0 ${7 + more} ` +
  '8 9 10 0 0 0 0\n  eth1: 5 5 5 5 0 0 0 0 5 5 5 5 0 0 0 0\n';

interface Instant {
  readonly uptime: number;
  /** Ticks of the CPU since the first visit. */
  readonly busy: number;
  /** Bytes and packets since the first visit. */
  readonly more: number;
}

/** Makes a machine with two network cards and awkward names of processes, at one instant. Returns its root. */
const machineAt = (dir: string, { uptime, busy, more }: Instant): string =>
  rootWith(dir, {
    'proc/uptime': `${uptime}.00 1.00\n`,
    'proc/stat': statFile(busy),
    'proc/net/dev': netFile(more),
    'proc/sys/kernel/random/boot_id': '2def7f13-3487-4d8f-b57e-ff4f7db89656\n',
    'sys/class/net/eth0/device/vendor': '',
    'sys/class/net/eth0/operstate': 'up\n',
    'sys/class/net/eth0/speed': '-1\n',
    'sys/class/net/eth1/device/vendor': '',
    'sys/class/net/eth1/carrier': '0\n',
    'proc/1/stat': stat(1, 'systemd', 'S'),
    'proc/20/stat': stat(20, 'sshd) R (', 'D'),
    'proc/21/stat': stat(21, 'sshd-session', 'R'),
    'proc/22/stat': stat(22, 'a\nb', 'Z'),
    'proc/26/stat': stat(26, '\u001b]0;x\u0007) Z (', 'S'),
    'proc/27/stat': stat(27, '\n1 (x) R 1 1\n', 'S'),
    'proc/28/stat': stat(28, '\\n\\033[2J"\'$(', 'S'),
    'proc/23/stat': stat(23, 'a-very-long-nam', 'R'),
    'proc/23/cmdline': '/opt/x/a-very-long-name\0--argument\0',
    'proc/24/stat': stat(24, 'a-very-long-nam', 'S'),
    'proc/24/cmdline': 'something else\0',
  });

for (const awk of awks) {
  test(`rates since the previous visit, states and names of processes: both agents agree (${awk})`, async (t) => {
    const dir = tempFolder(t);
    const globs = ['sshd*', 'a-very-long-name', 'a-very-long-nam', '!a*', 's?stemd', 'A*', '*x*', '*\\*'];
    const options = { processes: globs };
    const bootId = '2def7f13-3487-4d8f-b57e-ff4f7db89656';
    const agent = shellAgent(t, { awk });
    const root = machineAt(dir, { uptime: 1000, busy: 0, more: 0 });
    const first = await ofNode({ root, bootId, options, monotonicMs: 1000_000 });
    await agent.run({ root, options });
    const values = { cpu: cpuCounters(0), network: { eth0: netCounters(0), eth1: [5, 5, 5, 5, 5, 5, 5, 5] } };
    assert.ok(first.length > 0);
    machineAt(dir, { uptime: 1100, busy: 77, more: 3333 });
    const previous = { bootId, monotonicMs: 1000_000, values };
    const node = familiesOf(await ofNode({ root, bootId, options, monotonicMs: 1100_000, previous }));
    const shell = familiesOf((await agent.run({ root, options })).report?.worker_reports ?? []);
    // The Node agent measures the interval with its own clock, which advances while it reads.
    const whole = (row: Row): Row =>
      'interval_s' in row ? { ...row, interval_s: Math.round(Number(row['interval_s'])) } : row;
    const wholeSeconds = (of: FunctionReport | undefined): unknown => ({
      ...of,
      data: of?.data.map(whole),
    });
    for (const name of ['cpu', 'processes', 'process_match']) {
      assert.deepEqual(wholeSeconds(shell.get(name)), wholeSeconds(node.get(name)), name);
    }
    const tenths = (value: unknown): unknown => (typeof value === 'number' ? Math.round(value * 10) : value);
    const network = (of: FunctionReport | undefined): unknown =>
      of?.data.map((row) => Object.entries(row).map(([key, value]) => [key, tenths(value)]));
    assert.deepEqual(network(shell.get('network')), network(node.get('network')));
    assert.equal(shell.get('network')?.data[0]?.['rx_bytes_per_s'], 33.33);
  });
}

/** The later visits are those of test/agent/probes/cpu.test.ts too: both agents have the code that calculates. */
const quotaVisits = isWide ? 6 : 3;
for (const awk of isWide ? awks : awks.slice(0, 1)) {
  test(`a container with a CPU quota: the shell agent, too, says how much of the quota is used (${awk})`, async (t) => {
    for (const version of isWide ? [1, 2] : [2]) {
      const agent = shellAgent(t, { awk });
      const dir = tempFolder(t);
      const said: unknown[] = [];
      for (const { uptime, usedUs, quota } of [
        { uptime: 1000, usedUs: 1_000_000, quota: 'max' },
        { uptime: 1100, usedUs: 2_000_000, quota: '50000' },
        { uptime: 1200, usedUs: 14_500_000, quota: '50000' },
        { uptime: 1300, usedUs: 4_600_000_000, quota: '50000' },
        { uptime: 1400, usedUs: 3, quota: '50000' },
        { uptime: 1500, usedUs: 4, quota: '200000' },
      ].slice(0, quotaVisits)) {
        const container: Readonly<Record<string, string>> =
          version === 2
            ? { 'cpu.max': `${quota} 100000\n`, 'cpu.stat': `usage_usec ${usedUs}\nuser_usec 1\n` }
            : {
                'cpu/cpu.cfs_quota_us': `${quota === 'max' ? '-1' : quota}\n`,
                'cpu/cpu.cfs_period_us': '100000\n',
                'cpuacct/cpuacct.usage': `${usedUs}000\n`,
              };
        const root = rootWith(dir, {
          'proc/uptime': `${uptime}.00 1.00\n`,
          'proc/stat': statFile(10 * uptime),
          'proc/sys/kernel/random/boot_id': '2def7f13-3487-4d8f-b57e-ff4f7db89656\n',
          ...Object.fromEntries(Object.entries(container).map(([name, text]) => [`sys/fs/cgroup/${name}`, text])),
        });
        const family = familiesOf((await agent.run({ root })).report?.worker_reports ?? []).get('cpu');
        const reason = family?.unknown?.find(({ field }) => field === 'used_percent')?.reason;
        said.push(family?.data[0]?.['used_percent'] ?? reason);
      }
      const reasons = ['no quota at the previous visit', 25, 100, 'the counters went backwards'];
      assert.deepEqual(said, ['first visit', ...reasons, 50].slice(0, quotaVisits), `cgroup version ${version}`);
    }
  });
}

function cpuCounters(busy: number): Record<string, number[]> {
  const lines = statFile(busy).matchAll(/^(cpu\d*) +(.*)$/gm);
  const ticks = (text = ''): number[] => text.split(/ +/).slice(0, 8).map(Number);
  return Object.fromEntries(Array.from(lines, ([, name = '', text]) => [name, ticks(text)]));
}

function netCounters(more: number): number[] {
  const bytes = 12345678901234 + more;
  return [bytes, 7 + more, 5 + more, 8, 0, 9, 1, 10];
}

test('right after one another, both agents report the same figures within what changes meanwhile', async (t) => {
  const agent = shellAgent(t);
  const node = familiesOf(await ofNode({}));
  const beganMs = performance.now();
  const { report } = await agent.run({ options: asked });
  const visitSeconds = (performance.now() - beganMs) / 1000;
  const after = familiesOf(await ofNode({}));
  const shell = familiesOf(report?.worker_reports ?? []);
  // Other tests start and kill processes at the same time, dozens of them. The shell agent's value must therefore lie
  // between the Node agent's values before and after.
  const near = (family: string, field: string, tolerance: number): void => {
    const [mine, ...others] = [shell, node, after].map((families) => families.get(family)?.data[0]?.[field]);
    if (mine === null && others.every((other) => other === null)) return;
    const numbers = others.map(Number);
    const isNear = Number(mine) >= Math.min(...numbers) - tolerance && Number(mine) <= Math.max(...numbers) + tolerance;
    assert.ok(isNear, `${family}_${field}: ${mine}, and ${others.join(' and ')}`);
  };
  near('cpu', 'cpus', 0);
  // The counters are read twice in the visit, a second apart, or more on a busy machine.
  const intervalSeconds = Number(shell.get('cpu')?.data[0]?.['interval_s']);
  assert.ok(intervalSeconds > 0.95 && intervalSeconds < visitSeconds, `${intervalSeconds} of ${visitSeconds} s`);
  for (const field of ['load1', 'load5', 'load15']) near('load', field, 1);
  near('memory', 'total_bytes', 0);
  near('memory', 'used_percent', 5);
  near('swap', 'used_bytes', 64 * 1024 * 1024);
  near('uptime', 'seconds', 10);
  near('processes', 'total', 150);
  near('processes', 'zombies', 60);
  near('services', 'failed_units', 0);
  assert.deepEqual(shell.get('os')?.data, node.get('os')?.data);
  assert.deepEqual(shell.get('unit')?.data, node.get('unit')?.data);
  const mounts = (of: typeof node): readonly Row[] => bySubject('disk', of.get('disk')?.data ?? []);
  const labels = (rows: readonly Row[]): unknown =>
    rows.map(({ mount, fstype, source, scope, mode, size_bytes }) => [mount, fstype, source, scope, mode, size_bytes]);
  assert.deepEqual(labels(mounts(shell)), labels(mounts(node)));
  for (const [index, row] of mounts(shell).entries()) {
    const other = mounts(node)[index];
    for (const field of ['used_percent', 'inodes_percent']) {
      assert.ok(Math.abs(Number(row[field]) - Number(other?.[field])) <= 1, `${String(row['mount'])} ${field}`);
    }
  }
});

test('the shell agent tells datasets with a quota from the rest of their pool', async (t) => {
  const machine = shellAgent(t);
  // Prints like stat: `blocks free available size inodes free-inodes mount`.
  const program = `#!/bin/sh
shift 3
for mount; do
  case $mount in
    */full) echo "=fs 64 1 1 131072 0 0 $mount" ;;
    *) echo "=fs 8000 7200 7200 131072 0 0 $mount" ;;
  esac
done
`;
  rmSync(`${machine.bin}/stat`, { force: true });
  writeFileSync(`${machine.bin}/stat`, program, { mode: 0o755 });
  const mountinfo = ['/', '/a', '/full']
    .map((mount, n) => `${n + 10} ${n === 0 ? 5 : 10} 0:${n + 50} / ${mount} rw - zfs pool/${n} rw\n`)
    .join('');
  const root = rootWith(tempFolder(t), { 'proc/uptime': '1.0 1.0\n', 'proc/self/mountinfo': mountinfo });
  const { report } = await machine.run({ root });
  const rows = familiesOf(report?.worker_reports ?? []).get('disk')?.data ?? [];
  assert.deepEqual(
    rows.map(({ mount, used_percent: usedPercent }) => [mount, usedPercent]),
    [
      ['/', 18.18],
      ['/full', 98.44],
    ],
  );
});
