// Second tier: waits for programs that hang, in each shell
/**
 * Machines on which a program hangs, is missing or prints wrong values. The shell agent reports the values that it has,
 * in time, and leaves no process behind.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';

import { prefersOwnApplets, shellClient, shells, whereIs } from '../../support/clients/shell-client.ts';
import { ownFile, rootWith, shellAgent, workerOf, type ShellRun } from '../../support/clients/shell-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';
import { assertWithin } from '../../support/within.ts';

/** Returns the pids of the processes with this text in their command line or environment, except this process. */
function processesWith(text: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
    try {
      return ['cmdline', 'environ'].some((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(text));
    } catch {
      return false;
    }
  });
}

/** Waits until no process of a machine is left. Fails if processes are left after `withinMs`. */
const ended = (home: string, withinMs: number): Promise<void> =>
  until(
    () => processesWith(home).length === 0,
    () => `still there: ${processesWith(home).join()}`,
    withinMs,
    50,
  );

const disk = (run: ShellRun, mount = '/') => {
  const [family] = workerOf(run, 'disks').function_reports;
  const row = family?.data.findIndex((one) => one['mount'] === mount) ?? -1;
  const reason = family?.unknown?.find((entry) => entry.row === undefined || entry.row === row)?.reason;
  return { row: family?.data[row], reason };
};

// These tests spend most of their time waiting.
describe('what hangs', { concurrency: 4 }, () => {
  for (const shell of shells) {
    const skip = prefersOwnApplets(shell) && `no program of a test takes the place of what is built into this ${shell}`;

    test(`${shell}: a stat that hangs costs the disks, after three seconds, and nothing else`, { skip }, async (t) => {
      const agent = shellAgent(t, { shell, own: { stat: 'exec sleep 60' } });
      const run = await agent.run();
      assert.equal(disk(run).row?.['used_percent'], null);
      assert.equal(disk(run).reason, 'statfs: no answer within 3 s');
      assert.equal(workerOf(run, 'memory').error, null);
      await ended(agent.home, 1000);
    });

    test(`${shell}: an awk that hangs costs what only awk reads, and nothing of it is left`, { skip }, async (t) => {
      const agent = shellAgent(t, { shell, own: { awk: 'exec sleep 60' } });
      const run = await agent.run({ killAfterSeconds: 30 });
      assert.equal(workerOf(run, 'memory').error, null);
      assert.equal(run.end?.left, 0);
      await ended(agent.home, 1000);
    });

    test(`${shell}: without timeout(1) its own watchdog ends the agent at its deadline`, { skip }, async (t) => {
      const agent = shellAgent(t, { shell, own: { readlink: 'exec sleep 4' } });
      const began = performance.now();
      const { signal, hello, report } = await agent.run({ killAfterSeconds: 2, guard: 'w' });
      assert.equal(signal, 'SIGKILL');
      assert.equal(hello.reader, 'shell');
      assert.equal(report, null);
      assertWithin(began, 8000);
      await ended(agent.home, 6000);
    });

    test(`${shell}: its own watchdog ends with the agent`, async (t) => {
      const agent = shellAgent(t, { shell });
      const { status, report } = await agent.run({ guard: 'w', killAfterSeconds: 60 });
      assert.equal(status, 0);
      assert.notEqual(report, null);
      await ended(agent.home, 1000);
    });
  }
});

/** Programs that are not what their names say, by what they do. */
const impostors: Readonly<Record<string, (file: string) => void>> = {
  'ends well without a word': (file) => writeFileSync(file, '#!/bin/sh\nexit 0\n'),
  'prints what nobody asked for': (file) => writeFileSync(file, '#!/bin/sh\nhead -c 300 /dev/urandom\n'),
  'explains its use': (file) => writeFileSync(file, '#!/bin/sh\necho "usage: it FILE" >&2\nexit 1\n'),
  'is a shim': (file) => writeFileSync(file, '#!/bin/sh\necho "No version is set for command it"\nexit 126\n'),
  'sleeps for ever': (file) => writeFileSync(file, '#!/bin/sh\nexec sleep 60\n'),
  'cannot be executed': (file) => chmodSync(file, 0o644),
  'is a folder': (file) => {
    rmSync(file);
    mkdirSync(file);
  },
};

