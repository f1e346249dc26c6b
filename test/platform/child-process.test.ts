import assert from 'node:assert/strict';
import { ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

import { withStreams } from '../../src/platform/child-process.ts';

test('a child that was not started for want of descriptors is a fault with what to do, and its event is heard', () => {
  // Without a free descriptor spawn returns such a child.
  const child = new ChildProcess();
  assert.throws(() => withStreams(child), {
    code: 'descriptors-exhausted',
    message: 'no program can be started: too many open files',
    advice: /ulimit -n/,
  });
  assert.ok(child.emit('error', new Error('spawn EMFILE')));
});

test('any other child is returned, and one that does not exist says so by its event', async () => {
  const child = spawn('/bin/true');
  assert.equal(withStreams(child), child);
  await once(child, 'close');
  const [fault] = (await once(withStreams(spawn('/no/such/program')), 'error')) as [NodeJS.ErrnoException];
  assert.equal(fault.code, 'ENOENT');
});
