import assert from 'node:assert/strict';
import { test } from 'node:test';

import { packageManagers } from '../../../agent/inventory/package-managers.ts';
import { evaluated } from '../../../agent/inventory/updates.ts';

const readOf = (program: string, ...answers: readonly string[]): unknown => {
  const manager = packageManagers.find((one) => one.program === program) ?? assert.fail(program);
  return manager.read(answers);
};

const architectures =
  'noarch i386 i686 x86_64 x86_64_v2 aarch64 armv7hl armv7l ppc64le s390x riscv64 loongarch64'.split(' ');
/** The answer of apt-get 2.6 to pins that want older packages, and to updates that are held or would remove some. */
const keptBack = `The following packages have been kept back:
  held needs-a-removal
The following packages will be upgraded:
  plain
The following packages will be DOWNGRADED:
  pinned libpinned:i386
  pinned-doc
1 upgraded, 0 newly installed, 3 downgraded, 0 to remove and 2 not upgraded.
Inst pinned [2] (1 Debian:12/stable [amd64])
Inst libpinned:i386 [2] (1 Debian-Security:12/stable-security [i386])
Inst pinned-doc [2] (1 Debian:12/stable [all])
Inst plain [1] (2 Debian-Security:12/stable-security [amd64])
`;
type Answer = readonly [program: string, answers: readonly string[], total: number, security: unknown, kept?: number];
const answers: readonly Answer[] = [
  ['/usr/bin/apt-get', [keptBack], 1, ['plain'], 2],
  [
    '/usr/bin/apt-get',
    [
      'Not upgrading yet due to phasing:\n  a b\n\nSummary:\n' +
        '  Upgrading: 0, Installing: 0, Removing: 0, Not Upgrading: 16\n',
    ],
    0,
    [],
    16,
  ],
  [
    '/usr/bin/apt-get',
    [
      'DOWNGRADING:\n  a\n\nSummary:\n  Upgrading: 0, Installing: 0, Downgrading: 1, Removing: 0, Not Upgrading: 0\n' +
        'Inst a [2] (1 x-security [all])\n',
    ],
    0,
    [],
  ],
  ...['0 upgraded, 0 newly installed', 'x\n  Upgrading: 0, Installing: 0'].map(
    (answer) => ['/usr/bin/apt-get', [answer], 0, []] as const,
  ),
  ...['a-security,', 'A-SECURITY [', 'a-security:x', 'a-security/x'].map(
    (archive) => ['/usr/bin/apt-get', [`Inst b [1] (2 ${archive} [amd64])`], 1, ['b']] as const,
  ),
  ['/usr/bin/apt-get', ['Inst b-security, [1] (2 a-securityx [amd64])\nConf b (2 a-security, x)'], 1, []],
  ['/usr/bin/zypper', ['No updates found.'], 0, []],
  ['/usr/bin/zypper', ['Reading installed packages...'], 0, []],
  [
    '/usr/bin/zypper',
    ['r|a|security|x|y|needed|z\nr|b|security|x|y|applied|z\nr|c|optional|x|y|needed|z\nr | d | security|x|y| needed'],
    3,
    ['a', 'd'],
  ],
  [
    '/usr/bin/zypper',
    [
      'Repository | Name | Version | Category | Status\n---+---\nr | a | 38 | security | Needed\n' +
        'r | b | 1 | recommended | Needed\nr | c | 2 | security | Installed',
    ],
    2,
    ['a'],
  ],
  ...['dnf', 'yum'].flatMap((name) => [
    [`/usr/bin/${name}`, ['', '', '4.14.0'], 0, []] as const,
    [`/usr/bin/${name}`, ['', '', 'dnf5 version 5.2.6'], 0, []] as const,
  ]),
  [
    '/usr/bin/dnf',
    [
      [...architectures, 'mips', 'i86'].map((one) => `a-${one}.${one}   1-1  base`).join('\n'),
      'a.x86_64  1 b\nObsoleting Packages\nold.x86_64 1 b',
      '4.14.0',
    ],
    architectures.length,
    ['a'],
  ],
  ['/sbin/apk', ['Installed:   Available:\na-1 < 2\nb-1  < 3\nc-1 = 1\n d < 2'], 2, null],
];
for (const [program, texts, total, security, kept] of answers) {
  test(`${program} says ${JSON.stringify(texts[0]?.slice(0, 60))}`, () => {
    assert.deepEqual(readOf(program, ...texts), { total, security, ...(kept === undefined ? {} : { kept }) });
  });
}

