/** The result codes of SQLite and the errors of its file, by what a fault means to the program. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { isFileMissing, sqliteFault } from '../../../../src/storage/dialects/sqlite/faults.ts';
import { StorageFault, type FaultKind } from '../../../../src/storage/sql/fault.ts';
import { tempFolder } from '../../../support/temp-folder.ts';

const folder = tempFolder();
const file = path.join(folder, 'fleet.db');
const ofSqlite = (errcode: number, message = 'no'): StorageFault =>
  sqliteFault(Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode }), file);
const ofFile = (code: string): StorageFault =>
  sqliteFault(Object.assign(new Error('no'), { code, syscall: 'open' }), file);

/** Primary result codes (https://sqlite.org/rescode.html). */
const codes: readonly (readonly [code: number, kind: FaultKind])[] = [
  [1, 'refused'],
  [3, 'denied'],
  [5, 'contended'],
  [6, 'contended'],
  [7, 'lost'],
  [8, 'read-only'],
  [10, 'lost'],
  [11, 'damaged'],
  [13, 'full'],
  [14, 'lost'],
  [15, 'lost'],
  [17, 'contended'],
  [18, 'refused'],
  [19, 'refused'],
  [20, 'refused'],
  [21, 'broken'],
  [23, 'denied'],
  [26, 'damaged'],
];
for (const [code, kind] of codes) {
  test(`result ${code} is ${kind}, also with an extended code`, () => {
    assert.deepEqual([ofSqlite(code).kind, ofSqlite(code + 256 * 7).kind], [kind, kind]);
    assert.equal(ofSqlite(code).message, kind === 'refused' ? 'no' : `${file}: no`);
    // A file has neither grants nor a server.
    assert.doesNotMatch(ofSqlite(code).advice, /grants|server/);
  });
}

const words: readonly (readonly [message: string, kind: FaultKind, named: boolean])[] = [
  ['no such table: stats', 'schema', true],
  ['no such column: s.cpu', 'schema', true],
  ['table stats has no column named x', 'schema', true],
  ['table stats already exists', 'exists', false],
  ['index stats_time already exists', 'exists', false],
  ['view stats_by_hour already exists', 'exists', false],
  ['duplicate column name: cpu', 'exists', false],
  ['UNIQUE constraint failed: mails.message_id', 'duplicate', true],
  ['NOT NULL constraint failed: stats.client', 'refused', false],
  ['there is no such table: stats', 'refused', false],
];
for (const [message, kind, named] of words) {
  test(`${message}: ${kind}`, () => {
    const fault = ofSqlite(message.startsWith('UNIQUE') ? 19 : 1, message);
    assert.deepEqual([fault.kind, fault.message], [kind, named ? `${file}: ${message}` : message]);
  });
}

const fileCodes: readonly (readonly [code: string, kind: FaultKind])[] = [
  ['EACCES', 'denied'],
  ['EPERM', 'denied'],
  ['EROFS', 'read-only'],
  ['ENOSPC', 'full'],
  ['EDQUOT', 'full'],
  // Node.js names no quota.
  [`Unknown system error -${String(constants.errno.EDQUOT)}`, 'full'],
  ['EIO', 'lost'],
  ['ENOENT', 'lost'],
];
for (const [code, kind] of fileCodes) {
  test(`${code} of the file is ${kind}`, () => {
    assert.deepEqual([ofFile(code).kind, ofFile(code).message], [kind, `${file}: no`]);
    assert.doesNotMatch(ofFile(code).advice, /grants|server/);
  });
}

test('the disk and the quota are named in place of the path', () => {
  assert.match(ofFile('EIO').advice, /dmesg/);
  assert.match(ofFile('EDQUOT').advice, /raise the quota of this account/);
  assert.match(ofFile('ENOENT').advice, /its folder and its disk/);
});

test('an error of the program is of its values, and a fault stays the fault that it is', () => {
  assert.equal(sqliteFault(new RangeError('no'), file).kind, 'refused');
  assert.equal(sqliteFault(Object.assign(new Error('no'), { code: 'EACCES' }), file).kind, 'refused');
  const fault = new StorageFault('full', 'no');
  assert.equal(sqliteFault(fault, file), fault);
});

test('a file below a file is missing for no reason of rights', () => {
  assert.equal(isFileMissing(process.execPath), false);
  assert.equal(isFileMissing('/nowhere/fleet.db'), true);
});

test('a file that is marked as immutable is named as such', (t) => {
  const marked = path.join(folder, 'marked.db');
  writeFileSync(marked, '');
  t.after(() => spawnSync('chattr', ['-i', marked]));
  if (spawnSync('chattr', ['+i', marked]).status !== 0) {
    t.skip('needs a file system with marks, and root');
    return;
  }
  const thrown = Object.assign(new Error('readonly'), { code: 'ERR_SQLITE_ERROR', errcode: 8 });
  assert.match(sqliteFault(thrown, marked).advice, /marked as immutable: .*chattr -i/);
});

test('a file that SQLite cannot open says why: a folder, a link to nothing, a missing folder', () => {
  const faultOf = (at: string, errcode = 14): StorageFault =>
    sqliteFault(Object.assign(new Error('unable to open'), { code: 'ERR_SQLITE_ERROR', errcode }), at);
  const [aFolder, link, fine] = ['folder.db', 'link.db', 'fine.db'].map((name) => path.join(folder, name));
  mkdirSync(aFolder ?? '');
  symlinkSync('/nowhere/fleet.db', link ?? '');
  writeFileSync(fine ?? '', '');
  for (const [at, kind, words] of [
    [aFolder, 'broken', /unable to open: it is a folder$/],
    [link, 'lost', /unable to open: ENOENT/],
    ['/nowhere/fleet.db', 'lost', /unable to open: ENOENT/],
    [fine, 'lost', /: unable to open$/],
  ] as const) {
    const fault = faultOf(at ?? '');
    assert.equal(fault.kind, kind, at);
    assert.match(fault.message, words);
    // A file that is read and may not be written has the same reasons.
    const forbidden = faultOf(at ?? '', 8);
    assert.deepEqual([forbidden.kind, forbidden.message], ['read-only', fault.message]);
  }
});
