import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';

import {
  appendDurably,
  foreignOwner,
  isOldPart,
  makeFolder,
  makeOwnFolder,
  removeOldParts,
  sharedSync,
  writeDurably,
  writeSynced,
} from '../../src/state-folder/durable-file.ts';
import { tempFolder } from '../support/temp-folder.ts';

const isRoot = process.getuid?.() === 0;

test('a file is there whole, for us alone, and nothing else', async (t) => {
  const dir = tempFolder(t);
  const bytes = Buffer.alloc(3_000_000, 'sealed');
  await writeSynced(dir, 'report.fhs', bytes);
  assert.deepEqual(readdirSync(dir), ['report.fhs']);
  assert.ok(readFileSync(path.join(dir, 'report.fhs')).equals(bytes));
  assert.equal(statSync(path.join(dir, 'report.fhs')).mode & 0o777, 0o600);
});

test('what a killed process left under its other name is overwritten, shorter or not', async (t) => {
  const dir = tempFolder(t);
  writeFileSync(path.join(dir, '.report.fhs.part'), 'x'.repeat(100));
  await writeSynced(dir, 'report.fhs', Buffer.from('short'));
  assert.deepEqual(readdirSync(dir), ['report.fhs']);
  assert.equal(readFileSync(path.join(dir, 'report.fhs'), 'utf8'), 'short');
});

test('where the file cannot get its name nothing is left', async (t) => {
  const dir = tempFolder(t);
  mkdirSync(path.join(dir, 'report.fhs'));
  await assert.rejects(writeSynced(dir, 'report.fhs', Buffer.from('x')), { code: 'EISDIR' });
  assert.deepEqual(readdirSync(dir), ['report.fhs']);
});

test('no file and no folder stays open', async (t) => {
  const dir = tempFolder(t);
  const open = (): readonly string[] => readdirSync('/proc/self/fd');
  const before = open();
  await writeSynced(dir, 'one', 'content');
  writeDurably({ file: path.join(dir, 'below', 'two'), content: 'content', mode: 0o600 });
  appendDurably(path.join(dir, 'three'), 'content');
  assert.deepEqual(open(), before);
});

