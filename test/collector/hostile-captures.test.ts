// Second tier: runs the probes on thousands of captures of the largest size.
/**
 * Captures whose text is chosen to cost CPU. None costs much more than a harmless capture of the largest size, and none
 * of the largest size costs much more than its share of a small one.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';

import { collectStateCapture } from '../../agent/capture/captured-state.ts';
import { collectCapture } from '../../agent/capture/collect-capture.ts';
import { maxUnpackedBytes, parseCapture, type Capture } from '../../agent/capture/parse-capture.ts';
import { probes } from '../../agent/probes/index.ts';
import { allReads } from '../../agent/probes/reads.ts';
import { apkDatabases } from '../../agent/state/packages.ts';
import { socketFiles } from '../../agent/state/system.ts';
import { sealCapture } from '../../src/collector/agent/seal-capture.ts';
import { FleetError } from '../../src/platform/errors/errors.ts';
import { isLong } from '../support/long-tests.ts';
import { keyPair } from '../support/clients/agent-visit.ts';

/** The most CPU of a hostile capture, in captures of many processes. */
const maxTimes = 8;
/** The sizes between which the CPU may only grow with the size, and the slack of that. */
const smallBytes = 64 * 1024;
const maxGrowth = 4;
const maxLinesOfOne = 16_384;
const outputChars = 1024 * 1024 - 100;
const scope = `docker-${'a'.repeat(64)}.scope`;

/** The lines without which probes do not look at others. */
const base = `proc/uptime:77.50 1.00
proc/stat:cpu  1 2 3 4
proc/stat:cpu0 1 2 3 4
proc/self/mountinfo:1 0 8:1 / / rw - ext4 /dev/sda rw
proc/self/mountinfo:2 1 0:9 / /x rw - nfs s:/x rw
proc/sys/kernel/osrelease:6
proc/meminfo:MemTotal: 1000 kB
proc/net/dev:eth0: 1 2 3
proc/1/stat:1 (sh) S 1
+run/systemd/system
+run/chrony
+sys/fs/cgroup/cgroup.controllers
+sys/fs/cgroup/docker/${'a'.repeat(64)}
+var/lib/apt/lists/x_Packages
=place /x
=daily
`;
const room = maxUnpackedBytes - base.length - 500;

const told = { v: 1, agent: '9', wall_ms: 1_700_000_000_000, monotonic_ms: 1, boot_id: null, reader: 'shell' } as const;
const probeOptions = { mounts: ['/x'], units: ['a', 'b'], processes: ['*a*b'], logs: ['x'] };