/** The worker reports that another program of a name may cost. */
const costs: Readonly<Record<string, readonly string[]>> = {
  gzip: [],
  curl: ['containers'],
  systemctl: ['services', 'timers'],
  awk: ['disks'],
};

/** Returns the error and the reasons for unknown values of each worker report. */
const faultsOf = ({ report }: ShellRun): ReadonlyMap<string, string> =>
  new Map(
    report?.worker_reports.map(({ name, error, function_reports }) => {
      const reasons = function_reports.flatMap(({ unknown = [] }) => unknown.map(({ reason }) => reason));
      return [name, [error, ...new Set(reasons)].join('; ')];
    }),
  );

describe('a program that is not what its name says', { concurrency: 4 }, () => {
  for (const [name, expected] of Object.entries(costs)) {
    let without: ReadonlyMap<string, string> | null = null;
    for (const [what, put] of Object.entries(impostors)) {
      test(`a ${name} that ${what} costs ${expected.join(' and ') || 'nothing'}`, async (t) => {
        without ??= faultsOf(await shellAgent(t, { without: [name] }).run());
        const known = without;
        const agent = shellAgent(t, { own: { [name]: '' } });
        put(path.join(agent.bin, name));
        const run = await agent.run({ guard: 'w', killAfterSeconds: 30 });
        assert.deepEqual([run.status, run.fault, run.end?.place === null], [0, null, false]);
        const differing = [...faultsOf(run)].filter(([worker, faults]) => known.get(worker) !== faults);
        assert.deepEqual(
          differing.filter(([worker]) => !expected.includes(worker)),
          [],
        );
        await ended(agent.home, 1000);
      });
    }
  }
});

test('where stat knows no file systems df is asked, and says the same', async (t) => {
  const plain = disk(await shellAgent(t).run());
  for (const df of [whereIs('df') ?? '', `${whereIs('busybox') ?? ''} df`]) {
    const run = await shellAgent(t, { own: { stat: 'exit 1', df: `exec ${df} "$@"` } }).run();
    assert.equal(workerOf(run, 'disks').error, null);
    const { row } = disk(run);
    assert.equal(row?.['size_bytes'], plain.row?.['size_bytes']);
    for (const field of ['used_percent', 'inodes_percent']) {
      assert.ok(Math.abs(Number(row?.[field]) - Number(plain.row?.[field])) < 1, field);
    }
  }
});

test('a df that counts no inodes leaves them unknown', async (t) => {
  const df = `case $1 in *i*) exit 1;; esac; exec ${whereIs('df') ?? ''} "$@"`;
  const run = await shellAgent(t, { own: { stat: 'exit 1', df } }).run();
  assert.equal(disk(run).row?.['inodes_percent'], null);
  assert.equal(disk(run).reason, 'no inode count');
  assert.equal(typeof disk(run).row?.['used_percent'], 'number');
});

const withNetworkMounts = [
  '20 1 8:1 / / rw - ext4 /dev/sda1 rw',
  '21 20 0:50 / /srv/nas rw - nfs4 nas:/x rw',
  '22 21 8:2 / /srv/nas/disk rw - ext4 /dev/sdb1 rw',
  '23 20 0:51 / /mnt/my\\040share rw - cifs //there/x rw',
  '24 20 8:3 / /data\\040with\\040blanks ro - xfs /dev/sdc1 rw',
  '25 20 0:52 / /auto rw - autofs systemd-1 rw',
  '26 20 0:53 / /stale rw - nfs4 old:/x rw',
].join('\n');