test('appended text is behind the text before, for us alone', (t) => {
  const file = path.join(tempFolder(t), 'lines');
  for (const text of ['one\n', 'two\n']) appendDurably(file, text);
  assert.equal(readFileSync(file, 'utf8'), 'one\ntwo\n');
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('a folder that is gone is an error', async (t) => {
  await assert.rejects(writeSynced(path.join(tempFolder(t), 'gone'), 'report.fhs', Buffer.from('x')), {
    code: 'ENOENT',
  });
});

test('a small file takes the place of another, unless it must be new or its folder was named by a person', (t) => {
  const dir = tempFolder(t);
  const file = path.join(dir, 'below', 'small');
  const write = (content: string, more = {}) => writeDurably({ file, content, mode: 0o640, ...more });
  assert.throws(() => write('none', { inExistingFolder: true }), {
    message: `there is no folder ${path.dirname(file)}`,
  });
  write('one');
  write('two');
  assert.throws(() => write('three', { exclusive: true }), { code: 'EEXIST' });
  assert.deepEqual([readFileSync(file, 'utf8'), statSync(file).mode & 0o777], ['two', 0o640]);
  rmSync(file);
  write('four', { exclusive: true, inExistingFolder: true });
  assert.equal(readFileSync(file, 'utf8'), 'four');
  assert.deepEqual(readdirSync(path.dirname(file)), ['small']);
  assert.equal(statSync(path.dirname(file)).mode & 0o777, 0o700);
});

interface Begun {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Returns a folder whose syncs end when the test resolves them. */
function slowFolder(): { readonly sync: () => Promise<void>; readonly begun: readonly Begun[] } {
  const begun: Begun[] = [];
  const sync = sharedSync('/folder', () => {
    return new Promise((resolve, reject) => begun.push({ resolve, reject }));
  });
  return { sync, begun };
}

test('those who come while a sync goes on share the next one, which begins after it', async () => {
  const { sync, begun } = slowFolder();
  const ended: string[] = [];
  const wait = (name: string): void => void sync().then(() => ended.push(name));
  wait('first');
  await setImmediate();
  wait('second');
  wait('third');
  await setImmediate();
  assert.equal(begun.length, 1);
  begun[0]?.resolve();
  await setImmediate();
  assert.deepEqual([begun.length, ended], [2, ['first']]);
  // The sync under way does not cover later changes.
  wait('fourth');
  begun[1]?.resolve();
  await setImmediate();
  assert.deepEqual([begun.length, ended], [3, ['first', 'second', 'third']]);
  begun[2]?.resolve();
  await setImmediate();
  assert.deepEqual([begun.length, ended.at(-1)], [3, 'fourth']);
});

test('a sync that fails fails for those who share it, and for no other', async () => {
  const { sync, begun } = slowFolder();
  const first = sync();
  await setImmediate();
  const second = sync();
  const third = sync();
  begun[0]?.reject(new Error('EIO'));
  await assert.rejects(first, /EIO/);
  await setImmediate();
  begun[1]?.reject(new Error('ENOSPC'));
  await assert.rejects(second, /ENOSPC/);
  await assert.rejects(third, /ENOSPC/);
  const again = sync();
  await setImmediate();
  begun[2]?.resolve();
  await again;
});

test('a folder is synced, and one that is not there is said not to be', async (t) => {
  const dir = tempFolder(t);
  const sync = sharedSync(dir);
  await Promise.all([sync(), sync(), sync()]);
  rmSync(dir, { recursive: true });
  await assert.rejects(sync(), /ENOENT/);
});

test('removes what was left half written an hour ago, and nothing else', (t) => {
  const dir = tempFolder(t);
  const nowMs = Date.UTC(2026, 10, 20, 12);
  const put = (name: string, ageMs: number): void => {
    writeFileSync(path.join(dir, name), '');
    utimesSync(path.join(dir, name), new Date(nowMs - ageMs), new Date(nowMs - ageMs));
  };
  put('.0011223344556677.part', 3_700_000);
  put('.7766554433221100.part', 3_600_000);
  put('.report.html.7766.part', 3_600_001);
  put('collector.id', 9_000_000);
  mkdirSync(path.join(dir, 'folder.part'));
  symlinkSync('collector.id', path.join(dir, 'link.part'));
  const left = ['.7766554433221100.part', 'collector.id', 'folder.part', 'link.part'];
  removeOldParts([dir], nowMs, '.report.html.');
  assert.deepEqual(readdirSync(dir).sort(), ['.0011223344556677.part', ...left]);
  removeOldParts([path.join(dir, 'not-there'), path.join(dir, 'collector.id'), dir], nowMs);
  assert.deepEqual(readdirSync(dir).sort(), left);
  assert.equal(isOldPart(path.join(dir, '.0011223344556677.part')), false, 'another program has removed it');
});

test('makes what is missing, for its owner alone, and leaves what is there', (t) => {
  const dir = tempFolder(t);
  mkdirSync(path.join(dir, 'there'), { mode: 0o755 });
  const inner = path.join(dir, 'there', 'a', 'b');
  makeFolder(inner);
  makeFolder(inner);
  const modeOf = (name: string): number => statSync(name).mode & 0o777;
  assert.deepEqual([path.join(dir, 'there'), path.dirname(inner), inner].map(modeOf), [0o755, 0o700, 0o700]);
});

test('ends with an error where a folder that is there takes no other', () => {
  assert.throws(() => makeFolder('/proc/nowhere/state'), { code: 'ENOENT' });
});

test('ends with an error below a file, and where a file is', (t) => {
  const file = path.join(tempFolder(t), 'file');
  writeFileSync(file, '');
  // From Node 24 on, statSync says of both that there is nothing, and mkdir meets the file.
  assert.throws(() => makeFolder(path.join(file, 'below')), { code: /^(?:ENOTDIR|EEXIST)$/ });
  assert.throws(() => makeFolder(file), { code: 'EEXIST' });
});

test('a folder inside the state folder is no symbolic link', (t) => {
  const dir = tempFolder(t);
  makeOwnFolder(path.join(dir, 'own'));
  makeOwnFolder(path.join(dir, 'own'));
  const link = path.join(dir, 'link');
  symlinkSync('own', link);
  assert.throws(() => makeOwnFolder(link), { message: `${link} is no folder, but a symbolic link; move it away` });
});

test('makes a folder in one that this account may write to and not read', { skip: !isRoot }, (t) => {
  const dir = tempFolder(t);
  chmodSync(dir, 0o733);
  process.seteuid?.(54_321);
  try {
    makeFolder(path.join(dir, 'made'));
  } finally {
    process.seteuid?.(0);
  }
  assert.equal(statSync(path.join(dir, 'made')).uid, 54_321);
});

test('a folder, or a link to it, is foreign if it is neither of root nor of this account', { skip: !isRoot }, (t) => {
  const dir = tempFolder(t);
  const folder = path.join(dir, 'folder');
  const link = path.join(dir, 'link');
  mkdirSync(folder);
  symlinkSync(folder, link);
  const cases = [
    // Owner of the folder, owner of the link, this account, the foreign one.
    [0, 0, 0, null],
    [1, 0, 0, 1],
    [0, 54_321, 0, 54_321],
    [54_321, 0, 54_321, null],
    [0, 54_321, 54_321, null],
    [54_322, 54_321, 54_321, 54_322],
  ] as const;
  const getuid = t.mock.method(process as Required<Pick<NodeJS.Process, 'getuid'>>, 'getuid');
  for (const [ofFolder, ofLink, account, foreign] of cases) {
    chownSync(folder, ofFolder, 0);
    lchownSync(link, ofLink, 0);
    getuid.mock.mockImplementation(() => account);
    assert.equal(foreignOwner(link), foreign, String([ofFolder, ofLink, account]));
  }
  assert.equal(foreignOwner(path.join(dir, 'missing')), null);
});
