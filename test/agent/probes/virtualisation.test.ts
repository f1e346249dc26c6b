/** Containers and hypervisors, as both agents detect them on trees of files. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { openSource } from '../../../agent/live/live-source.ts';
import { isContainer, virtualisationOf } from '../../../agent/probes/virtualisation.ts';
import { isWide } from '../../support/long-tests.ts';
import { rootWith, shellAgent } from '../../support/clients/shell-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';

type Files = Readonly<Record<string, string>>;

const ofHost = 'pid:[4026531836]';
const cpu = 'processor\t: 0\nflags\t\t: fpu hypervisor lm\n';
const qemu: Files = { 'proc/cpuinfo': cpu, 'sys/class/dmi/id/sys_vendor': 'QEMU\n' };
const lxcfs = '301 290 0:51 /proc/meminfo /proc/meminfo rw,nosuid - fuse.lxcfs lxcfs rw\n';
const clocks = 'sys/devices/system/clocksource/clocksource0/available_clocksource';

/** The files of a machine, its namespace of process ids, and what it is. */
const machines: readonly (readonly [what: string, files: Files, pids: string | null, found: string | undefined])[] = [
  ['the host of containers', { 'proc/1/cgroup': '0::/init.scope\n' }, ofHost, undefined],
  [
    'a host that runs lxcfs itself',
    { 'proc/self/mountinfo': lxcfs.replaceAll('/proc/', '/var/lib/') },
    ofHost,
    undefined,
  ],
  [
    'LXC without systemd',
    { 'proc/1/cgroup': '0::/\n', 'proc/1/environ': 'TERM=x\0container=lxc\0' },
    'pid:[4026532500]',
    'lxc',
  ],
  ['LXC without systemd, for an account', { 'proc/self/mountinfo': lxcfs }, 'pid:[4026532500]', 'lxc'],
  ['a container that nothing names', {}, 'pid:[4026532500]', 'container-other'],
  [
    'WSL, whose distributions have namespaces',
    { 'proc/sys/kernel/osrelease': '5.15-microsoft\n' },
    'pid:[4026532500]',
    'wsl',
  ],
  ['a container of Docker', { '.dockerenv': '' }, 'pid:[4026532500]', 'docker'],
  ['a container of Podman', { 'run/.containerenv': '' }, 'pid:[4026532500]', 'podman'],
  ['a guest of KVM', { ...qemu, [clocks]: 'kvm-clock tsc \n' }, ofHost, 'kvm'],
  ['a guest of QEMU without KVM', { ...qemu, [clocks]: 'tsc hpet acpi_pm \n' }, ofHost, 'qemu'],
  ...[
    ['VirtualBox, which hides the flag of the processor', 'innotek GmbH', 'virtualbox'],
    ['a cloud that lends hardware', 'Amazon EC2', 'none'],
    ['hardware', 'Supermicro', 'none'],
  ].map(([what = '', vendor = '', found]): (typeof machines)[number] => [
    what,
    { 'proc/cpuinfo': cpu.replace(' hypervisor', ''), 'sys/class/dmi/id/sys_vendor': `${vendor}\n` },
    ofHost,
    found,
  ]),
  ['a machine whose firmware tells nothing', { 'proc/cpuinfo': cpu }, ofHost, 'vm-other'],
];

/** Machines that the first tier visits with the shell agent: together they have all the files that tell. */
const told = new Set(['LXC without systemd', 'LXC without systemd, for an account', 'a guest of KVM']);

function rootOf(t: TestContext, files: Files, pids: string | null): string {
  const root = rootWith(tempFolder(t), { 'proc/sys/kernel/osrelease': '6.1.0\n', ...files });
  const folder = path.join(root, 'proc/self/ns');
  mkdirSync(folder, { recursive: true });
  if (pids !== null) symlinkSync(pids, path.join(folder, 'pid'));
  return root;
}

for (const [what, files, pids, found] of machines) {
  test(`${what} is ${found ?? 'no container'}, for both agents`, async (t) => {
    const root = rootOf(t, files, pids);
    const source = openSource(root);
    assert.equal(virtualisationOf(source), found);
    assert.equal(isContainer(source), /lxc|container|docker|podman/.test(found ?? ''));
    // Both agents have the code that reads a capture.
    if (!isWide && !told.has(what)) return;
    const { report } = await shellAgent(t).run({ root });
    const reports = report?.worker_reports.flatMap(({ function_reports: functions }) => functions) ?? [];
    assert.equal(reports.find(({ name }) => name === 'os')?.data[0]?.['virtualisation'], found);
  });
}
