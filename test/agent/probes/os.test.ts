import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clock } from '../../../agent/probes/clock.ts';
import { load } from '../../../agent/probes/load.ts';
import { os } from '../../../agent/probes/os.ts';
import { uptime } from '../../../agent/probes/uptime.ts';
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
  assert.equal(reasonOf(functions, 'os', 'reboot_required'), 'this system does not tell');
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
