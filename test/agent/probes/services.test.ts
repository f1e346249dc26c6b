import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { startOf } from '../../../agent/start/running.ts';
import { services } from '../../../agent/probes/services.ts';
import { contextOf, familyOf, onlyRow, reasonOf } from './fixture-context.ts';
import type { ProbeOptions } from '../../../src/report/wire.ts';
import { shellAgent } from '../../support/clients/shell-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { assertWithin } from '../../support/within.ts';

/** Returns a root in which systemd runs. `shell`: the text of the program systemctl; null: no program. */
function rootWith(t: TestContext, shell: string | null): string {
  const root = tempFolder(t);
  mkdirSync(`${root}/run/systemd/system`, { recursive: true });
  if (shell === null) return root;
  mkdirSync(`${root}/usr/bin`, { recursive: true });
  writeFileSync(`${root}/usr/bin/systemctl`, `#!/bin/sh\n${shell}\n`);
  chmodSync(`${root}/usr/bin/systemctl`, 0o700);
  return root;
}

// The output of systemd 252.
const slice = 'Id=-.slice\nNames=-.slice\nLoadState=loaded\nActiveState=active\n';
const answer = `${slice}
Id=good.service
Names=good.service other.service
LoadState=loaded
ActiveState=active

Id=nope.service
Names=nope.service
LoadState=not-found
ActiveState=inactive

Id=bad.service
Names=bad.service
LoadState=loaded
ActiveState=failed

Id=bad.service
Names=bad.service
LoadState=loaded
ActiveState=failed

Id=dev-sda.swap
Names=dev-sda.swap
LoadState=not-found
ActiveState=failed
`;

test('failed units, and the state of those that rules name, in one call', async (t) => {
  const root = rootWith(t, `printf '%s\\n' "$@" > "$0.args"; cat <<'.'\n${answer}.`);
  const units = ['good', 'other.service', 'nope', 'bad.service', '7', 'silent.timer'];
  const { functions, error } = await services.run(contextOf(root, { options: { units }, leftMs: () => 5000 }));
  assert.equal(error, undefined);
  assert.deepEqual(onlyRow(functions, 'services'), { failed_units: 2 });
  const failed = ['bad.service', 'dev-sda.swap'].map((unit) => ({ unit, failed: 1 }));
  assert.deepEqual(familyOf(functions, 'failed_unit').data, failed);
  assert.deepEqual(familyOf(functions, 'unit').data, [
    { unit: 'good', state: 'active', active: 1 },
    { unit: 'other.service', state: 'active', active: 1 },
    { unit: 'nope', state: 'missing', active: 0 },
    { unit: 'bad.service', state: 'failed', active: 0 },
    { unit: '7', active: null },
    { unit: 'silent.timer', active: null },
  ]);
  const args = readFileSync(`${root}/usr/bin/systemctl.args`, 'utf8').trim().split('\n');
  // Names follow `--`. A bare number gets a suffix, because systemctl would read a number as the id of a job.
  const names = [
    '-.slice',
    '*',
    'good.service',
    'other.service',
    'nope.service',
    'bad.service',
    '7.service',
    'silent.timer',
  ];
  assert.deepEqual(args.slice(args.indexOf('--') + 1), names);
});

test('no failed units at all', async (t) => {
  const { functions } = await services.run(contextOf(rootWith(t, `cat <<'.'\n${slice}.`), { leftMs: () => 5000 }));
  assert.deepEqual(onlyRow(functions, 'services'), { failed_units: 0 });
  assert.deepEqual(familyOf(functions, 'failed_unit'), { name: 'failed_unit', data: [] });
});

for (const { what, shell, reason } of [
  { what: 'hangs', shell: 'exec sleep 60', reason: /^systemctl: no answer within 300 ms$/ },
  {
    what: 'complains',
    shell: 'echo "Failed to connect to bus" >&2; echo more >&2; exit 1',
    reason: /^systemctl: Failed to connect to bus$/,
  },
  { what: 'fails silently', shell: 'exit 4', reason: /^systemctl: ended with 4$/ },
  { what: 'is another program', shell: 'echo hello', reason: /^systemctl: its answer is not that of systemctl$/ },
  { what: 'is killed', shell: 'kill -9 $$', reason: /^systemctl: ended with SIGKILL$/ },
] as const) {
  test(`systemctl ${what}: unknown with the reason, and an error`, async (t) => {
    const context = contextOf(rootWith(t, shell), { options: { units: ['nginx'] }, leftMs: () => 375 });
    const begun = performance.now();
    const { functions, error } = await services.run(context);
    assert.match(error ?? '', reason);
    assert.deepEqual(onlyRow(functions, 'services'), { failed_units: null });
    assert.match(reasonOf(functions, 'services', 'failed_units') ?? '', reason);
    assert.deepEqual(onlyRow(functions, 'unit'), { unit: 'nginx', active: null });
    assertWithin(begun, 2500);
  });
}