test('a network file system that is dead costs itself alone, and no automounter is asked', async (t) => {
  const log = path.join(tempFolder(t), 'log');
  const root = rootWith(tempFolder(t), { 'proc/self/mountinfo': withNetworkMounts });
  const stat = `printf '%s\\n' "$@" >>${log}; case "$*" in *stale*) echo 'Stale file handle' >&2; exit 1;; esac
    for x; do case $x in ./srv/nas) exec sleep 60;; ./) echo "=fs 100 50 40 4096 10 5 $x";;
      ./*) echo "100 50 40 4096 10 5";; esac; done`;
  const run = await shellAgent(t, { own: { stat } }).run({ root });
  assert.doesNotMatch(ownFile(log), /auto$/m);
  const rows = workerOf(run, 'disks').function_reports[0]?.data ?? [];
  assert.deepEqual(
    rows.map(({ mount, scope, used_percent, unresponsive }) => [mount, scope, used_percent, unresponsive]),
    [
      ['/', 'local', 55.56, 0],
      ['/data with blanks', 'local', 55.56, 0],
      ['/mnt/my share', 'network', 55.56, 0],
      ['/srv/nas', 'network', null, 1],
      ['/srv/nas/disk', 'local', 55.56, 0],
      ['/stale', 'network', null, 1],
    ],
  );
  assert.equal(disk(run, '/srv/nas').reason, 'no answer within 2000 ms');
  assert.equal(disk(run, '/stale').reason, 'statfs: ESTALE');
});

/** Names of mounts in any bytes, and the texts that a reader takes for them. */
const oddNames: readonly { readonly name: Buffer; readonly text: string }[] = [
  { name: Buffer.from('plain'), text: 'plain' },
  { name: Buffer.from('quote"back\\slash'), text: 'quote"back\\slash' },
  { name: Buffer.from('\x01\x1b[2Jbell\x07\x7f'), text: '\ufffd\ufffd[2Jbell\ufffd\ufffd' },
  { name: Buffer.from('größe ☃ 😀'), text: 'größe ☃ 😀' },
  { name: Buffer.from('\xff\xfe broken', 'latin1'), text: '\ufffd\ufffd broken' },
  { name: Buffer.from('\xe2\x82 cut', 'latin1'), text: '\ufffd cut' },
  { name: Buffer.from('\xed\xa0\x80 surrogate', 'latin1'), text: '\ufffd\ufffd\ufffd surrogate' },
  { name: Buffer.from('\xc0\xaf overlong', 'latin1'), text: '\ufffd\ufffd overlong' },
  { name: Buffer.from('\xf5\x80\x80\x80 beyond', 'latin1'), text: '\ufffd\ufffd\ufffd\ufffd beyond' },
  { name: Buffer.from('\u202e turned \u2028 \ufeff'), text: '\ufffd turned \ufffd \ufffd' },
  { name: Buffer.from("$(id) `id` ;|& ' %s %d \\n"), text: "$(id) `id` ;|& ' %s %d \\n" },
  { name: Buffer.from('x'.repeat(300)), text: `${'x'.repeat(253)}…` },
  { name: Buffer.from('😀'.repeat(200)), text: `${'😀'.repeat(126)}\ufffd…` },
];

/** Returns the name as /proc/self/mountinfo has it, in Latin-1. */
const escaped = (name: Buffer): string =>
  [...name]
    .map((byte) => (byte < 33 || byte === 92 ? `\\${byte.toString(8).padStart(3, '0')}` : String.fromCharCode(byte)))
    .join('');

test('names of any bytes come out as texts that a reader takes', async (t) => {
  const lines = oddNames.map(
    ({ name }, index) => `${30 + index} 1 8:${index} / /${escaped(name)} rw - ext4 /dev/${escaped(name)} rw`,
  );
  for (const awk of ['mawk', 'gawk', 'busybox awk']) {
    const root = rootWith(tempFolder(t), {
      'proc/self/mountinfo': Buffer.from(lines.join('\n'), 'latin1'),
      'proc/sys/kernel/osrelease': '6.1.0\n',
      'proc/sys/kernel/hostname': Buffer.from('h\xff"\\\x1b', 'latin1'),
    });
    const run = await shellAgent(t, { awk }).run({ root });
    const mounts = workerOf(run, 'disks').function_reports[0]?.data.map(({ mount }) => mount) ?? [];
    assert.deepEqual(mounts.toSorted(), oddNames.map(({ text }) => `/${text}`).toSorted());
    assert.equal(workerOf(run, 'os').function_reports[0]?.data[0]?.['hostname'], 'h\ufffd"\\\ufffd');
  }
});

