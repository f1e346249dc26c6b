/** The process that runs a mode, as `status`, `stop` and `reload` find it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'node:test';

import { lockFile, runningMode } from '../../src/agent-program/control.ts';
import { programArgs } from '../support/programs/program-args.ts';
import { tempFolder } from '../support/temp-folder.ts';

test('whoever looks at a mode that is not running is not taken for it', async (t) => {
  const place = tempFolder(t);
  const [holder, looking] = ['../support/databases/lock-holder.ts', 'support/onlooker.ts'].map((script) =>
    programArgs(path.join(import.meta.dirname, script)),
  );
  assert.ok(holder !== undefined && looking !== undefined);
  // The lock file records the pid of this process, which ends before the onlooker starts.
  const mode = spawn(process.execPath, [...holder, lockFile(place, 'push'), '1']);
  t.after(() => mode.kill('SIGKILL'));
  await once(mode.stdout, 'data');
  assert.equal((await runningMode(place, 'push'))?.pid, mode.pid);
  const gone = once(mode, 'exit');
  mode.kill('SIGKILL');
  await gone;
  const onlooker = spawn(process.execPath, [...looking, place]);
  t.after(() => onlooker.kill('SIGKILL'));
  const ended = once(onlooker, 'exit');
  await once(onlooker.stdout, 'data');
  // `stop` and `reload` rely on the result of runningMode. A signal to a wrong process could end this test run.
  for (let times = 0; times < 200; times++) assert.equal(await runningMode(place, 'push'), null);
  onlooker.stdin.end();
  assert.deepEqual(await ended, [0, null]);
});
