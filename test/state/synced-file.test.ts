import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { writeSynced } from '../../src/state/synced-file.ts';

function folder(t: TestContext): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'fleet-synced-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test('a file is there whole, for us alone, and nothing else', async (t) => {
  const dir = folder(t);
  const bytes = Buffer.alloc(3_000_000, 'sealed');
  await writeSynced(dir, 'report.fhs', bytes);
  assert.deepEqual(readdirSync(dir), ['report.fhs']);
  assert.ok(readFileSync(path.join(dir, 'report.fhs')).equals(bytes));
  assert.equal(statSync(path.join(dir, 'report.fhs')).mode & 0o777, 0o600);
});

test('what a killed process left under its other name is overwritten, shorter or not', async (t) => {
  const dir = folder(t);
  writeFileSync(path.join(dir, '.report.fhs.part'), 'x'.repeat(100));
  await writeSynced(dir, 'report.fhs', Buffer.from('short'));
  assert.deepEqual(readdirSync(dir), ['report.fhs']);
  assert.equal(readFileSync(path.join(dir, 'report.fhs'), 'utf8'), 'short');
});

test('where the file cannot get its name nothing is left', async (t) => {
  const dir = folder(t);
  mkdirSync(path.join(dir, 'report.fhs'));
  await assert.rejects(writeSynced(dir, 'report.fhs', Buffer.from('x')), { code: 'EISDIR' });
  assert.deepEqual(readdirSync(dir), ['report.fhs']);
});

test('a folder that is gone is an error', async (t) => {
  await assert.rejects(writeSynced(path.join(folder(t), 'gone'), 'report.fhs', Buffer.from('x')), { code: 'ENOENT' });
});
