import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { matchesGlobs } from '../../../agent/probes/name-glob.ts';
import { processes, decodeTicks, encodeTicks } from '../../../agent/probes/processes.ts';
import { parseProcessStat } from '../../../agent/probes/process-stat.ts';
import { nameOf } from '../../../agent/probes/read-processes.ts';
import { pageBytes } from '../../../agent/live/page-bytes.ts';
import { openSource } from '../../../agent/live/live-source.ts';
import { contextOf, familyOf, onlyRow, reasonOf } from './fixture-context.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const page = pageBytes('') ?? 0;

test('counts by state', async () => {
  const { functions, error } = await processes.run(contextOf('vm'));
  // The one running process of the fixture stands for the agent, which the probe does not count.
  assert.deepEqual(onlyRow(functions, 'processes'), { total: 10, running: 1, blocked: 1, zombies: 1 });
  assert.equal(error, undefined);
});

test('the top five by memory, without those that have none', async () => {
  const { functions } = await processes.run(contextOf('vm'));
  assert.deepEqual(familyOf(functions, 'process_memory').data, [
    { process: 'mysqld', pid: 500, resident_bytes: 250_000 * page },
    { process: 'prometheus-node-exporter', pid: 505, resident_bytes: 8000 * page },
    { process: 'systemd', pid: 1, resident_bytes: 3000 * page },
    { process: 'sshd', pid: 400, resident_bytes: 2000 * page },
    { process: 'nginx', pid: 502, resident_bytes: 1800 * page },
  ]);
});

test('the top five by CPU time since the previous visit', async () => {
  // mysqld had 99000 ticks and has 100000. nginx 502 began after the latest known start, with a reused pid.
  const counters = [1000, 1, 1000, 500, 99_000, 501, 20, 502, 9999, 505, 400];
  const { functions } = await processes.run(contextOf('vm', { counters, elapsedMs: 10_000 }));
  assert.deepEqual(familyOf(functions, 'process_cpu').data, [
    { process: 'mysqld', pid: 500, used_percent_of_one_cpu: 100 },
    { process: 'nginx', pid: 502, used_percent_of_one_cpu: 80 },
    { process: 'prometheus-node-exporter', pid: 505, used_percent_of_one_cpu: 50 },
    { process: 'a (b) c', pid: 503, used_percent_of_one_cpu: 0.2 },
  ]);
});

test('the first visit has no top five by CPU, but counters for the next', async () => {
  const { functions, counters } = await processes.run(contextOf('vm'));
  assert.deepEqual(familyOf(functions, 'process_cpu').data, []);
  const before = decodeTicks(counters);
  assert.equal(before?.lastStart, 1004);
  assert.equal(before.ticksByPid.get(500), 100_000);
});

test('processes that rules name, by whole names too', async () => {
  const globs = ['nginx', 'prometheus-node-exporter', 'prometheus-node', 'no-such', '*,!nginx', 'mysql?'];
  const { functions } = await processes.run(contextOf('vm', { options: { processes: globs } }));
  const counts = familyOf(functions, 'process_match').data.map((row) => row['count']);
  assert.deepEqual(counts, [2, 1, 1, 0, 8, 1]);
});

for (const { what, cmdline, expected } of [
  {
    what: 'a whole name',
    cmdline: '/opt/bin/prometheus-node-exporter\0--secret=a\0',
    expected: 'prometheus-node-exporter',
  },
  { what: 'a title', cmdline: 'prometheus-node-x: password a\0', expected: 'prometheus-node-x' },
  { what: 'an interpreter', cmdline: '/usr/bin/python3\0/opt/prometheus-node\0', expected: 'prometheus-node' },
  { what: 'no command line', cmdline: '', expected: 'prometheus-node' },
] as const) {
  test(`a name of 15 characters and ${what}`, (t) => {
    const root = tempFolder(t);
    mkdirSync(`${root}/proc/7`, { recursive: true });
    writeFileSync(`${root}/proc/7/cmdline`, cmdline);
    const info = { comm: 'prometheus-node', state: 'S', ticks: 0, threads: 1, start: 1, residentPages: 1, pid: 7 };
    assert.equal(nameOf(info, openSource(root)), expected);
    assert.equal(nameOf({ ...info, comm: 'short' }, openSource(root)), 'short');
    assert.equal(nameOf({ ...info, pid: 8 }, openSource(root)), 'prometheus-node');
  });
}

test('hidepid: unknown with the reason, and no error', async () => {
  const { functions, error } = await processes.run(contextOf('ancient', { options: { processes: ['x'] } }));
  const reason = 'no permission: /proc shows own processes only';
  assert.deepEqual(onlyRow(functions, 'processes'), { total: null, running: null, blocked: null, zombies: null });
  assert.equal(reasonOf(functions, 'processes', 'total'), reason);
  assert.equal(reasonOf(functions, 'process_match', 'count'), reason);
  assert.equal(error, undefined);
});

test('no time left: what is counted is said, the rest is unknown, and an error', async () => {
  const { functions, error } = await processes.run(contextOf('vm', { leftMs: () => 0 }));
  assert.deepEqual(onlyRow(functions, 'processes'), { total: 10, running: null, blocked: null, zombies: null });
  assert.equal(error, 'no time left after 0 of 10 processes');
});

