import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { listRuntimes } from '../../../src/collector/runtimes/runtime-store.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const entry = {
  target: 'linux-x64',
  version: '20.20.2',
  digest: 'a'.repeat(64),
  size_bytes: 5,
  added_at: '2026-11-20T12:00:00.000Z',
  source: 'this machine',
  copies: { raw: 5 },
};

test('a list of runtimes with one wrong field is damaged, and what to do is said', (t) => {
  const dir = tempFolder(t);
  writeFileSync(path.join(dir, `linux-x64-${'a'.repeat(16)}.node`), 'bytes');
  const list = (changes: object): readonly string[] => {
    writeFileSync(
      path.join(dir, 'runtimes.json'),
      JSON.stringify({ version: 1, runtimes: [{ ...entry, ...changes }] }),
    );
    return listRuntimes(dir).map(({ target }) => target);
  };
  assert.deepEqual(list({}), ['linux-x64']);
  assert.deepEqual(list({ version: null }), ['linux-x64']);
  const wrong = [
    ...[{ target: null }, { target: '../linux-x64' }, { version: 20 }, { digest: 1 }, { digest: 'a' }],
    ...[
      { size_bytes: 1.5 },
      { added_at: 0 },
      { added_at: 'today' },
      { source: null },
      { copies: 'raw' },
      { copies: null },
    ],
  ];
  for (const changes of wrong) {
    const advice = 'Delete it and add the runtimes again.';
    assert.throws(() => list(changes), { code: 'state-unusable', advice }, JSON.stringify(changes));
  }
});