for (const { program, calls } of packageManagers) {
  test(`an answer that is not that of ${program} is an error`, () => {
    assert.throws(() => readOf(program, ...calls.map(() => 'hello\n')), /its answer is not that of/);
  });
}

const dayMs = 86_400_000;
const nowMs = 100 * dayMs;
const seenDays = (days: number): Readonly<Record<string, number>> => ({ a: nowMs - days * dayMs });
type Case = readonly [
  what: string,
  pending: Parameters<typeof evaluated>[0],
  seen: Readonly<Record<string, number>> | null,
  listsDays: number,
  wanted: readonly [state: number, text: string, perfdata: string],
];
const cases: readonly Case[] = [
  ['none', { total: 0, security: [] }, null, 0, [0, 'no updates pending', 'total=0 security=0']],
  ['one', { total: 1, security: [] }, null, 0, [0, '1 update pending, 0 for security', 'total=1 security=0']],
  ['one of unknown kind', { total: 1, security: null }, null, 0, [0, '1 update pending', 'total=1']],
  [
    'one that is named twice',
    { total: 2, security: ['a', 'a'] },
    null,
    0,
    [0, '2 updates pending, 1 for security', 'total=2 security=1'],
  ],
  [
    'one for six days',
    { total: 1, security: ['a', 'b'] },
    seenDays(6),
    29,
    [0, '1 update pending, 2 for security, the oldest for 6 d', 'total=1 security=2'],
  ],
  [
    'one for a week, by lists of a month ago',
    { total: 1, security: ['a'] },
    seenDays(7),
    30,
    [1, '1 update pending, 1 for security, the oldest for 7 d, package lists are 30 d old', 'total=1 security=1'],
  ],
  [
    'one that was first seen in the future',
    { total: 1, security: ['a'] },
    seenDays(-9),
    0,
    [0, '1 update pending, 1 for security', 'total=1 security=1'],
  ],
  [
    'none, of those repositories that could be read',
    { total: 0, security: [], isPart: true },
    null,
    0,
    [3, 'a repository could not be read, at least 0 updates pending', ''],
  ],
  [
    'one for a week, of those repositories that could be read',
    { total: 1, security: ['a'], isPart: true },
    seenDays(7),
    0,
    [1, 'a repository could not be read, at least 1 update pending, 1 for security, the oldest for 7 d', ''],
  ],
  [
    'some that the manager keeps back',
    { total: 0, security: [], kept: 2 },
    null,
    0,
    [0, 'no updates pending, 2 kept back', 'total=0 security=0'],
  ],
  [
    'one for a week, and one that is kept back',
    { total: 1, security: ['a'], kept: 1 },
    seenDays(7),
    0,
    [1, '1 update pending, 1 for security, the oldest for 7 d, 1 kept back', 'total=1 security=1'],
  ],
  ['one that is gone', { total: 0, security: [] }, seenDays(50), 0, [0, 'no updates pending', 'total=0 security=0']],
];
for (const [what, pending, seen, listsDays, wanted] of cases) {
  test(`pending updates: ${what}`, () => {
    const before = seen === null ? null : { atMs: 0, state: 0 as const, text: '', perfdata: '', seen };
    const found = evaluated(pending, before, { nowMs, listsMs: nowMs - listsDays * dayMs });
    assert.deepEqual([found.state, found.text, found.perfdata], wanted);
    assert.equal(found.atMs, nowMs);
  });
}

test('pending updates: since when, of the first 500 by name', () => {
  const security = Array.from({ length: 600 }, (_, at) => `p${String(at).padStart(3, '0')}`);
  const before = { atMs: 0, state: 0 as const, text: '', perfdata: '', seen: { p000: 5, p001: nowMs + 1 } };
  const { seen } = evaluated({ total: 600, security }, before, { nowMs, listsMs: nowMs });
  assert.deepEqual(Object.keys(seen), security.slice(0, 500));
  assert.deepEqual([seen['p000'], seen['p001'], seen['p002']], [5, nowMs, nowMs]);
});
