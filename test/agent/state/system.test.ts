import assert from 'node:assert/strict';
import { test } from 'node:test';

import { accountLines, listenerLines, mountLines, systemLines } from '../../../agent/state/system.ts';
import type { StateSource } from '../../../agent/state/state-source.ts';

/** Returns a source with these files, and with the UDP sockets of when the look began. */
const sourceOf = (files: Readonly<Record<string, string>>, udpBefore: string | null = null): StateSource =>
  ({
    exists: (file: string) => file in files,
    readStart: (file: string) => files[file] ?? '',
    readOptional: (file: string) => files[file] ?? null,
    read: (file: string) => files[file] ?? assert.fail(file),
    udpBefore,
    digest: (file: string) => (file in files ? 'd'.repeat(64) : null),
  }) as unknown as StateSource;

test('lines of passwd that are no accounts are none: comments and those of nsswitch compat', () => {
  const group = 'sudo:x:27:root,+bad,-bad\n+:::\n+@staff:::\n-sudo:x:27:bad\n';
  const shells = ['/bin/sh', '', '/usr/sbin/nologin'];
  const strange = ['+', '-', '+bad', '-bad', '+@staff', '-@staff', '#bad', ''].flatMap((name) =>
    shells.map((shell) => `${name}::0:27:::${shell}`),
  );
  const passwd = [...strange, 'root:x:0:0:root:/root:/bin/sh', '+::::::', '-bad', '+@staff::::::/bin/false'].join('\n');
  const lines = accountLines(sourceOf({ '/etc/passwd': passwd, '/etc/group': group }));
  assert.deepEqual(lines.length, 1, lines.join('\n'));
  assert.match(lines[0] ?? '', /^root\b.*0 \/root \/bin\/sh sudo$/);
});

/** Returns an address as the kernel prints it: words of four bytes as numbers of the machine. */
function printed(bytes: readonly number[], isBig: boolean): string {
  const hex = (byte: number): string => byte.toString(16).padStart(2, '0').toUpperCase();
  return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.slice(4 * at, 4 * at + 4))
    .map((word) => (isBig ? word : word.toReversed()).map(hex).join(''))
    .join('');
}
const mapped = (...v4: readonly number[]): readonly number[] => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...v4];
const addresses: readonly (readonly [bytes: readonly number[], place: 'any' | 'loopback'])[] = [
  [[127, 0, 0, 1], 'loopback'],
  [[127, 0, 0, 53], 'loopback'],
  [[127, 9, 8, 7], 'loopback'],
  [[0, 0, 0, 0], 'any'],
  [[192, 168, 1, 127], 'any'],
  [[10, 0, 0, 1], 'any'],
  [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 'loopback'],
  [mapped(127, 0, 0, 1), 'loopback'],
  [mapped(192, 0, 2, 127), 'any'],
  [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 'any'],
  [[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f], 'any'],
];
for (const isBig of [false, true]) {
  test(`listeners of loopback are known on a ${isBig ? 'big' : 'little'}-endian machine`, () => {
    const tables = { '/proc/net/tcp': 'head', '/proc/net/tcp6': 'head' };
    for (const [index, [bytes]] of addresses.entries()) {
      const port = (1000 + index).toString(16).padStart(4, '0').toUpperCase();
      const file = bytes.length === 4 ? '/proc/net/tcp' : '/proc/net/tcp6';
      const remote = `${'0'.repeat(2 * bytes.length)}:0000`;
      tables[file] += `\n   ${index}: ${printed(bytes, isBig)}:${port} ${remote} 0A 00000000:00000000`;
    }
    const lines = listenerLines(sourceOf(tables));
    const found = new Map(lines.map((line) => [/\d{4}/.exec(line)?.[0], /any|loopback/.exec(line)?.[0]]));
    for (const [index, [bytes, place]] of addresses.entries()) {
      assert.equal(found.get(String(1000 + index)), place, bytes.join('.'));
    }
  });
}