/** Returns the CPU time of a capture in milliseconds. */
async function cpuMs(text: string, shellState: boolean): Promise<number> {
  const task = { client: 'web-1', runId: randomUUID(), publicKey: keyPair.publicKey, probeOptions, shellState };
  const capture = Buffer.from(`${base}${text}\n=end 1|2|3|\n`);
  assert.ok(capture.length <= maxUnpackedBytes);
  const before = process.cpuUsage();
  await sealCapture(capture, told, task).catch((thrown: unknown) => {
    assert.ok(thrown instanceof FleetError, String(thrown));
  });
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Returns the lines of a program's answer. */
function asked(name: string, text: string): string {
  return `:${name}:${text}\n:${name}:=0`;
}

/** Returns as many lines as a capture may have. */
function lines(line: (at: number) => string, chars = room, most = maxLinesOfOne - 10): string {
  const made: string[] = [];
  let length = 0;
  for (let at = 0; at < most; at++) {
    const next = line(at);
    length += Buffer.byteLength(next) + 1;
    if (length > chars) break;
    made.push(next);
  }
  return made.join('\n');
}

const stat = 'S 1 9 9 0 -1 4194560 1 0 0 0 5 7 0 0 20 0 1 0 123 1000 200 184';
const harmless = lines((at) => `proc/${at}/stat:${at} (${'sh'.repeat(90)}) ${stat}`);
await cpuMs(harmless, false);
const usualMs = Math.min(await cpuMs(harmless, false), await cpuMs(harmless, false));

/** Asserts that a text costs little, made for the largest size. Its parts are those of a visit, or of the state. */
async function assertCheap(what: string, textOf: (chars: number) => string, shellState = false): Promise<void> {
  const large = textOf(room);
  const leastOf = async (text: string, limitMs: number): Promise<number> => {
    // The second try is for a collection of garbage in the first.
    const ms = await cpuMs(text, shellState);
    return ms > limitMs ? await cpuMs(text, shellState) : ms;
  };
  const largeMs = await leastOf(large, maxTimes * usualMs);
  assert.ok(largeMs <= maxTimes * usualMs, `${what}: ${largeMs} ms, a harmless capture ${usualMs} ms`);
  if (largeMs <= (maxGrowth * usualMs * large.length) / room) return;
  const small = textOf(smallBytes);
  const smallMs = Math.min(await cpuMs(small, shellState), await cpuMs(small, shellState));
  const shareMs = (smallMs * large.length) / small.length;
  const againMs = await leastOf(large, maxGrowth * shareMs);
  assert.ok(
    againMs <= maxGrowth * shareMs,
    `${what}: ${againMs} ms, where ${small.length} characters take ${smallMs} ms`,
  );
}

const concrete = (path: string): string =>
  path
    .slice(1)
    .replace(/docker-\*\.scope/, scope)
    .replace(/\[0-9a-f\]\*/, 'a'.repeat(64))
    .replace(/\[0-9\]\*|\*/g, '1');
/** The facts of a capture whose texts are read. Those of a state are in `ofState`. */
const keys = 'fs kind link real time fail df late hang root place limit nofs uname pid sample end'.split(' ');
const id = 'a'.repeat(64);
const listed = ['containers', 'unhealthy'].map((name) => {
  const container = `{"Id":"${id}","Names":["/x"],"Status":"Restarting (1)"}`;
  return `:${name}:[\n:${name}:${container}\n${asked(name, ']')}\n`;
});
const [young = ''] = listed;
const failed = asked('systemctl', 'Id=-.slice\n:systemctl:\n:systemctl:Id=u\n:systemctl:ActiveState=failed');
/** Without a file of its lists a manager is not asked. */
const dnfLists = '+usr/bin/dnf\n+var/cache/dnf/r/repodata/repomd.xml\n';
const dnf = `${dnfLists}${asked('dnf check-update', '')}\n${asked('dnf --security', '')}\n`;
/** The names under which a capture has the answers of programs, with the lines without which each is not read. */
const programs: Readonly<Record<string, string>> = {
  ...Object.fromEntries('df dfi systemctl containers log checks notes'.split(' ').map((name) => [name, ''])),
  'journalctl --unit=u': `${failed}\n`,
  unhealthy: young,
  paused: young,
  [`${id.slice(0, 12)} json`]: young,
  [`${id.slice(0, 12)} logs`]: listed.join(''),
  zpool: 'proc/spl/kstat/zfs/p/state:ONLINE\n',
  'zpool status': `proc/spl/kstat/zfs/p/state:ONLINE\n${asked('zpool', '')}\n`,
  ...Object.fromEntries('chronyc apt-get'.split(' ').map((name) => [name, ''])),
  zypper: '+var/cache/zypp/raw/r/repodata/updateinfo.xml\n',
  apk: '+var/cache/apk/APKINDEX.r.tar.gz\n',
  'dnf check-update': dnfLists,
  'dnf --security': dnf,
  'dnf --version': dnf,
};
const places: readonly (readonly [place: string, before?: string])[] = [
  ...[
    ...[...allReads('files'), ...allReads('heads').map(([file]) => file)].map((path) => `${concrete(path)}:`),
    ...allReads('firsts').map((path) => `!${concrete(path)}:`),
    ...keys.flatMap((key) => [`=${key} `, `=${key} ./x `]),
    ...['+proc/', '-proc/', '+', '-', '!'],
  ].map((place) => [place] as const),
  ...Object.entries(programs).map(([name, before]) => [`:${name}:`, before] as const),
];
const fillings = [
  ...[' ', '/', '1', ':', ')', '(', '\0', '\\', '-', ',', '{', '\\040', ' -', ' 1', '/a', '1.', '=a ', '\t', '\u2028'],
  ...['__proto__:', 'constructor,', ' 0cc175b9c0f1b6a831c399e269772661'],
];

/** The part of the largest size that is tried of each filling. Growth by more than the size shows in it too. */
const part = isLong ? 1 : 1 / 8;

/** Asserts that nothing behind a place costs much: one line, and many. */
async function assertPlaceIsCheap(place: string, before: string, shellState: boolean): Promise<void> {
  const most = Math.floor(part * (place.startsWith(':') ? outputChars : room - before.length - 1000));
  const end = place.startsWith(':') ? `\n${place.split(':', 2).join(':')}:=0` : '';
  for (const filling of fillings) {
    const sized = (chars: number): number => Math.min(chars, most);
    const line = (chars: number): string => place + filling.repeat(sized(chars) / Buffer.byteLength(filling) / 1.02);
    const short = place + filling.repeat(20);
    const name = JSON.stringify(filling);
    await assertCheap(`one line of ${name}`, (chars) => before + line(chars) + end, shellState);
    const many = (chars: number): string => before + lines(() => short, sized(chars)) + end;
    await assertCheap(`lines of ${name}`, many, shellState);
  }
}

for (const [place, before = ''] of places) {
  test(`whatever a client writes behind ${place}, it costs little`, () => assertPlaceIsCheap(place, before, false));
}

/** The places of a state, behind the line that makes it one of this package manager. */
const ofState: Readonly<Record<string, readonly string[]>> = {
  '+var/lib/dpkg/status': [
    ...[
      ':dpkg-query:',
      ':dpkg-query: /etc/',
      ':dpkg-query:ii ',
      ':udp:',
      ':md5:',
      ':sha1:',
      ':sha256:',
      ':unit:',
      '=entry 81a4 1 1 ./etc/',
    ],
    ...['=restless ', '=restless /etc/', '=sums ', '=sums md5 '],
    ...['=entry ', '=entry 4140 1 1 ./etc/', '=entry 81a4 1 1 ./etc/systemd/system/a', '=link ./etc/systemd/system/'],
    ...['etc/passwd:', 'etc/passwd:a::1:', 'etc/group:', 'etc/group:sudo::27:', 'etc/os-release:PRETTY_NAME='],
    ...socketFiles.map((file) => `${file.slice(1)}:`),
    ...[
      'proc/net/tcp: 0: 00000000:',
      'proc/self/mountinfo:',
      'proc/self/mountinfo:1 0 8:1 / /',
      '=',
      '+',
      '-',
      '!',
      ':',
    ],
  ],
  '+var/lib/rpm/rpmdb.sqlite': [':rpm:', ':rpm:1 a '],
  '+var/lib/rpm/rpmdb.sqlite\n:rpm:=0': [':rpm fleet-health:', ':rpm --dump:/etc/', ':rpm --dump:/etc/a 1 1 '],
  '+lib/apk/db': apkDatabases.flatMap((file) =>
    ['F:etc', 'F:etc/', 'Z:Q1', 'P:'].map((end) => `${file.slice(1)}:${end}`),
  ),
  '+var/lib/pacman/local/a-1-1': [
    'var/lib/pacman/local/a-1-1/files:',
    'var/lib/pacman/local/a-1-1/files:etc/',
    '+var/lib/pacman/local/',
  ],
};
for (const [manager, stateful] of Object.entries(ofState)) {
  for (const place of stateful) {
    test(`whatever a client writes behind ${place} of its state, it costs little`, () =>
      assertPlaceIsCheap(place, `=state\n${manager}\n`, true));
  }
}

/** The lines that open all readers of a visit, with one package manager of each group. */
const visits = ['apt-get', 'zypper', 'dnf', 'apk'].map((manager) => {
  const others = /^(?:apt-get|zypper|dnf|apk)\b/;
  const given = Object.entries(programs).filter(([name]) => !others.test(name) || name.startsWith(manager));
  const answered = given.filter(([name]) => !/^(?:systemctl|containers|unhealthy|checks|notes)$/.test(name));
  const before = [...new Set(given.map(([, before]) => before))].join('');
  const answers = answered.map(([name]) => `:${name}:=${name === 'chronyc' ? 137 : 0}\n`).join('');
  return `${base}${before}${answers}=end 1|2|3|\n`;
});

/** Returns a capture that notes by their rows which facts and answers are read, each with the words that ask for it. */
function noting(capture: Capture, read: Map<string, Set<string>>): Capture {
  let words = '';
  const note = (row: string): void => void read.set(row, (read.get(row) ?? new Set()).add(words));
  const programs = new Map(capture.programs);
  const facts = new Map(capture.facts);
  return {
    ...capture,
    programs: Object.assign(programs, {
      has: (name: string) => {
        if (name.includes(' ')) words = name;
        return capture.programs.has(name);
      },
      get: (name: string) => {
        note(`:${name}:`);
        words = '';
        return capture.programs.get(name);
      },
    }),
    facts: Object.assign(facts, {
      has: (key: string) => (note(`=${key} `), capture.facts.has(key)),
      get: (key: string) => (note(`=${key} `), capture.facts.get(key)),
    }),
  };
}

test('every fact and answer that is read has a place', async () => {
  const read = new Map<string, Set<string>>();
  const given = { agent: '9', bootId: null, wallMs: 1_700_000_000_000, options: probeOptions };
  for (const text of visits) {
    await collectCapture({ ...given, probes, capture: noting(parseCapture(Buffer.from(text)), read) });
  }
  const rowOf = (place: string): string => /^:[^:]+:|^=\S+ /.exec(place)?.[0] ?? '';
  const stateful = Object.values(ofState).flat().map(rowOf);
  for (const manager of Object.keys(ofState)) {
    const answers = stateful.flatMap((row) => (row.startsWith(':') ? `${row}=0` : [])).join('\n');
    const text = `${base}=state\n${manager}\n=entry 81a4 1 1 ./etc/x\n${answers}\n=end 1|2|3|\n`;
    await collectStateCapture({ ...given, capture: noting(parseCapture(Buffer.from(text)), read) });
  }
  // These are read in parseCapture, or have no text.
  const elsewhere = new Set([':checks:', ':notes:', '=sample ', '=daily ', '=state ', '']);
  const tried = new Set([...places.map(([place]) => rowOf(place)), ...stateful]);
  const known = [...tried].filter((row) => !elsewhere.has(row)).sort();
  assert.deepEqual([...read.keys()].filter((row) => !elsewhere.has(row)).sort(), known);
  // Answers to two questions of one program have different names.
  const shared = [...read].filter(([row, words]) => row.startsWith(':') && words.size > 1);
  assert.deepEqual(shared, []);
});

const mount = 'proc/self/mountinfo:';
const deep = '/a'.repeat(2000);
const few = 5000;
const timer = (property: string): string =>
  asked('systemctl', `Id=-.slice\n:systemctl:\n:systemctl:Id=a\n:systemctl:${property}`);

const chosen: Readonly<Record<string, string>> = {
  'mounts on one another': lines((at) => `${mount}${at} ${at + 1} 8:1 / /${at} rw - ext4 x`),
  'mounts in a circle': lines((at) => `${mount}${at} ${(at + 1) % few} 8:1 / /${at} rw - ext4 x`),
  'mounts far down': lines((at) => `${mount}${at} 0 8:1 / ${deep}${at} rw - ext4 x`),
  'mounts of servers': lines((at) => `${mount}${at} 0 0:${at} / /${at} rw - fuse.x x`),
  'mounts of servers far down': lines((at) => `${mount}${at} 0 0:${at} / ${deep}${at} rw - nfs x`),
  'mounts that look like those of LXC': lines(() => `${mount}${' /proc/x'.repeat(8000)}`),
  'pools of many parts': [
    lines((at) => `${mount}${at} 0 0:${at} / /${at} rw - zfs p${at >> 12}/${at}`, room / 2),
    lines((at) => `=fs 9 8 ${(at * 7919) % 9_999_999} ${1 << (at % 20)} 1 1 ./${at}`, room / 2),
  ].join('\n'),
  'missing mounts far down': lines((at) => `etc/fstab:x ${deep}${at} ext4 x`),
  'processes of its own': `=pid 1\n${lines((at) => `proc/${at}/stat:${at} (sh) ${stat}`)}`,
  'sensors of one name': lines((at) => `sys/class/hwmon/h1/temp${at}_input:1`),
  'monitors of one name': lines(
    (at) => `sys/class/hwmon/h${at}/temp1_input:1\nsys/class/hwmon/h${at}/name:a`,
    room,
    few,
  ),
  'pools with figures': [
    asked('zpool', ''),
    lines(() => ':zpool:a'),
    ':zpool:=0',
    lines((at) => `proc/spl/kstat/zfs/p${at}/state:x`, room / 2, few),
  ].join('\n'),
  'errors of pools': [
    `proc/spl/kstat/zfs/p/state:ONLINE\n${asked('zpool', '')}`,
    lines(() => ':zpool status:  pool: p\n:zpool status:config:\n:zpool status:\tsda FAULTED 1 1 1', room, 16_000),
    ':zpool status:=0',
  ].join('\n'),
  'a disk of a pool': `proc/spl/kstat/zfs/p/state:ONLINE\n${asked('zpool', '')}\n${asked('zpool status', ` pool: p\n:zpool status:config:\n:zpool status:\t${'a '.repeat(5e5)}`)}`,
  'a long time span': timer(`RandomizedDelayUSec=${'1'.repeat(outputChars - 100)}`),
  'a long calendar': timer(`TimersCalendar={ OnCalendar=*${'-'.repeat(outputChars - 100)} ;`),
  'a long calendar of other signs': timer(`TimersCalendar={ OnCalendar=*${'-~'.repeat(outputChars / 2 - 100)} ;`),
  'many units': `:systemctl:Id=-.slice\n:systemctl:\n${lines(() => ':systemctl:Id=a\n:systemctl:', room, 8000)}\n:systemctl:=0`,
  'names of a unit': timer(`Names=${'b '.repeat(outputChars / 2 - 20)}`),
  'an update with many parentheses': asked('apt-get', `Inst ${'('.repeat(outputChars - 10)}`),
  'a package of many architectures': `${dnfLists}${asked('dnf check-update', `a.${'86'.repeat(5e5)}-`)}\n${asked('dnf --security', '')}\n${asked('dnf --version', '4.14.0')}`,
  'a table of df that never ends': asked('df', `${' 1 1 1 - /'.repeat(1e5)}\r`),
  'checks without end': `:checks:cx\x1fnagios\x1f0\x1f0\x1e${'\x1ea'.repeat(5e5)}`,
  'fields of a check': `:checks:c${'x\x1f'.repeat(5e5)}`,
  'many refused checks': lines(() => ':checks:rx\x1fy', room, 16_000),
  'counts of a log': lines(() => ':log:match 1', room, 16_000),
  'a line of a log': `:log:line ${'3\x1f'.repeat(5e5)}`,
  'containers that it expects': lines((at) => `:checks:xa${at}`, room, 16_000),
  interfaces: lines((at) => `proc/net/dev:eth${at}: 1 2 3 4 5 6 7 8 9 1 1 1`),
  files: lines((at) => `a${at}:x`, room, 65_000),
  'folders in folders': lines((at) => `+${at.toString(36)}${'/b'.repeat(14)}`, room, 1100),
};
for (const [what, text] of Object.entries(chosen)) {
  test(`${what} cost little`, async () => {
    await assertCheap(what, () => text);
  });
}

const apk = apkDatabases[0]?.slice(1) ?? '';
const half = few;
const chosenStates: Readonly<Record<string, (chars: number) => string>> = {
  'a settings file behind a separator of lines': (chars) =>
    asked('dpkg-query', ` /${' 0cc175b9c0f1b6a831c399e269772661'.repeat(Math.min(chars, outputChars) / 34)}\u2028`),
  'accounts and groups': (chars) =>
    [
      lines((at) => `etc/passwd:a${at}::${at}:${at}::/:/bin/sh`, chars / 2),
      lines((at) => `etc/group:sudo::${at}:a${at},b${at}`, chars / 2),
    ].join('\n'),
  'a group of many accounts': (chars) =>
    [
      lines((at) => `etc/passwd:a${at}::${at}:${at}::/:/bin/sh`, chars / 2),
      `etc/group:sudo::1:${'a1,'.repeat(chars / 7)}`,
    ].join('\n'),
  'files of a long folder': (chars) =>
    [`+${apk}`, `${apk}:F:etc/${'a'.repeat(chars / 2)}`, lines(() => `${apk}:Z:Q1AAAA`, chars / 2.1)].join('\n'),
  'files in many folders': (chars) =>
    lines((at) => `${apk}:F:etc/${'a'.repeat(200)}${at}\n${apk}:R:b\n${apk}:Z:Q1AAAA`, chars, half),
  'folders that are closed': (chars) => lines((at) => `=entry 4140 1 1 ./etc${`/${at % 7}`.repeat(100)}${at}`, chars),
  'a folder far down that is closed': (chars) => `=entry 4140 1 1 ./etc${'/a'.repeat(chars / 2.1)}`,
  'files below one another': (chars) => lines((at) => `=entry 81a4 1 1 ./etc${'/a'.repeat(at % 1000)}`, chars),
  'units with many parts': (chars) => lines((at) => `=entry 81a4 1 1 ./etc/systemd/system/a.service.d/${at}`, chars),
  'packages of one name': (chars) =>
    asked(
      'rpm',
      lines((at) => `1 a ${at} x\n:rpm:`, Math.min(chars, outputChars), half),
    ),
};
for (const [what, textOf] of Object.entries(chosenStates)) {
  test(`${what} in a state cost little`, async () => {
    const before = what.startsWith('a settings')
      ? '+var/lib/dpkg/status\n'
      : what.startsWith('packages')
        ? '+var/lib/rpm/Packages\n'
        : '';
    await assertCheap(what, (chars) => `=state\n${before}${textOf(chars - 100)}`, true);
  });
}
