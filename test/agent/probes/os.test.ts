import assert from 'node:assert/strict';
import { utimesSync } from 'node:fs';
import { test } from 'node:test';

import { clock } from '../../../agent/probes/clock.ts';
import { load } from '../../../agent/probes/load.ts';
import { os } from '../../../agent/probes/os.ts';
import { uptime } from '../../../agent/probes/uptime.ts';
import { isWide } from '../../support/long-tests.ts';
import { rootWith, rowsOf, shellAgent } from '../../support/clients/shell-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { run } from './files-in-memory.ts';
import { contextOf, onlyRow, reasonOf } from './fixture-context.ts';

async function row(box: string) {
  return onlyRow((await os.run(contextOf(box))).functions, 'os');
}

test('a virtual machine that wants a reboot', async () => {
  const { architecture, ...rest } = await row('vm');
  assert.deepEqual(rest, {
    hostname: 'web-1',
    distribution: 'Debian GNU/Linux 12 (bookworm)',
    kernel: '6.1.0-18-amd64',
    virtualisation: 'kvm',
    reboot_required: 1,
  });
  assert.equal(typeof architecture, 'string');
});

test('a container with another place and quotes of os-release, on a system that does not tell of reboots', async () => {
  const { functions } = await os.run(contextOf('container'));
  const found = onlyRow(functions, 'os');
  assert.equal(found['distribution'], 'Void');
  assert.equal(found['virtualisation'], 'docker');
  assert.equal(found['reboot_required'], null);
  assert.equal(reasonOf(functions, 'os', 'reboot_required'), 'the kernel is not one of this system');
});

test('LXC by its control group; without os-release and hostname the labels are left out', async () => {
  const found = await row('container-v1');
  assert.equal(found['virtualisation'], 'lxc');
  assert.ok(!('distribution' in found) && !('hostname' in found));
});

test('Alpine whose kernel was replaced wants a reboot', async () => {
  const found = await row('alpine');
  assert.equal(found['distribution'], 'Alpine Linux v3.20');
  assert.equal(found['virtualisation'], 'none');
  assert.equal(found['reboot_required'], 1);
});

test('a physical machine; escaped quotes', async () => {
  const found = await row('metal');
  assert.equal(found['distribution'], 'Rocky Linux 9.4 (Blue "Onyx")');
  assert.equal(found['virtualisation'], 'none');
  assert.equal(found['reboot_required'], null);
});

const none = 'the running kernel is not one of its packages';
const foreign = 'the kernel is not one of this system';
/** The running kernel, the kernels whose modules are there, and the need for a reboot, or why it is unknown. */
const kernels: readonly (readonly [id: string, running: string, installed: readonly string[], found: unknown])[] = [
  ['debian', '6.1.0-18-amd64', ['6.1.0-21-amd64'], 1],
  ['debian', '6.1.0-18-amd64', ['6.1.0-18-amd64', '6.1.0-21-amd64'], 0],
  ['debian', '6.1.0-18-amd64', ['6.12.43+deb13-amd64'], 1],
  ['debian', '6.12.43+deb13-amd64', ['6.12.48+deb13-amd64'], 1],
  ['debian', '6.9.7+bpo-amd64', ['6.12.43+deb12-amd64'], 1],
  ['debian', '6.1.0-18-cloud-amd64', ['6.1.0-21-amd64'], none],
  ['debian', '6.6.9', ['6.1.0-21-amd64'], none],
  ['debian', '6.2.9-x86_64-linode160', ['6.1.0-21-amd64'], none],
  ['debian', '6.5.11-7-pve', ['6.8.4-2-pve'], 1],
  ['debian', '6.6.31+rpt-rpi-v8', ['6.12.25+rpt-rpi-2712', '6.12.25+rpt-rpi-v8'], 1],
  ['raspbian debian', '6.1.21-v8+', ['6.1.77+', '6.1.77-v7+', '6.1.77-v8+'], 1],
  ['ubuntu', '5.15.0-91-generic', ['5.15.0-105-generic'], 1],
  ['ubuntu', '6.8.0-1015-aws', ['6.8.0-1021-aws'], 1],
  ['ubuntu', '5.10.0', ['5.15.0-105-generic'], none],
  ['rhel', '5.14.0-362.8.1.el9_3.x86_64', ['5.14.0-427.el9.x86_64'], 1],
  ['rhel', '4.18.0-80.el8.x86_64', ['4.18.0-553.5.1.el8_10.x86_64'], 1],
  ['fedora', '6.5.6-300.fc39.x86_64', ['6.6.8-200.fc39.x86_64'], 1],
  ['fedora', '6.7.0-0.rc3.20231129git18d46e76d7c2.29.fc40.x86_64', ['6.7.1-300.fc40.x86_64'], 1],
  ['amzn', '6.1.61-85.141.amzn2023.x86_64', ['6.1.66-91.160.amzn2023.x86_64'], 1],
  ['arch', '6.6.8-arch1-1', ['6.7.0-arch3-1'], 1],
  ['arch', '6.6.8-1-lts', ['6.6.9-1-lts'], 1],
  ['alpine', '6.6.8-0-lts', ['6.6.14-0-lts'], 1],
  ['alpine', '6.6.8-0-virt', ['6.6.14-0-virt'], 1],
  ['opensuse-leap suse', '6.4.0-150600.21-default', ['6.4.0-150600.23.7-default'], 1],
  ['sles suse', '5.14.21-150500.55.39-default', ['5.14.21-150500.55.44-default'], 1],
  ['ubuntu', '5.15.167.4-microsoft-standard-WSL2', ['5.15.0-105-generic'], foreign],
  ['ubuntu', '5.15.167.4-microsoft-standard-WSL2', [], foreign],
  ['debian', '6.1.0-18-amd64', [], 0],
];
for (const [id, running, installed, found] of kernels) {
  test(`${id} runs ${running} with modules of ${installed.join(', ')}`, () => {
    const told = (more: Readonly<Record<string, string>> = {}): unknown => {
      const [name, like = ''] = id.split(' ');
      const { functions } = run(os, {
        '/proc/sys/kernel/osrelease': `${running}\n`,
        '/etc/os-release': `ID=${name}\nID_LIKE="${like}"\n`,
        '/proc/modules': 'ext4 1 1 - Live 0x0\n',
        ...Object.fromEntries(installed.map((one) => [`/lib/modules/${one}/modules.dep`, ''])),
        ...more,
      });
      return onlyRow(functions, 'os')['reboot_required'] ?? reasonOf(functions, 'os', 'reboot_required');
    };
    assert.equal(told(), found);
    assert.equal(told({ '/run/systemd/container': 'lxc\n' }), foreign);
    assert.equal(told({ '/run/reboot-required': '' }), 1);
    assert.equal(told({ '/run/ostree/staged-deployment': '' }), 1);
    assert.equal(told({ '/run/systemd/container': 'lxc\n', '/run/reboot-required': '' }), 1);
  });
}

