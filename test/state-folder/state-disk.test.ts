import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { stateDisks, statePlaces } from '../../src/state-folder/state-disk.ts';
import { pluck } from '../support/pluck.ts';

test('free is what df calls available of used and available, and one file system counts once', (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'fleet-state-disk-'));
  const disk = path.join(dir, 'disk');
  t.after(() => {
    spawnSync('umount', ['-l', disk]);
    rmSync(dir, { recursive: true, force: true });
  });
  const missing = path.join(dir, 'not', 'there');
  assert.deepEqual(pluck(stateDisks([missing, dir]), 'path'), [missing]);
  assert.deepEqual(stateDisks(['/proc']), [], 'it has no size');
  mkdirSync(disk);
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', disk]);
  if (mount.status !== 0) {
    t.skip('needs to mount a small file system');
    return;
  }
  writeFileSync(path.join(disk, 'ballast'), Buffer.alloc(960 * 1024));
  const [own] = stateDisks([disk]);
  assert.deepEqual(own, { path: disk, sizeBytes: 2 ** 20, availableBytes: 64 * 1024, freePercent: 6.25 });
  const below = path.join(disk, 'not', 'there');
  assert.deepEqual(stateDisks([dir, below]).slice(1), [{ ...own, path: below }]);
});

test('programs write to the state folder, and to the folder of an SQLite file', () => {
  const stateDir = '/var/lib/fleet-health';
  assert.deepEqual(statePlaces({ stateDir, storage: { path: null } }), [stateDir]);
  assert.deepEqual(statePlaces({ stateDir, storage: { path: '/srv/fleet.db' } }), [stateDir, '/srv']);
});
