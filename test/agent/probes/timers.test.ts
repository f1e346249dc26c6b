/** Late timers, reported by both agents from the output of one systemctl. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';

import { withBuiltIn } from '../../../agent/checks/with-built-in.ts';
import { services } from '../../../agent/probes/services.ts';
import type { CheckResult } from '../../../src/report/checks.ts';
import { checkAwks, inShort } from '../../support/clients/built-in-checks.ts';
import { rootWith, shellAgent } from '../../support/clients/shell-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { contextOf } from './fixture-context.ts';

/** The time since boot on the machine of these tests. */
const uptimeSeconds = 100_000_000;

/** Returns a CLOCK_MONOTONIC time these seconds ago, as systemd writes a span. Returns '0' for null: never. */
function span(secondsAgo: number | null): string {
  if (secondsAgo === null) return '0';
  const seconds = uptimeSeconds - secondsAgo;
  return `${Math.floor(seconds / 3600)}h ${Math.floor((seconds % 3600) / 60)}min ${(seconds % 60).toFixed(6)}s`;
}

interface Timer {
  /** The lines that `systemctl show` of systemd 252 printed for timers that were made for this test. */
  readonly lines: readonly string[];
  readonly lastAgo: number | null;
  readonly activeAgo?: number;
  readonly state?: string;
  readonly random?: string;
  readonly late?: string;
}

const calendar = (text: string): string =>
  `TimersCalendar={ OnCalendar=${text} ; next_elapse=Sun 2026-11-22 09:16:40 UTC }`;
const monotonic = (text: string): string => `TimersMonotonic={ ${text} ; next_elapse=3h 54min 33.886235s }`;
const hour = 3600;

const timers: Readonly<Record<string, Timer>> = {
  'daily-hung': {
    lines: [calendar('*-*-* 06,18:00:00')],
    lastAgo: 49 * hour,
    state: 'running',
    late: 'last triggered 2 d ago, period 24 h at most; its unit has not ended|age=176400s;172860',
  },
  'daily-waits': {
    lines: [calendar('*-*-* 06:00:00')],
    lastAgo: 49 * hour,
    late: 'last triggered 2 d ago, period 24 h at most|age=176400s;172860',
  },
  'daily-in-time': { lines: [calendar('*-*-* 06:00:00')], lastAgo: 47 * hour, state: 'running' },
  'daily-random': { lines: [calendar('*-*-* 06,18:00:00')], lastAgo: 49 * hour, random: '12h' },
  'daily-just-started': { lines: [calendar('*-*-* 06:00:00')], lastAgo: 90 * hour, activeAgo: hour },
  'hourly-hung': {
    lines: [calendar('*-*-* *:00/15:00 Europe/Berlin')],
    lastAgo: 2.1 * hour,
    state: 'running',
    late: 'last triggered 2 h ago, period 60 min at most; its unit has not ended|age=7560s;7260',
  },
  weekly: { lines: [calendar('Mon *-*-* 00:00:00')], lastAgo: 13 * 24 * hour },
  'weekly-late': {
    lines: [calendar('Mon..Fri *-*-* 02:30:00'), calendar('Mon *-*-* 00:00:00')],
    lastAgo: 15 * 24 * hour,
    late: 'last triggered 15 d ago, period 7 d at most|age=1296000s;1209660',
  },
  monthly: { lines: [calendar('*-*-01 00:00:00')], lastAgo: 61 * 24 * hour },
  'monthly-late': {
    lines: [calendar('*-*~01 00:00:00')],
    lastAgo: 63 * 24 * hour,
    late: 'last triggered 63 d ago, period 31 d at most|age=5443200s;5356860',
  },
  'first-monday': { lines: [calendar('Mon *-*-01..07 00:00:00')], lastAgo: 100 * 24 * hour },
  quarterly: { lines: [calendar('*-01,04,07,10-01 00:00:00')], lastAgo: 300 * 24 * hour },
  'weekday-of-a-month': { lines: [calendar('Sat,Sun *-12-05 08:05:40')], lastAgo: 1800 * 24 * hour },
  'leap-day': { lines: [calendar('*-02-29 00:00:00')], lastAgo: 1461 * 24 * hour },
  'of-one-year': { lines: [calendar('2026-11-22 09:16:40')], lastAgo: 300 * 24 * hour },
  'shorter-of-two': {
    lines: [monotonic('OnBootUSec=1s'), monotonic('OnUnitActiveUSec=1d'), calendar('*-*-* *:*:00')],
    lastAgo: 2.5 * hour,
    late: 'last triggered 2 h ago, period 60 min at most|age=9000s;7260',
  },
  'active-hung': {
    lines: [monotonic('OnBootUSec=1s'), monotonic('OnUnitActiveUSec=5s')],
    lastAgo: 1.1 * hour,
    state: 'running',
    late: 'last triggered 66 min ago, period 30 min at most; its unit has not ended|age=3960s;3660',
  },
  'active-in-time': {
    lines: [monotonic('OnBootUSec=1s'), monotonic('OnUnitActiveUSec=5s')],
    lastAgo: 0.9 * hour,
    state: 'running',
  },
  'after-its-end': { lines: [monotonic('OnUnitInactiveUSec=3s')], lastAgo: 90 * hour, state: 'running' },
  once: { lines: [monotonic('OnBootUSec=1s')], lastAgo: 90 * hour, state: 'elapsed' },
  'never-hung': {
    lines: [calendar('*-*-* 06:00:00')],
    lastAgo: null,
    activeAgo: 49 * hour,
    late: 'not triggered since its start 2 d ago, period 24 h at most|age=176400s;172860',
  },
  'never-since-boot': {
    lines: [calendar('Mon *-*-* 00:00:00')],
    lastAgo: null,
    activeAgo: uptimeSeconds,
    late: 'not triggered since its start 1157 d ago, period 7 d at most|age=100000000s;1209660',
  },
  'never-in-time': { lines: [calendar('*-*-* 06:00:00')], lastAgo: null, activeAgo: 47 * hour },
  'never-of-one-year': { lines: [calendar('2036-11-22 09:16:40')], lastAgo: null, activeAgo: 300 * 24 * hour },
  never: { lines: [monotonic('OnUnitActiveUSec=1d')], lastAgo: null, state: 'elapsed' },
  stopped: { lines: [calendar('*-*-* 06:00:00')], lastAgo: 90 * hour, state: 'dead' },
  broken: { lines: [calendar('*-*-* 06:00:00')], lastAgo: 90 * hour, state: 'failed' },
  'back\\x2dup@home': {
    lines: [monotonic('OnUnitActiveUSec=1month 2d 1.5s')],
    lastAgo: 66 * 24 * hour,
    late: 'last triggered 66 d ago, period 32 d at most|age=5702400s;5605263',
  },
};

