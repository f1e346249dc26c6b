/**
 * Devices, kernel tables and cgroups recorded on a Debian machine (test/machines/record.sh): QEMU with its own kernel,
 * arrays and btrfs on real block devices, bonds of dummy interfaces, the cgroup of a container without Docker. Both
 * agents reported the same on the machine itself.
 */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { kernel } from '../../../agent/probes/kernel.ts';
import { checkStats } from '../../../src/report/checks/checks.ts';
import { checkAgents, checkClient } from '../../support/clients/check-client.ts';
import { checkAwks, checkedMachine, inShort, type Files } from '../../support/clients/built-in-checks.ts';
import { skipUnlessWide } from '../../support/long-tests.ts';
import { rootWith, shellAgent } from '../../support/clients/shell-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { contextOf, onlyRow } from './fixture-context.ts';

const folder = path.join(import.meta.dirname, '../../testdata/recorded');

/** Returns the files of a recording by their paths. */
function recorded(name: string): Files {
  const [head = '', ...parts] = readFileSync(path.join(folder, `${name}.txt`), 'utf8').split(/^== /m);
  assert.match(head, /^# recorded on Linux \d\S+ x86_64, Debian/);
  return Object.fromEntries(
    parts.map((part) => {
      const end = part.indexOf('\n');
      return [part.slice(0, end), part.slice(end + 1)];
    }),
  );
}

const noErrors = 'write_errs=0c read_errs=0c flush_errs=0c corruption_errs=0c generation_errs=0c';
const errors = noErrors.replace('corruption_errs=0c', 'corruption_errs=9767c');
const btrfs = 'btrfs:36ac58dd-1778-4670-a5ef-f027bb8d5f26';

const said: Readonly<Record<string, readonly ReturnType<typeof inShort>[]>> = {
  'md-resync': [{ name: 'md:md0', exit: 0, output: 'raid1 clean, resync 0 %|degraded=0 mismatch_cnt=0 disks=2' }],
  'md-clean': [{ name: 'md:md0', exit: 0, output: 'raid1 clean|degraded=0 mismatch_cnt=0 disks=2' }],
  'md-degraded': [
    {
      name: 'md:md0',
      exit: 1,
      output: 'raid1 clean, 1 of 2 disks missing, as it was at the first report|degraded=1 mismatch_cnt=0 disks=1',
    },
  ],
  'md-recover': [
    {
      name: 'md:md0',
      exit: 1,
      output:
        'raid1 clean, 1 of 2 disks missing, as it was at the first report, recover 56 %|' +
        'degraded=1 mismatch_cnt=0 disks=1',
    },
  ],
  'md-check': [{ name: 'md:md0', exit: 0, output: 'raid1 clean, check 6 %|degraded=0 mismatch_cnt=0 disks=2' }],
  'bond-up': [{ name: 'bond:bond0', exit: 0, output: '2 of 2 interfaces up, d0 active|interfaces=2 down=0' }],
  'bond-half': [
    { name: 'bond:bond0', exit: 1, output: '1 of 2 interfaces up, d0 down, d1 active|interfaces=2 down=1' },
  ],
  'bond-down': [
    { name: 'bond:bond0', exit: 2, output: '0 of 2 interfaces up, d0 down, d1 down, none active|interfaces=2 down=2' },
  ],
  'bond-two': [
    { name: 'bond:bond0', exit: 1, output: '1 of 2 interfaces up, d0 down, d1 active|interfaces=2 down=1' },
    { name: 'bond:bond1', exit: 1, output: '1 of 1 interfaces up, no partner|interfaces=1 down=0' },
  ],
  'btrfs-whole': [{ name: btrfs, exit: 0, output: `data: 2 devices|${noErrors}` }],
  'btrfs-corrupt': [{ name: btrfs, exit: 1, output: `data: 2 devices, device 2: 9767 corruption errors|${errors}` }],
  'btrfs-missing': [
    { name: btrfs, exit: 2, output: `data: 2 devices, device 2 missing, device 2: 9767 corruption errors|${errors}` },
  ],
  container: [{ name: 'container:000000000000', exit: 0, output: 'running|memory=110592B;;;0;20971520 oom_kills=1' }],
};

/** Recordings that one machine may have at once. */
const together: readonly (readonly string[])[] = [
  ['md-resync', 'bond-up', 'btrfs-whole', 'container'],
  ['md-clean', 'bond-half', 'btrfs-corrupt'],
  ['md-degraded', 'bond-down', 'btrfs-missing'],
  ['md-recover', 'bond-two'],
  ['md-check'],
];
assert.deepEqual(together.flat().sort(), Object.keys(said).sort());

for (const names of together) {
  for (const awk of checkAwks) {
    test(`recorded: ${names.join()} (${awk})`, async (t) => {
      // The other machines have the files of the first two.
      const machine = checkedMachine(t, awk, together.indexOf(names) > 1);
      const paths = names.flatMap((name) => Object.keys(recorded(name)));
      assert.equal(new Set(paths).size, paths.length, 'no file of two recordings');
      const files: Files = Object.assign({}, ...names.map(recorded)) as Files;
      const found = (await machine.visit(files)).map(inShort);
      for (const name of names) {
        const wanted = said[name] ?? [];
        const own = found.filter((check) => wanted.some((one) => one.name === check.name));
        assert.deepEqual(own, wanted, name);
      }
      assert.equal(found.length, names.flatMap((name) => said[name] ?? []).length);
      if (!names.includes('btrfs-whole')) return;
      const later = (await machine.visit({ ...files, ...recorded('btrfs-corrupt') })).map(inShort);
      const added = 'device 2: 9767 corruption errors, 9767 more errors since the previous report';
      assert.deepEqual(
        later.find(({ name }) => name === btrfs),
        { name: btrfs, exit: 2, output: `data: 2 devices, ${added}|${errors}` },
        'errors that a scrub has found since the previous visit',
      );
    });
  }
}

test('recorded: kills for want of memory, pressure, open files and connection tracking', async (t) => {
  const root = rootWith(tempFolder(t), recorded('kernel'));
  const families = (await kernel.run(contextOf(root))).functions;
  const { report } = await shellAgent(t).run({ root });
  const ofShell = (report?.worker_reports ?? []).flatMap(({ function_reports: functions }) => functions);
  const figures = families.map((family) => {
    assert.deepEqual(
      ofShell.find(({ name }) => name === family.name),
      family,
    );
    return onlyRow(families, family.name);
  });
  assert.deepEqual(Object.assign({}, ...figures), {
    oom_kills: null,
    cpu_percent: 8.81,
    memory_percent: 0,
    io_percent: 0.14,
    open_files_percent: 0,
    conntrack_percent: 0,
  });
  const next = (await kernel.run(contextOf(root, { counters: 1, elapsedMs: 60_000 }))).functions;
  assert.deepEqual(next.find(({ data }) => data.some((row) => 'oom_kills' in row))?.data[0]?.['oom_kills'], 1);
});

for (const agent of checkAgents) {
  const onlyNode = { skip: agent.shell === null ? false : skipUnlessWide };
  test(`recorded: what smartmon.sh says of an emulated NVMe disk (${agent.name})`, onlyNode, async (t) => {
    const client = checkClient(t, agent);
    const dir = path.join(client.home, 'files');
    mkdirSync(dir);
    copyFileSync(path.join(folder, 'smartmon.prom'), path.join(dir, 'smartmon.prom'));
    client.conf(`textfile ${dir}\n`);
    const { checks } = await client.visit();
    const rows = checkStats({ datetime: new Date().toISOString(), checks });
    assert.deepEqual(
      rows.map(({ check_name: name, state }) => [name, state]),
      [
        [`textfile:${dir}`, 0],
        ['textfile:smartmon', 0],
      ],
    );
  });
}
