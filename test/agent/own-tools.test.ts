/** Both agents compared with the usual tools and files: free, /proc/stat, ip, uname, systemctl. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { services } from '../../agent/probes/services.ts';
import { temperatures } from '../../agent/probes/temperatures.ts';
import type { Report } from '../../src/report/report.ts';
import type { ProbeOptions } from '../../src/report/wire.ts';
import { machine } from '../support/clients/agent-visit.ts';
import { skipUnlessWide } from '../support/long-tests.ts';
import { pluck } from '../support/pluck.ts';
import { rootWith, rowsOf, shellAgent } from '../support/clients/shell-report.ts';
import { contextOf, familyOf, reasonOf } from './probes/fixture-context.ts';
import { tempFolder } from '../support/temp-folder.ts';

/** Visits with seconds between them. */
const rare = { skip: skipUnlessWide };

/** Rates begin at counters of 10 s before; the shell agent compares whole seconds, each rounded to the safe side. */
const apartMs = 12_200;

type Visit = (options?: ProbeOptions) => Promise<Report>;

/** Returns each agent on this machine. The agents keep their state between visits. */
function agents(context: TestContext): ReadonlyMap<string, Visit> {
  const node = machine(context);
  const shell = shellAgent(context);
  const sure = (report: Report | null | undefined): Report => report ?? assert.fail('no report');
  return new Map<string, Visit>([
    ['node', async (options = {}) => sure((await node.visit({ probeOptions: options })).reports.at(-1))],
    ['shell', async (options = {}) => sure((await shell.run({ options })).report)],
  ]);
}

/** Asserts that a value lies between a tool's values before and after the visit, with `slack` for rounding. */
function between(value: unknown, tool: readonly number[], slack: number, what: string): void {
  const [least, most] = [Math.min(...tool) - slack, Math.max(...tool) + slack];
  const isBetween = typeof value === 'number' && value >= least && value <= most;
  assert.ok(isBetween, `${what}: ${String(value)}, not ${least} to ${most}`);
}

const run = (program: string, ...args: readonly string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });

test('memory and swap are those of free', async (t) => {
  const free = (): readonly (readonly number[])[] => {
    const lines = run('free', '-b').split('\n').slice(1, 3);
    return lines.map((line) => line.split(/ +/).slice(1).map(Number));
  };
  // The agents report the memory limit of a container, which free does not know.
  const isLimited = existsSync('/sys/fs/cgroup/memory.max');
  for (const [agent, visit] of agents(t)) {
    const before = free();
    const report = await visit();
    const after = free();
    const column = (row: number, at: number): readonly number[] => [before, after].map((all) => all[row]?.[at] ?? NaN);
    const [memory] = rowsOf(report, 'memory');
    const [swap] = rowsOf(report, 'swap');
    const slack = 256 * 1024 * 1024;
    if (!isLimited) {
      between(memory?.['total_bytes'], column(0, 0), 0, `${agent} total`);
      between(memory?.['available_bytes'], column(0, 5), slack, `${agent} available`);
      const total = Number(memory?.['total_bytes']);
      const percent = Math.round((10_000 * (total - Number(memory?.['available_bytes']))) / total) / 100;
      assert.equal(memory?.['used_percent'], percent, agent);
    }
    between(swap?.['total_bytes'], column(1, 0), 0, `${agent} swap`);
    between(swap?.['used_bytes'], column(1, 1), slack, `${agent} used swap`);
  }
});