test('a systemctl that hangs is killed, with what it started', async (t) => {
  const root = rootWith(t, 'sleep 60 & echo $! > "$0.pid"; sleep 60');
  const { error } = await services.run(contextOf(root, { leftMs: () => 375 }));
  assert.equal(error, 'systemctl: no answer within 300 ms');
  const pid = Number(readFileSync(`${root}/usr/bin/systemctl.pid`, 'utf8'));
  assert.ok(pid > 1);
  while (startOf(pid) !== null) await setTimeout(10);
});

test('an answer without end is cut off, long before the deadline', async (t) => {
  const { error } = await services.run(contextOf(rootWith(t, 'exec yes'), { leftMs: () => 60_000 }));
  assert.equal(error, 'systemctl: its answer is too long');
});

test('without systemd, or without its program: unknown with the reason, and no error', async (t) => {
  const without = await services.run(contextOf('alpine', { options: { units: ['nginx'] } }));
  assert.equal(without.error, undefined);
  assert.deepEqual(onlyRow(without.functions, 'services'), { failed_units: null });
  assert.equal(reasonOf(without.functions, 'unit', 'active'), 'no systemd');
  const bare = await services.run(contextOf(rootWith(t, null)));
  assert.equal(reasonOf(bare.functions, 'services', 'failed_units'), 'no systemctl');
});

test('of many failed units 200, and the count of all', async (t) => {
  const shell = `printf 'Id=-.slice\\n\\n'; i=0
    while [ $i -lt 300 ]; do printf 'Id=u%03d.service\\nActiveState=failed\\n\\n' $i; i=$((i+1)); done`;
  const { functions } = await services.run(contextOf(rootWith(t, shell), { leftMs: () => 5000 }));
  assert.deepEqual(onlyRow(functions, 'services'), { failed_units: 300 });
  assert.equal(familyOf(functions, 'failed_unit').data.length, 200);
  assert.equal(familyOf(functions, 'failed_unit').omitted, 100);
});

/** Returns the lines of failed units in the reports of both agents. Asserts that both have the same. */
async function unitLines(t: TestContext, failed: readonly string[], options: ProbeOptions): Promise<unknown> {
  const blocks = failed.map((unit) => `Id=${unit}\nNames=${unit}\nLoadState=loaded\nActiveState=failed\n`);
  const systemctl = `cat <<'.'\n${[slice, ...blocks].join('\n')}.`;
  const journalctl = `for unit; do :; done
    case $unit in *hangs*) exec sleep 60 ;; *quiet*) exit ;; *denied*) exit 1 ;; esac
    printf '%s\\n' "$#" '' 'one \\x2d' 'two: ' three four "last of $unit"`;
  const root = rootWith(t, systemctl);
  writeFileSync(`${root}/usr/bin/journalctl`, `#!/bin/sh\n${journalctl}\n`, { mode: 0o700 });
  mkdirSync(`${root}/proc`);
  writeFileSync(`${root}/proc/uptime`, '1000.00 1.00\n');
  const node = await services.run(contextOf(root, { options, leftMs: () => 5000 }));
  const { report, fault } = await shellAgent(t, { own: { systemctl, journalctl } }).run({ root, options });
  assert.equal(fault, null);
  const ofShell = report?.worker_reports.find(({ name }) => name === 'services')?.function_reports ?? [];
  const [lines, same] = [node.functions, ofShell].map((all) => all.find(({ name }) => name === 'unit_line')?.data);
  assert.deepEqual(same, lines);
  return lines;
}

test('the journal is read by the program beside systemctl, wherever that is', async (t) => {
  for (const folder of ['usr/bin', 'bin', 'run/current-system/sw/bin']) {
    const root = tempFolder(t);
    for (const path of ['run/systemd/system', folder]) mkdirSync(`${root}/${path}`, { recursive: true });
    const answers = {
      systemctl: `${slice}\nId=bad.service\nNames=bad.service\nActiveState=failed\n`,
      journalctl: 'why\n',
    };
    for (const [name, text] of Object.entries(answers))
      writeFileSync(`${root}/${folder}/${name}`, `#!/bin/sh\ncat <<'.'\n${text}.\n`, { mode: 0o700 });
    const { functions } = await services.run(contextOf(root, { leftMs: () => 5000 }));
    assert.deepEqual(familyOf(functions, 'unit_line').data, [{ unit: 'bad.service', text: 'why' }], folder);
  }
});

test('failed units have their last five lines in both agents, three units at most', async (t) => {
  const lines = (unit: string): unknown =>
    ['one \\x2d', 'two: ', 'three', 'four', `last of --unit=${unit}`].map((text) => ({ unit, text }));
  const found = await unitLines(t, ['b.service', 'a\\x2d$(id).service', 'c.service', 'd.service'], {});
  assert.deepEqual(found, [lines('a\\x2d$(id).service'), lines('b.service'), lines('c.service')].flat());
});

test('a journal that hangs, is empty or closed has no lines, and none is read if config.xml says so', async (t) => {
  assert.equal(await unitLines(t, ['quiet.service', 'hangs.service', 'denied.service'], {}), undefined);
  assert.equal(await unitLines(t, ['a.service'], { noExcerpts: true }), undefined);
});
