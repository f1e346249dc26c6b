/** The limit of one agent at a time. The limit depends on processes, never on the existence of a file. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { keep, machine } from '../../support/clients/agent-visit.ts';
import { skipUnlessWide } from '../../support/long-tests.ts';

test('an agent that still runs is named, is not joined, and its spool is taken all the same', async (t) => {
  const { visit, clientDir, spool } = machine(t);
  await visit({ onReport: keep });
  const sleeper = spawn('sleep', ['60']);
  await once(sleeper, 'spawn');
  t.after(() => sleeper.kill('SIGKILL'));
  const stat = readFileSync(`/proc/${String(sleeper.pid)}/stat`, 'utf8');
  const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const record = path.join(clientDir(), 'running');
  symlinkSync(`${String(sleeper.pid)}-${started}-${boot}`, record);

  const { result } = await visit();
  assert.equal(result.fault?.code, 'agent-stuck');
  assert.match(result.fault.message, new RegExp(`agent ${String(sleeper.pid)} .*state S`));
  assert.equal(result.reports, 1);
  assert.deepEqual(spool(), []);
  assert.deepEqual(readdirSync(clientDir()).sort(), ['counters.json', 'running']);

  sleeper.kill('SIGKILL');
  await once(sleeper, 'exit');
  const after = await visit();
  assert.equal(after.result.fault, null);
  assert.deepEqual(readdirSync(clientDir()), ['counters.json']);
});

for (const [what, target, skip] of [
  ['of a process that has another start time', `${process.pid}-1-`, false],
  ['of a process that is gone', '4194304-1-', skipUnlessWide],
  ['of another boot', `${process.pid}-1-other`, skipUnlessWide],
  ['that says nothing', 'x', false],
] as const) {
  test(`a record ${what} holds nobody up`, { skip }, async (t) => {
    const { visit, clientDir } = machine(t);
    await visit();
    symlinkSync(target, path.join(clientDir(), 'running'));
    const { result } = await visit();
    assert.equal(result.fault, null);
    assert.deepEqual(readdirSync(clientDir()), ['counters.json']);
  });
}
