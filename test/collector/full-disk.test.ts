import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { statePaths } from '../../src/state-folder/paths.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { makeClient, makeConfig, openFleet } from '../support/fleets/fleet.ts';
import { makeMigrated } from '../support/databases/migrated.ts';
import { fill, mountSmallDisk } from '../support/programs/small-disk.ts';

// The folder is removed after its file system is unmounted.
const fleet = openFleet(mkdtempSync(path.join(tmpdir(), 'fh-full-disk-')), 'scripted');
const skip = process.getuid?.() === 0 ? false : 'needs root';
const unmount = skip === false ? mountSmallDisk(fleet.stateDir, 1024) : () => undefined;
after(() => {
  unmount();
  fleet.remove();
});

test(
  'on a full disk nothing is acknowledged, visits are recorded; all comes once there is room',
  { skip },
  async () => {
    const { storage } = makeConfig(path.join(fleet.dir, 'elsewhere'), []);
    mkdirSync(path.join(fleet.dir, 'elsewhere'));
    await makeMigrated(storage);
    const clients = ['web-1', 'web-2'].map((name) => makeClient(name));
    const elsewhere = { openStorage: () => openStorage({ storage, migrate: true, program: 'collect' as const }) };
    assert.equal((await fleet.collect(clients, elsewhere)).exitStatus, 0);

    // Otherwise the run would make room by removing what it keeps of the database's.
    rmSync(statePaths(fleet.stateDir).stored, { recursive: true });
    const ballast = fill(fleet.stateDir);
    const full = await fleet.collect(clients, elsewhere);
    assert.equal(full.exitStatus, 3);
    assert.deepEqual([full.faults.length, full.faults[0]?.code], [1, 'spool-full']);
    const failures = full.failures.map(({ code, stage }) => `${code} ${stage}`);
    assert.deepEqual(failures, Array(2).fill('spool-full spool'));
    const said = [...full.faults, ...full.failures].map(({ message }) => message);
    for (const message of said) assert.match(message ?? '', /\/state\/(inbox\/collector|encrypted_stats): ENOSPC/);
    assert.equal(fleet.spooledAt('web-1').length, 1);

    rmSync(ballast);
    const later = await fleet.collect(clients, elsewhere);
    assert.equal(later.exitStatus, 0);
    const opened = await elsewhere.openStorage();
    for (const [table, count] of Object.entries({ stats: 6, visits: 6, runs: 3 })) {
      assert.equal((await opened.history.query(`SELECT 1 FROM ${table}`)).length, count, table);
    }
    await opened.close();
  },
);