test('counters of another boot, of the future and damaged ones are not used', async (t) => {
  const agent = shellAgent(t);
  await agent.run();
  const file = path.join(agent.place, 'notes');
  const good = ownFile(file);
  const spoiled = [
    good.replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-\S{4}-\S{4}-[0-9a-f]{12}/g, '00000000-0000-0000-0000-000000000000'),
    good.replace(/ \d+\n/, ' 99999999999\n').replace(/"monotonicMs":\d+/, '"monotonicMs":99999999999000'),
    'x',
    '\0\0\0',
  ];
  for (const content of spoiled) {
    writeFileSync(file, content);
    const run = await agent.run();
    const cpu = workerOf(run, 'cpu').function_reports[0]?.data[0];
    assert.ok(Number(cpu?.['interval_s']) < 9, content);
    assert.equal(ownFile(file).split(' ')[0], run.hello.boot_id);
  }
});

test('a visit of the shell agent within 10 s of the last one uses the counters before', async (t) => {
  const agent = shellAgent(t);
  const home = tempFolder(t);
  const notes = path.join(agent.place, 'notes');
  const said: unknown[] = [];
  for (const uptime of [1000, 1005, 1009.9, 1010, 1015]) {
    const root = rootWith(home, {
      'proc/sys/kernel/random/boot_id': '2def7f13-3487-4d8f-b57e-ff4f7db89656\n',
      'proc/uptime': `${uptime.toFixed(2)} 1.00\n`,
      'proc/stat': ['cpu', 'cpu0'].map((name) => `${name} ${100 * uptime} 0 0 ${100 * uptime} 0 0 0 0\n`).join(''),
    });
    const family = workerOf(await agent.run({ root }), 'cpu').function_reports[0];
    const [row] = family?.data ?? [];
    const reasons = family?.unknown?.find(({ field }) => field === 'used_percent')?.reason;
    const [, countedAt] = /"monotonicMs":(\d+)/.exec(ownFile(notes)) ?? [];
    said.push({ percent: row?.['used_percent'], interval: reasons ?? row?.['interval_s'], countedAt });
  }
  const tooSoon = 'less than 10 s since the previous visit';
  assert.deepEqual(said, [
    { percent: null, interval: 'first visit', countedAt: '1000000' },
    { percent: null, interval: tooSoon, countedAt: '1000000' },
    { percent: null, interval: tooSoon, countedAt: '1000000' },
    { percent: 50, interval: 10, countedAt: '1010000' },
    { percent: 50, interval: 15, countedAt: '1010000' },
  ]);
});

test('what cannot be read is an error that names it, and not 0', async (t) => {
  const run = await shellAgent(t).run({ root: rootWith(tempFolder(t), { 'proc/meminfo': 'MemTotal: 1 kB\n' }) });
  const errors = ['load', 'uptime', 'cpu'].map((name) => workerOf(run, name).error);
  assert.deepEqual(
    errors,
    ['/proc/loadavg', '/proc/uptime', '/proc/stat'].map((file) => `not there: ${file}`),
  );
});

test('what an earlier visit left hanging in the kernel is named, and not joined by another', async (t) => {
  const agent = shellAgent(t);
  await agent.run();
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  const fields = ownFile(`/proc/${child.pid}/stat`).split(' ');
  const boot = ownFile('/proc/sys/kernel/random/boot_id').trim();
  const record = path.join(agent.place, 'running');
  writeFileSync(record, `${child.pid} ${fields[21]}-${boot}\n`);
  const stuck = await agent.run();
  assert.equal(stuck.fault?.code, 'agent-stuck');
  assert.match(stuck.fault.message, new RegExp(`process ${child.pid} `));
  // The record has the same pid and another start time: it names another process.
  writeFileSync(record, `${child.pid} 1${fields[21]}-${boot}\n`);
  assert.equal((await agent.run()).fault, null);
});

