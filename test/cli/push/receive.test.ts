import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { takeLock } from '../../../src/state-folder/lock.ts';
import { configFolder, runBuilt, type CliResult } from '../../support/programs/run-cli.ts';

test(
  'receive takes one session of a client at a time, and those of others beside it',
  { timeout: 60_000 },
  async (t) => {
    const clients = ['web-1', 'web-2'].map((name) => `<client name="${name}" transport="push"/>`).join('');
    const dir = configFolder(t, `<config><alerts mail="ops@example.org"/>${clients}</config>`);
    const receive = (name: string): Promise<CliResult> => runBuilt(['receive', name], { cwd: dir });
    const locks = path.join(dir, 'state', 'receive-locks');
    mkdirSync(locks, { recursive: true, mode: 0o700 });
    const lock = await takeLock({ file: path.join(locks, 'web-1.db'), nowMs: Date.now() });
    assert.equal(lock.kind, 'held');
    const refused = await receive('web-1');
    assert.deepEqual([refused.status, refused.stdout], [3, '']);
    assert.match(refused.stderr, /another push of web-1 is under way \(locked\)/);
    // An empty stream: the push passed the lock and failed at the stream.
    for (const name of ['web-2', 'web-1']) {
      if (name === 'web-1') lock.release();
      assert.match((await receive(name)).stderr, /the stream ended too early \(agent-output\)/);
    }
  },
);