test('of equal figures those that come first stay, and the agent itself is in no top five', async (t) => {
  const root = tempFolder(t);
  const line = (pid: number, ticks: number, pages: number): string =>
    `${pid} (p) S 1 1 1 0 -1 4 1 0 0 0 ${ticks} 0 0 0 20 0 1 0 5 1 ${pages} 1 1 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n`;
  const figures = [
    [1, 10, 10],
    [2, 20, 30],
    [3, 20, 30],
    [4, 40, 10],
    [5, 20, 30],
    [6, 20, 10],
    [7, 20, 10],
    [8, 50, 40],
    [process.pid, 1000, 1000],
  ] as const;
  for (const [pid, ticks, pages] of figures) {
    mkdirSync(`${root}/proc/${pid}`, { recursive: true });
    writeFileSync(`${root}/proc/${pid}/stat`, line(pid, ticks, pages));
  }
  const listed = readdirSync(`${root}/proc`).map(Number);
  const expected = (column: 1 | 2): number[] =>
    figures
      .filter(([pid]) => pid !== process.pid)
      .sort((one, other) => other[column] - one[column] || listed.indexOf(one[0]) - listed.indexOf(other[0]))
      .slice(0, 5)
      .map(([pid]) => pid);
  const counters = [9, ...figures.flatMap(([pid]) => [pid, 0])];
  const { functions } = await processes.run(contextOf(root, { counters, elapsedMs: 10_000 }));
  const pids = (family: string): unknown[] => familyOf(functions, family).data.map(({ pid }) => pid);
  assert.deepEqual(pids('process_cpu'), expected(1));
  assert.deepEqual(pids('process_memory'), expected(2));
});

test('counters of 10,000 processes are bounded: those of the busiest are kept', () => {
  const one = { comm: 'p', state: 'S', threads: 1, residentPages: 5 };
  const many = Array.from({ length: 10_000 }, (_, at) => ({ ...one, pid: at + 1, ticks: at + 1, start: at + 1 }));
  const counters = encodeTicks(many);
  const ticks = decodeTicks(counters)?.ticksByPid;
  assert.equal(ticks?.size, 4000);
  assert.equal(Math.min(...ticks.keys()), 6001);
  assert.ok(JSON.stringify(counters).length < 64 * 1024);
});

test('the time left is looked at while processes are read', async (t) => {
  const root = tempFolder(t);
  for (let pid = 1; pid <= 300; pid++) {
    mkdirSync(`${root}/proc/${pid}`, { recursive: true });
    writeFileSync(
      `${root}/proc/${pid}/stat`,
      `${pid} (p) S 1 1 1 0 -1 4 1 0 0 0 1 0 0 0 20 0 1 0 1 1 5 1 1 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n`,
    );
  }
  const whole = await processes.run(contextOf(root, { leftMs: () => 1000 }));
  assert.equal(onlyRow(whole.functions, 'processes')['total'], 300);
  let looks = 0;
  const cut = await processes.run(contextOf(root, { leftMs: () => 3 - ++looks }));
  assert.match(cut.error ?? '', /^no time left after \d{2,3} of 300 processes$/);
});

test('names with parentheses, and what is no stat line', () => {
  const stat = '7 (a) R (b)) S 1 7 7 0 -1 0 0 0 0 0 3 4 0 0 20 0 2 0 99 0 12 0 0';
  const figures = { ticks: 7, threads: 2, start: 99, residentPages: 12 };
  assert.deepEqual(parseProcessStat(stat), { pid: 7, comm: 'a) R (b)', state: 'S', ...figures });
  assert.equal(parseProcessStat(''), null);
  assert.equal(parseProcessStat('7 (a) S 1 2'), null);
});

test('ticks come back as they went; anything else is nothing', () => {
  assert.equal(decodeTicks(''), null);
  assert.equal(decodeTicks({ a: 1 }), null);
  assert.equal(decodeTicks([]), null);
  assert.equal(decodeTicks([1, 'a', 2]), null);
  assert.equal(decodeTicks([1, 2, 'a']), null);
  assert.equal(decodeTicks(['a', 1, 2]), null);
  assert.equal(decodeTicks([1, 2, 3, 4]), null);
  // An earlier version stored this format.
  assert.equal(decodeTicks('rs 1 rs'), null);
  const process = { comm: 'x', state: 'S', ticks: 123, threads: 1, start: 77, residentPages: 1, pid: 42 };
  assert.deepEqual(decodeTicks(encodeTicks([process])), { ticksByPid: new Map([[42, 123]]), lastStart: 77 });
});

const matches: readonly { readonly globs: string; readonly name: string; readonly expected: boolean }[] = [
  { globs: '*', name: 'anything', expected: true },
  { globs: 'ng*', name: 'nginx', expected: true },
  { globs: '*x', name: 'nginx', expected: true },
  { globs: 'n*i*x', name: 'nginx', expected: true },
  { globs: 'n?inx', name: 'nginx', expected: true },
  { globs: 'ngin', name: 'nginx', expected: false },
  { globs: 'nginx?', name: 'nginx', expected: false },
  { globs: 'a, nginx', name: 'nginx', expected: true },
  { globs: '*,!ng*', name: 'nginx', expected: false },
  { globs: '!ng*', name: 'nginx', expected: false },
  { globs: '!ng*', name: 'sshd', expected: true },
  { globs: '', name: 'nginx', expected: false },
  { globs: '[n]ginx', name: 'nginx', expected: false },
  { globs: `${'*a'.repeat(50)}b`, name: 'a'.repeat(200), expected: false },
];

for (const { globs, name, expected } of matches) {
  test(`${globs.slice(0, 20)} ${expected ? 'matches' : 'does not match'} ${name.slice(0, 20)}`, () => {
    assert.equal(matchesGlobs(globs, name), expected);
  });
}

test('the size of a page where it may differ: from what the kernel gave this process', () => {
  assert.equal(pageBytes('', 'arm64'), page);
  assert.equal(pageBytes('/nowhere', 'arm64'), null);
});