const passwd = (name: string, ids: string, shell: string): string => `${name}:x:${ids}:comment:/home/${name}:${shell}`;
const groups = ['docker', 'libvirt', 'lxd', 'sudo', 'wheel', 'adm'];
const accounts: Readonly<Record<string, readonly [passwd: string, group: string, wanted: readonly string[]]>> = {
  'a login shell': [passwd('joe', '1000:1000', '/bin/bash'), '', ['joe\t1000 /home/joe /bin/bash']],
  'no shell at all': [passwd('joe', '1000:1000', ''), '', ['joe\t1000 /home/joe /bin/sh']],
  'a line without a shell': ['joe:x:1000:1000::/home/joe', '', []],
  'an account that stands twice counts once': [
    `${passwd('joe', '1:1', '/bin/a')}\n${passwd('joe', '2:2', '/bin/b')}`,
    '',
    ['joe\t1 /home/joe /bin/a'],
  ],
  ...Object.fromEntries(
    'nologin false sync halt shutdown true git-shell'
      .split(' ')
      .flatMap((shell) => [[`the shell ${shell}`, [passwd('joe', '9:9', `/usr/bin/${shell}`), '', []]]]),
  ),
  ...Object.fromEntries(
    groups.flatMap((group) => [
      [
        `a member of ${group} who may not log in`,
        [passwd('joe', '9:9', '/bin/false'), `${group}:x:27:ann,joe`, [`joe\t9 /home/joe /bin/false ${group}`]],
      ],
      [
        `an account whose own group is ${group}`,
        [passwd('joe', '9:27', '/bin/false'), `${group}:x:27:`, [`joe\t9 /home/joe /bin/false ${group}`]],
      ],
    ]),
  ),
  'a member of another group': [passwd('joe', '9:9', '/bin/false'), 'www-data:x:33:joe', []],
  'a member of several groups, by number and by name': [
    passwd('joe', '9:10', '/bin/sh'),
    'wheel:x:10:joe\nadm:x:4:joe\nadm:x:5:joe',
    ['joe\t9 /home/joe /bin/sh adm,wheel'],
  ],
};
for (const [what, [users, group, wanted]] of Object.entries(accounts)) {
  test(`accounts of the state: ${what}`, () => {
    assert.deepEqual(accountLines(sourceOf({ '/etc/passwd': users, '/etc/group': group })), wanted);
  });
}

const socket = (address: string, port: number, state: string): string =>
  `   0: ${address}:${port.toString(16).padStart(4, '0').toUpperCase()} 00000000:0000 ${state} 0`;
const [anyone, own] = ['00000000', '0100007F'];
const head = '  sl  local_address rem_address   st';
const tablesOf = (tables: Readonly<Record<string, readonly string[]>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries({ tcp: [], ...tables }).map(([name, lines]) => [`/proc/net/${name}`, [head, ...lines].join('\n')]),
  );
const listeners: Readonly<
  Record<string, readonly [tables: Readonly<Record<string, readonly string[]>>, wanted: readonly string[]]>
> = {
  'a listener, and a connection from its port': [
    { tcp: [socket(anyone, 22, '0A'), socket(anyone, 25, '01')] },
    ['tcp 22\tany'],
  ],
  'a UDP socket that waits, and one with a peer': [
    { udp: [socket(anyone, 123, '07'), socket(anyone, 514, '01')] },
    ['udp 123\tany'],
  ],
  'loopback alone, and any address beside it, in either order': [
    { tcp: [socket(own, 25, '0A'), socket(own, 80, '0A'), socket(anyone, 80, '0A')], tcp6: [socket(anyone, 81, '0A')] },
    ['tcp 25\tloopback', 'tcp 80\tany', 'tcp 81\tany'],
  ],
  'an address of all, and loopback behind it': [
    { udp: [socket(anyone, 53, '07'), socket(own, 53, '07')], udp6: [socket(anyone, 54, '07')] },
    ['udp 53\tany', 'udp 54\tany'],
  ],
  'the ports that the kernel gives out, and those beside them': [
    { tcp: [32767, 32768, 60999, 61000].map((port) => socket(anyone, port, '0A')) },
    ['tcp 32767\tany', 'tcp 61000\tany'],
  ],
  'no port': [{ tcp: [socket(anyone, 0, '0A'), '   1: nonsense', ''] }, []],
};
for (const [what, [tables, wanted]] of Object.entries(listeners)) {
  test(`listeners of the state: ${what}`, () => assert.deepEqual(listenerLines(sourceOf(tablesOf(tables))), wanted));
}

