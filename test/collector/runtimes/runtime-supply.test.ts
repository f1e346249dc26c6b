import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Client } from '../../../src/config/config.ts';
import { openRuntimeSupply } from '../../../src/collector/runtimes/runtime-supply.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const platform = { system: 'Linux', machine: 'x86_64', interpreters: ['/lib64/ld-linux-x86-64.so.2'], alpine: false };

for (const { what, found, words, advice } of [
  {
    what: 'a platform without runtimes is advised to get a node of its own',
    found: { ...platform, system: 'FreeBSD', machine: 'amd64' },
    words: 'none can be uploaded to this platform (FreeBSD amd64)',
    advice: 'Install Node.js there, or allow unsealed="allow".',
  },
  {
    what: 'a platform whose runtime is missing here is advised to add it',
    found: platform,
    words: 'none was added for linux-x64 (fleet-health runtimes add linux-x64)',
    advice: 'Run `fleet-health runtimes add linux-x64`.',
  },
]) {
  test(what, (t) => {
    const supply = openRuntimeSupply({ dir: tempFolder(t), everyMs: 300_000, ignorePauses: false });
    assert.deepEqual(supply.wishOf({ name: 'web-1' } as Client, found, 0), { runtime: null, words, advice });
  });
}