test('systemctl that hangs, fails or is missing leaves the units unknown, with a reason', async (t) => {
  const root = rootWith(tempFolder(t), { 'run/systemd/system/x': '', 'proc/uptime': '5.00 1.00\n' });
  for (const [systemctl, reason] of [
    ['exec sleep 60', 'systemctl: no answer within 2 s'],
    ['exit 4', 'systemctl: ended with 4'],
    ['echo hello', 'systemctl: its answer is not that of systemctl'],
  ] as const) {
    const run = await shellAgent(t, { own: { systemctl } }).run({ root, options: { units: ['a'] } });
    const services = workerOf(run, 'services');
    assert.equal(services.error, reason);
    const reasons = services.function_reports.map(({ unknown }) => unknown?.[0]?.reason);
    assert.deepEqual(reasons, [reason, reason, reason]);
  }
});

test('failed units and units that rules name, as systemctl shows them', async (t) => {
  const root = rootWith(tempFolder(t), { 'run/systemd/system/x': '', 'proc/uptime': '5.00 1.00\n' });
  const shown = [
    'Id=-.slice\nNames=-.slice\nLoadState=loaded\nActiveState=active\n',
    'Id=a.service\nNames=a.service alias.service\nLoadState=loaded\nActiveState=failed\n',
    'Id=b.service\nNames=b.service\nLoadState=loaded\nActiveState=active\n',
    'Id=c.service\nNames=c.service\nLoadState=not-found\nActiveState=inactive\n',
    'Id=a.service\nNames=a.service alias.service\nLoadState=loaded\nActiveState=failed\n',
  ].join('\n');
  const log = path.join(tempFolder(t), 'log');
  const systemctl = `printf '%s\\n' "$@" >${log}; cat <<'END'\n${shown}END`;
  const units = ['alias', 'b.service', 'c', "it's $(id)"];
  const run = await shellAgent(t, { own: { systemctl } }).run({ root, options: { units } });
  const asked = ['*', 'alias.service', 'b.service', 'c.service', "it's $(id).service"];
  assert.deepEqual(ownFile(log).trim().split('\n').slice(-5), asked);
  const [services, failed, named] = workerOf(run, 'services').function_reports;
  assert.deepEqual(services?.data, [{ failed_units: 1 }]);
  assert.deepEqual(failed?.data, [{ unit: 'a.service', failed: 1 }]);
  assert.deepEqual(named?.data, [
    { unit: 'alias', state: 'failed', active: 0 },
    { unit: 'b.service', state: 'active', active: 1 },
    { unit: 'c', state: 'missing', active: 0 },
    { unit: "it's $(id)", active: null },
  ]);
});

test('where nothing can be kept the agent is brought at each visit, and works', async (t) => {
  const client = shellClient(t, { own: { mkdir: 'exit 1' } });
  for (let turn = 0; turn < 2; turn += 1) {
    const connection = client.connection();
    const { result, reports } = await client.visit({ connection, collectorId: 'f0e1d2' });
    assert.equal(result.fault, null);
    assert.equal(result.end?.place, null);
    assert.equal(result.end.spool_error, 'no folder of this machine can be used');
    assert.equal(connection.commands.length, 2);
    assert.equal(reports.length, 1);
  }
});

test('a folder that others can write to is not used', async (t) => {
  const agent = shellAgent(t);
  mkdirSync(path.dirname(agent.place), { recursive: true, mode: 0o700 });
  chmodSync(path.join(agent.home, '.local/state/fleet-health'), 0o777);
  const { end } = await agent.run();
  assert.ok(end?.place?.startsWith(agent.home) !== true, end?.place ?? '');
});