/** The newest other kernel in /lib/modules, and the need for a reboot an hour after the boot. */
const newer: readonly (readonly [id: string, running: string, other: string, found: number | string, more?: string])[] =
  [
    ['debian', '6.1.0-18-amd64', '6.1.0-21-amd64', 1],
    ['debian', '6.1.0-9-amd64', '6.1.0-10-amd64', 1],
    ['debian', '6.1.0-21-amd64', '6.1.0-18-amd64', 0],
    ['debian', '6.1.0-18-amd64', '6.1.0-21-cloud-amd64', 0],
    ['ubuntu', '6.8.0-1015-aws', '6.8.0-1021-aws', 1],
    ['raspbian debian', '6.6.51+rpt-rpi-v6', '6.6.62+rpt-rpi-v8', 0],
    ['raspbian debian', '6.6.51+rpt-rpi-2712', '6.6.62+rpt-rpi-2712', 1],
    ['rhel', '5.14.0-362.8.1.el9_3.x86_64', '5.14.0-427.el9.x86_64', 1],
    ['rhel', '5.14.0-427.el9.x86_64', '5.14.0-362.8.1.el9_3.x86_64', 'this system does not tell'],
    ['fedora', '6.7.0-0.rc3.20231129git18d46e76d7c2.29.fc40.x86_64', '6.7.1-300.fc40.x86_64', 1],
    ['debian', '6.17.13-7-pve', '7.0.2-2-pve', 1],
    ['debian', '6.17.13-7-pve', '7.0.2-2-pve', 0, 'etc/kernel/proxmox-boot-pin'],
  ];
for (const [id, running, other, found, more] of newer) {
  test(`${id} runs ${running}, and ${other} was installed${more === undefined ? '' : `, with ${more}`}`, async (t) => {
    const [name, like = ''] = id.split(' ');
    const root = rootWith(tempFolder(t), {
      'proc/sys/kernel/osrelease': `${running}\n`,
      'proc/uptime': '3600.00 1.00\n',
      'etc/os-release': `ID=${name}\nID_LIKE="${like}"\n`,
      'proc/modules': 'ext4 1 1 - Live 0x0\n',
      ...Object.fromEntries([running, other].map((one) => [`lib/modules/${one}/modules.dep`, ''])),
      ...(more === undefined ? {} : { [more]: '' }),
    });
    const told = async (): Promise<unknown> => {
      const { functions } = await os.run(contextOf(root));
      return onlyRow(functions, 'os')['reboot_required'] ?? reasonOf(functions, 'os', 'reboot_required');
    };
    assert.equal(await told(), found);
    const isFirst = newer[0]?.[2] === other;
    const agent = isWide || isFirst ? shellAgent(t) : null;
    if (agent !== null) {
      const { report } = await agent.run({ root });
      const [row] = report === null ? [] : rowsOf(report, 'os');
      assert.equal(row?.['reboot_required'], typeof found === 'number' ? found : null);
    }
    const beforeBoot = Date.now() / 1000 - 7200;
    utimesSync(`${root}/lib/modules/${other}`, beforeBoot, beforeBoot);
    assert.equal(await told(), ['rhel', 'fedora'].includes(id) ? 'this system does not tell' : 0);
  });
}

test('load and uptime', async () => {
  const context = contextOf('vm');
  assert.deepEqual(onlyRow((await load.run(context)).functions, 'load'), { load1: 0.52, load5: 0.58, load15: 0.59 });
  assert.deepEqual(onlyRow((await uptime.run(context)).functions, 'uptime'), { seconds: 877_043.87 });
});

test('a clock of which nothing tells is unknown', async () => {
  const { functions } = await clock.run(contextOf('vm'));
  assert.equal(onlyRow(functions, 'clock')['synchronised'], null);
  assert.equal(reasonOf(functions, 'clock', 'synchronised'), 'no time service that tells');
});