test('listeners of the state: the range of the machine, and UDP ports that were open before', () => {
  const range = { '/proc/sys/net/ipv4/ip_local_port_range': '2000\t3000\n' };
  const udp = [53, 1023, 1024, 1900, 2000, 3001].map((port) => socket(anyone, port, '07'));
  const found = (before: string | null): readonly string[] =>
    listenerLines(sourceOf({ ...tablesOf({ udp }), ...range }, before)).map((line) => line.replace(/\D+(\d+).*/, '$1'));
  assert.deepEqual(found(null), ['53', '1023', '1024', '1900', '3001']);
  assert.deepEqual(found(`${head}\n${socket(anyone, 1900, '07')}`), ['53', '1023', '1900']);
});

test('listeners are unknown without the table of TCP', () => {
  assert.throws(() => listenerLines(sourceOf({ '/proc/net/udp': head })));
});

/** Lines of mountinfo, each with the line of the state; null for a mount that is left out. */
const mounts: readonly (readonly [line: string, wanted: string | null])[] = [
  ['22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw', '/\text4 /dev/sda1 rw,relatime'],
  ['22 1 8:1 / /a rw - xfs /dev/sda1 rw', '/a\txfs /dev/sda1 rw'],
  ['22 1 8:1 / /with\\040space rw - ext4 /dev/sda1 rw', '/with space\text4 /dev/sda1 rw'],
  ['22 1 0:30 / /pool rw - zfs tank/a rw', '/pool\tzfs tank/a rw'],
  ['22 1 0:31 / /b rw - btrfs /dev/sdb rw', '/b\tbtrfs /dev/sdb rw'],
  ['22 1 0:32 / /nfs rw - nfs4 nas:/share rw', '/nfs\tnfs4 nas:/share rw'],
  ['22 1 0:33 / /ssh rw,password=x,mycred=y,ro - fuse.sshfs joe@h:/ rw', '/ssh\tfuse.sshfs joe@h:/ rw,ro'],
  ['22 1 0:34 / /dav rw - fuse https://joe:geheim@h/ rw', '/dav\tfuse https://h/ rw'],
  ['22 1 0:35 / /shm rw - tmpfs tmpfs rw', null],
  ['22 1 0:36 / /auto rw - autofs systemd-1 rw', null],
  ['22 1 7:1 / /image ro - squashfs /dev/loop1 ro', null],
  ['22 1 0:37 / /lxc rw - fuse.lxcfs lxcfs rw', null],
  ['22 1 8:2 / /no-type rw', null],
  ...['run', 'proc', 'sys', 'dev', 'snap', 'var/lib/docker', 'var/lib/containers', 'var/lib/kubelet', 'var/lib/lxd']
    .concat(['var/lib/lxcfs', 'var/lib/containerd'])
    .flatMap((folder): (readonly [string, string | null])[] => [
      [`22 1 8:3 / /${folder}/x rw - ext4 /dev/sdc rw`, null],
      [`22 1 8:3 / /${folder}s rw - ext4 /dev/sdc rw`, `/${folder}s\text4 /dev/sdc rw`],
    ]),
];
for (const [line, wanted] of mounts) {
  test(`mounts of the state: ${line}`, () => {
    const found = mountLines(sourceOf({ '/proc/self/mountinfo': `${line}\n` }));
    assert.deepEqual(found, wanted === null ? [] : [wanted]);
  });
}

const kernel = { '/proc/sys/kernel/osrelease': '6.1.0\n' };
const systems: readonly (readonly [
  what: string,
  files: Readonly<Record<string, string>>,
  wanted: readonly string[],
])[] = [
  ['the kernel alone', {}, ['kernel\t6.1.0']],
  [
    'everything',
    {
      '/proc/sys/kernel/random/boot_id': '035a\n',
      '/proc/cmdline': 'quiet',
      '/etc/os-release': 'NAME=x\nPRETTY_NAME="Debian 12"\n',
      '/usr/lib/os-release': 'PRETTY_NAME=other\n',
    },
    ['boot\t035a', `cmdline\t${'d'.repeat(32)}`, 'kernel\t6.1.0', 'os\tDebian 12'],
  ],
  ['the file of /usr', { '/usr/lib/os-release': "PRETTY_NAME='A b'\n" }, ['kernel\t6.1.0', 'os\tA b']],
  ['an empty name', { '/etc/os-release': 'PRETTY_NAME=""\n' }, ['kernel\t6.1.0']],
];
for (const [what, files, wanted] of systems) {
  test(`the system of the state: ${what}`, () => {
    assert.deepEqual(systemLines(sourceOf({ ...kernel, ...files })), wanted);
  });
}
