/** The local checks of docs/checks.md that list the guests of a hypervisor, with invented answers of its programs. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { parseCheckmkLines } from '../../../src/report/checks/checkmk-lines.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const page = readFileSync(path.join(import.meta.dirname, '../../../docs/checks.md'), 'utf8');
const scripts = [...page.matchAll(/^```sh\n(#!\/bin\/sh\n.*?)^```$/gms)].map(([, text = '']) => text);

/** Returns a folder with these programs, and a function that runs a script among them. */
function withPrograms(programs: Readonly<Record<string, string>>) {
  const dir = tempFolder();
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(path.join(dir, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
  const run = (script: string) =>
    spawnSync('/bin/sh', ['-c', script.replaceAll('/etc/pve', dir)], {
      encoding: 'utf8',
      env: { PATH: `${dir}:/usr/bin:/bin` },
      timeout: 60_000,
    });
  return { dir, run };
}

const statesOf = (output: string): readonly string[] =>
  parseCheckmkLines(output).checks.map(({ name, state, text }) => `${state} ${name}: ${text}`);

test('libvirt: guests that start at boot, each with its state', () => {
  const [script = ''] = scripts.filter((one) => one.includes('virsh'));
  const virsh = `case "$*" in
'list --all --autostart --name') printf 'web 1\\ndb-1\\n\\n' ;;
'domstate web 1') printf 'shut off\\n\\n' ;;
*) printf 'running\\n\\n' ;;
esac`;
  const { stdout } = withPrograms({ virsh }).run(script);
  assert.deepEqual(statesOf(stdout), ['0 list: libvirt answers', '2 web 1: shut off', '0 db-1: running']);
  const fails = withPrograms({ virsh: 'exit 1' }).run(script);
  assert.deepEqual([fails.status, fails.stdout], [3, '']);
});

test('Proxmox: machines and containers that start at boot, whatever their snapshots say', () => {
  const [script = ''] = scripts.filter((one) => one.includes('pct'));
  const qm = `echo '      VMID NAME                 STATUS     MEM(MB)    BOOTDISK(GB) PID'
echo '       100 web-1                running    2048              32.00 1234'
echo '       101 web-2                stopped    2048              32.00 0'
echo '       102 template             stopped    2048              32.00 0'`;
  const pct = `echo 'VMID       Status     Lock         Name'
echo '200        stopped                 db-1'
echo '201        running    backup       db-2'`;
  const { dir, run } = withPrograms({ qm, pct });
  const settings = { 'qemu-server/100': 1, 'qemu-server/101': 1, 'qemu-server/102': 0, 'lxc/200': 1, 'lxc/201': 1 };
  for (const kind of ['qemu-server', 'lxc']) mkdirSync(path.join(dir, kind));
  for (const [file, onboot] of Object.entries(settings)) {
    writeFileSync(path.join(dir, `${file}.conf`), `memory: 2048\nonboot: ${onboot}\n[before]\nonboot: 1\n`);
  }
  const expected = [
    '0 list: Proxmox answers',
    '0 web-1: running',
    '2 web-2: stopped',
    '2 db-1: stopped',
    '0 db-2: running',
  ];
  assert.deepEqual(statesOf(run(script).stdout), expected);
});
