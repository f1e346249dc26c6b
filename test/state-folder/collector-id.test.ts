import assert from 'node:assert/strict';
import { statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { loadAgentOwner, loadCollectorId } from '../../src/state-folder/collector-id.ts';
import { tempFolder } from '../support/temp-folder.ts';

test('collectors that share a site are one on clients, and others are themselves', (t) => {
  const dir = tempFolder(t);
  const [first, second] = [path.join(dir, 'first'), path.join(dir, 'second')];
  const owner = (file: string, sharedSite: string | null): string => loadAgentOwner(file, { sharedSite });
  assert.equal(owner(first, 'fra'), owner(second, 'fra'));
  assert.match(owner(first, 'fra'), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.equal(new Set([owner(first, 'fra'), owner(first, 'ber'), owner(first, null), owner(second, null)]).size, 4);
  assert.equal(owner(first, null), loadCollectorId(first));
  assert.equal(statSync(first).mode & 0o777, 0o644, 'people may read it');
});

test('a file that holds no id, or is a link to nothing, is a fault, and stays as it is', (t) => {
  const dir = tempFolder(t);
  const [damaged, link] = [path.join(dir, 'damaged'), path.join(dir, 'link')];
  writeFileSync(damaged, 'no id');
  symlinkSync('nothing', link);
  const fault = { code: 'state-unusable', stage: 'run' };
  assert.throws(() => loadCollectorId(damaged), { ...fault, message: `${damaged} holds no id` });
  assert.throws(() => loadCollectorId(link), { ...fault, message: /^ENOENT.*link/ });
});
