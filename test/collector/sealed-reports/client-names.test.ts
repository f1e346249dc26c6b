import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createClientNames } from '../../../src/collector/sealed-reports/client-names.ts';
import { folderOfClient } from '../../../src/state-folder/client-folder.ts';

test('reports under a former name belong to the client that had it, unless another client has it now', () => {
  const names = createClientNames([
    { name: 'web-2', was: 'web-1' },
    { name: 'web-3', was: 'web-2' },
    { name: 'db-1', was: null },
  ]);
  const owners = [
    ['web-1', 'web-2', ['web-2', 'web-1']],
    ['web-2', 'web-2', ['web-2', 'web-1']],
    ['web-3', 'web-3', ['web-3', 'web-2']],
    ['db-1', 'db-1', ['db-1']],
    ['gone', 'gone', ['gone']],
  ] as const;
  for (const [name, client, own] of owners) {
    assert.deepEqual(names.ownerOf(name), { client, names: own });
    const inFolder = { client: null, origin: null, file: `/spool/${folderOfClient(name)}/report.fhs` };
    assert.deepEqual(names.ownerOfFile(inFolder, name), { client, names: own });
  }
});
