import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';

import { sharedSync } from '../../src/state/sync-folder.ts';

interface Begun {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A folder whose syncs end when they are told to. */
function slowFolder(): { readonly sync: () => Promise<void>; readonly begun: readonly Begun[] } {
  const begun: Begun[] = [];
  const sync = sharedSync('/folder', () => {
    return new Promise((resolve, reject) => begun.push({ resolve, reject }));
  });
  return { sync, begun };
}

test('those who come while a sync goes on share the next one, which begins after it', async () => {
  const { sync, begun } = slowFolder();
  const ended: string[] = [];
  const wait = (name: string): void => void sync().then(() => ended.push(name));
  wait('first');
  wait('second');
  wait('third');
  await setImmediate();
  assert.equal(begun.length, 1);
  begun[0]?.resolve();
  await setImmediate();
  assert.deepEqual([begun.length, ended], [2, ['first']]);
  // What it does now is not covered by the sync that goes on already.
  wait('fourth');
  begun[1]?.resolve();
  await setImmediate();
  assert.deepEqual([begun.length, ended], [3, ['first', 'second', 'third']]);
  begun[2]?.resolve();
  await setImmediate();
  assert.deepEqual([begun.length, ended.at(-1)], [3, 'fourth']);
});

test('a sync that fails fails for those who share it, and for no other', async () => {
  const { sync, begun } = slowFolder();
  const first = sync();
  const second = sync();
  const third = sync();
  begun[0]?.reject(new Error('EIO'));
  await assert.rejects(first, /EIO/);
  await setImmediate();
  begun[1]?.reject(new Error('ENOSPC'));
  await assert.rejects(second, /ENOSPC/);
  await assert.rejects(third, /ENOSPC/);
  const again = sync();
  begun[2]?.resolve();
  await again;
});

test('a folder is synced, and one that is not there is said not to be', async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'fleet-health-sync-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const sync = sharedSync(dir);
  await Promise.all([sync(), sync(), sync()]);
  rmSync(dir, { recursive: true });
  await assert.rejects(sync(), /ENOENT/);
});