test('CPU shares are the differences of /proc/stat between two visits', rare, async (t) => {
  const ticks = (): readonly number[] =>
    readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.split(/ +/).slice(1, 9).map(Number) ?? [];
  const shares = (from: readonly number[], to: readonly number[]) => {
    const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, steal = 0] = to.map((value, at) =>
      Math.max(0, value - (from[at] ?? 0)),
    );
    const all = user + nice + system + idle + wait + irq + soft + steal;
    const percent = (part: number): number => (100 * part) / all;
    return {
      used_percent: percent(all - idle - wait),
      user_percent: percent(user + nice),
      system_percent: percent(system + irq + soft),
      iowait_percent: percent(wait),
      steal_percent: percent(steal),
    };
  };
  const looks = [...agents(t)].map(async ([agent, visit]) => {
    const counts = [ticks()];
    await visit();
    counts.push(ticks());
    // The interval must be long compared with the time between a visit's reading of the counters and this test's.
    await sleep(apartMs);
    counts.push(ticks());
    const [row] = rowsOf(await visit(), 'cpu');
    counts.push(ticks());
    const [before = [], after = [], then = [], last = []] = counts;
    const [longest, shortest] = [shares(before, last), shares(after, then)];
    assert.ok(Number(row?.['interval_s']) >= apartMs / 1000, `${agent} ${String(row?.['interval_s'])} s`);
    for (const field of Object.keys(longest) as (keyof typeof longest)[]) {
      between(row?.[field], [longest[field], shortest[field]], 15, `${agent} ${field}`);
    }
    assert.equal(row?.['cpus'], readFileSync('/proc/stat', 'utf8').match(/^cpu\d/gm)?.length, agent);
  });
  await Promise.all(looks);
});

interface Link {
  readonly ifname: string;
  readonly operstate: string;
  readonly stats64: Readonly<Record<'rx' | 'tx', Readonly<Record<'bytes' | 'packets' | 'errors' | 'dropped', number>>>>;
}

test('rates of interfaces are the differences of ip -s between two visits', rare, async (t) => {
  const links = (): readonly Link[] => JSON.parse(run('ip', '-s', '-j', 'link')) as readonly Link[];
  const visits = [...agents(t)].map(async ([agent, visit]) => {
    const looks = [links()];
    const first = await visit();
    looks.push(links());
    await sleep(apartMs);
    looks.push(links());
    const second = await visit();
    looks.push(links());
    const seconds = (second.monotonic_ms - first.monotonic_ms) / 1000;
    const rows = rowsOf(second, 'network');
    const names = links().map(({ ifname }) => ifname);
    for (const row of rows) assert.ok(names.includes(String(row['interface'])), String(row['interface']));
    for (const row of rows) {
      for (const way of ['rx', 'tx'] as const) {
        for (const [field, counter] of [
          ['bytes', 'bytes'],
          ['packets', 'packets'],
          ['errors', 'errors'],
          ['drops', 'dropped'],
        ] as const) {
          const [a = 0, b = 0, c = 0, d = 0] = looks.map(
            (all) => all.find(({ ifname }) => ifname === row['interface'])?.stats64[way][counter] ?? NaN,
          );
          // The counters of a visit lie between the readings around it. The visit reads its clock a moment before or
          // after.
          const [least, most] = [(c - b) / seconds, (d - a) / seconds];
          between(row[`${way}_${field}_per_s`], [least, most], 0.5 * most + 0.02, `${agent} ${way} ${field}`);
        }
      }
      const state = links().find(({ ifname }) => ifname === row['interface'])?.operstate;
      if (state === 'UP' || state === 'DOWN') assert.equal(row['link_up'], Number(state === 'UP'), agent);
    }
  });
  await Promise.all(visits);
});

test('the architecture is that of uname -m, the kernel that of uname -r', async (t) => {
  for (const [agent, visit] of agents(t)) {
    const [row] = rowsOf(await visit(), 'os');
    assert.equal(row?.['architecture'], run('uname', '-m').trim(), agent);
    assert.equal(row['kernel'], run('uname', '-r').trim(), agent);
  }
});

test(
  'failed units and states of units are those of systemctl',
  { skip: existsSync('/run/systemd/system') ? false : 'systemd does not run here' },
  async (t) => {
    const units = ['systemd-journald', 'ssh', 'multi-user.target', 'no-such'];
    const isActive = (unit: string): number => {
      try {
        return Number(run('systemctl', 'is-active', unit).trim() === 'active');
      } catch {
        return 0;
      }
    };
    for (const [agent, visit] of agents(t)) {
      const report = await visit({ units });
      const failed = run('systemctl', 'list-units', '--all', '--state=failed', '--plain', '--no-legend').split('\n');
      const names = failed
        .flatMap((line) => line.split(' ', 1))
        .filter(Boolean)
        .sort();
      assert.deepEqual(pluck(rowsOf(report, 'failed_unit'), 'unit'), names, agent);
      const states = rowsOf(report, 'unit').map(({ unit, active }) => [unit, active]);
      const expected = units.map((unit) => [unit, isActive(unit)]);
      assert.deepEqual(states, expected, agent);
    }
  },
);