/** Returns the blocks of `systemctl show`. The properties of a timer precede the properties of its unit. */
function shown(): string {
  const blocks = Object.entries(timers).map(
    ([name, { lines, lastAgo, activeAgo = 400 * 24 * hour, state = 'waiting', random = '0' }]) => {
      const isActive = state !== 'dead' && state !== 'failed';
      const active = Math.max(0, uptimeSeconds - activeAgo) * 1e6;
      return [
        ...lines,
        `LastTriggerUSecMonotonic=${span(lastAgo)}`,
        'AccuracyUSec=1min',
        `RandomizedDelayUSec=${random}`,
        `Id=${name}.timer`,
        `Names=${name}.timer`,
        'LoadState=loaded',
        `ActiveState=${isActive ? 'active' : state === 'dead' ? 'inactive' : 'failed'}`,
        `SubState=${state}`,
        `InactiveExitTimestampMonotonic=${active.toFixed(0)}`,
        `ActiveEnterTimestampMonotonic=${active.toFixed(0)}`,
        '',
      ].join('\n');
    },
  );
  return ['Id=-.slice\n', ...blocks].join('\n');
}

/** Returns a machine with this text as the program systemctl and these files. Some timers are enabled. */
function machineWith(t: TestContext, systemctl: string, files: Readonly<Record<string, string>> = {}): string {
  const root = rootWith(tempFolder(t), { 'proc/uptime': `${uptimeSeconds}.00 1.00\n`, ...files });
  const folders = ['run/systemd/system', 'usr/bin', 'etc/systemd/system', 'usr/lib/systemd/system'];
  for (const folder of folders) mkdirSync(`${root}/${folder}/timers.target.wants`, { recursive: true });
  for (const name of ['etc', 'usr/lib']) {
    symlinkSync('/gone', `${root}/${name}/systemd/system/timers.target.wants/both.timer`);
    symlinkSync('/gone', `${root}/${name}/systemd/system/timers.target.wants/of ${name[0] ?? ''}.timer`);
    writeFileSync(`${root}/${name}/systemd/system/timers.target.wants/x.service`, '');
  }
  writeFileSync(`${root}/usr/bin/systemctl`, `#!/bin/sh\n${systemctl}\n`, { mode: 0o755 });
  return root;
}

async function lateByNode(t: TestContext, root: string): Promise<readonly CheckResult[]> {
  t.mock.method(process.hrtime, 'bigint', () => BigInt(uptimeSeconds) * 1_000_000_000n);
  const { checks = [] } = await services.run(contextOf(root, { leftMs: () => 5000 }));
  return withBuiltIn(null, checks).checks ?? [];
}

const late = Object.entries(timers).flatMap(([name, { late: output }]) =>
  output === undefined ? [] : [{ name: `timer:${name.replace(/[\\@]/g, '_')}`, exit: 1, output } as const],
);

for (const awk of checkAwks) {
  test(`a timer is late if it is active and fired more than two periods ago (${awk})`, async (t) => {
    const systemctl = `cat <<'END'\n${shown()}END`;
    const root = machineWith(t, systemctl);
    assert.deepEqual((await lateByNode(t, root)).map(inShort), late);
    const { report } = await shellAgent(t, { awk, own: { systemctl } }).run({ root });
    assert.deepEqual(report?.checks?.map(inShort), late);
  });
}

test('the timers that are enabled are named in the one call, each once', async (t) => {
  const log = `${tempFolder(t)}/args`;
  const systemctl = `for x; do echo "$x"; done >>${log}; echo end >>${log}`;
  const root = machineWith(t, systemctl);
  await lateByNode(t, root);
  await shellAgent(t, { own: { systemctl } }).run({ root });
  const calls = readFileSync(log, 'utf8').split('end\n').slice(0, -1);
  assert.equal(calls.length, 2);
  for (const call of calls) {
    const words = call.trim().split('\n');
    assert.deepEqual(words.slice(words.indexOf('--') + 1).sort(), [
      '*',
      '-.slice',
      'both.timer',
      'of e.timer',
      'of u.timer',
    ]);
    assert.ok(words.includes('LastTriggerUSecMonotonic'));
  }
});

test('the shell agent evaluates no timers once the machine has slept: its clock goes on meanwhile', async (t) => {
  const systemctl = `cat <<'END'\n${shown()}END`;
  const root = machineWith(t, systemctl, { 'sys/power/suspend_stats/success': '1\n' });
  const { report } = await shellAgent(t, { own: { systemctl } }).run({ root });
  assert.deepEqual(report?.checks ?? [], []);
});

test('a systemctl that fails leaves no check of a timer', async (t) => {
  assert.deepEqual(await lateByNode(t, machineWith(t, 'exit 1')), []);
});
