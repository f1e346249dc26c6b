import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { foreignKeys } from '../../../src/cli/check/foreign-keys.ts';
import { loadKeyRing } from '../../../src/collector/keys/key-ring.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { statePaths } from '../../../src/state-folder/paths.ts';
import { claimStateFolder } from '../../../src/state-folder/state-folder.ts';
import type { SeenCollector } from '../../../src/storage/store/share-store.ts';
import { configFolder } from '../../support/programs/run-cli.ts';

test('check says on a new machine that keys of its site are missing, or that it has one of its own', async (t) => {
  const xml = `<config><storage url="mysql://fleet@127.0.0.1/fleet"/><collector share="yes" site="fra"/>
    <client name="web-1"/></config>`;
  const config = loadConfig({ file: path.join(configFolder(t, xml), 'config.xml') });
  const paths = statePaths(config.stateDir);
  let keyId = 'aaaaaaaaaaaaaaaa';
  const seen = (): SeenCollector[] => [{ id: 'one', site: 'fra', host: 'hq-1', keyId, capacity: 2, seenAtMs: 0 }];
  const shares = { collectors: () => Promise.resolve(seen()), nowMs: () => Promise.resolve(0) };
  const missing = 'hq-1 of the same site fra seals to key aaaaaaaaaaaaaaaa, which is not live here. Copy the files of';
  const from = 'keys/ and public_keys/ from the state folder of hq-1 to this one';
  assert.equal(await foreignKeys(config, shares), `${missing} ${from}.`, 'before any run');
  claimStateFolder(paths, ['keys', 'publicKeys']);
  const theirs = loadKeyRing(paths, Date.UTC(2026, 10, 1)).sealing.id;
  const own = `${missing} ${from}, and move those of key ${theirs} away. If an earlier collector`;
  assert.ok((await foreignKeys(config, shares))?.startsWith(own), 'after a run that made a key');
  keyId = theirs;
  assert.equal(await foreignKeys(config, shares), null, 'their keys, and no other');
  keyId = 'bbbbbbbbbbbbbbbb';
  writeFileSync(paths.collectorId, 'one\n');
  assert.equal(await foreignKeys(config, shares), null, 'of a collector that is alone there');
});