test('a unit that reloads or began to start a moment ago is active; a restart after a fault is not', async (t) => {
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ', 1)[0]);
  const microseconds = (secondsAgo: number): string => String(Math.round((uptime - secondsAgo) * 1e6));
  const block = (name: string, state: string, secondsAgo: number, restarts: number | null): string =>
    `Id=${name}.service\nNames=${name}.service\nLoadState=loaded\nActiveState=${state}\n` +
    `${restarts === null ? '' : `NRestarts=${restarts}\n`}InactiveExitTimestampMonotonic=${microseconds(secondsAgo)}\n`;
  const reported = [
    ...[block('reloads', 'reloading', 5000, 0), block('refreshes', 'refreshing', 5000, 0)],
    ...[block('starts', 'activating', 30, 0), block('started-by-old-systemd', 'activating', 30, null)],
    ...[block('hangs', 'activating', 200, 0), block('loops', 'activating', 1, 7), block('stops', 'deactivating', 1, 0)],
  ];
  const root = rootWith(tempFolder(t), {
    'run/systemd/system/x': '',
    'usr/bin/systemctl': `#!/bin/sh\ncat <<'.'\nId=-.slice\n\n${reported.join('\n')}.\n`,
    'proc/uptime': readFileSync('/proc/uptime'),
    'proc/self/mountinfo': '',
  });
  chmodSync(`${root}/usr/bin/systemctl`, 0o755);
  const units = reported.map((text) => /^Id=(.*)\.service/.exec(text)?.[1] ?? '');
  const node = await services.run(contextOf(root, { options: { units }, leftMs: () => 5000 }));
  const agent = shellAgent(t, { own: { systemctl: `exec ${root}/usr/bin/systemctl` } });
  const { report } = await agent.run({ root, options: { units } });
  const states = [familyOf(node.functions, 'unit').data, rowsOf(report ?? assert.fail('no report'), 'unit')];
  const active = ['reloads 1', 'refreshes 1', 'starts 1', 'started-by-old-systemd 1'];
  for (const rows of states) {
    const found = rows.map((row) => `${String(row['unit'])} ${String(row['active'])}`);
    assert.deepEqual(found, [...active, 'hangs 0', 'loops 0', 'stops 0']);
  }
});

test('0 and 127 degrees, which unconnected Super-I/O inputs read, are no temperatures', async (t) => {
  const chip = 'sys/class/hwmon/hwmon0';
  const inputs = { temp1: '0', temp2: '127000', temp3: '126000', temp4: '500', temp5: '-62000' };
  const root = rootWith(tempFolder(t), {
    [`${chip}/name`]: 'nct6798\n',
    ...Object.fromEntries(Object.entries(inputs).map(([input, value]) => [`${chip}/${input}_input`, `${value}\n`])),
    'proc/uptime': readFileSync('/proc/uptime'),
    'proc/self/mountinfo': '',
  });
  const expected = [null, null, 126, 0.5, null];
  const node = (await temperatures.run(contextOf(root))).functions;
  const { report } = await shellAgent(t).run({ root });
  for (const rows of [familyOf(node, 'temperature').data, rowsOf(report ?? assert.fail('no report'), 'temperature')]) {
    const sorted = rows.toSorted((one, other) => (String(one['sensor']) < String(other['sensor']) ? -1 : 1));
    const degrees = sorted.map(({ celsius }) => celsius);
    assert.deepEqual(degrees, expected);
  }
  assert.match(String(reasonOf(node, 'temperature', 'celsius')), /^not connected: /);
});
