import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { it } from 'node:test';

import { removeOldParts } from '../../src/state/old-parts.ts';

it('removes what was left half written an hour ago, and nothing else', (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'fh-parts-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const nowMs = Date.UTC(2026, 10, 20, 12);
  const put = (name: string, ageMs: number): void => {
    writeFileSync(path.join(dir, name), '');
    utimesSync(path.join(dir, name), new Date(nowMs - ageMs), new Date(nowMs - ageMs));
  };
  put('.0011223344556677.part', 3_700_000);
  put('.7766554433221100.part', 3_500_000);
  put('collector.id', 9_000_000);
  mkdirSync(path.join(dir, 'folder.part'));
  symlinkSync('collector.id', path.join(dir, 'link.part'));
  removeOldParts([path.join(dir, 'not-there'), path.join(dir, 'collector.id'), dir], nowMs);
  assert.deepEqual(readdirSync(dir).sort(), ['.7766554433221100.part', 'collector.id', 'folder.part', 'link.part']);
});
