/** Files of a folder into which others may write; textfiles.test.ts visits such folders with each agent. */
import assert from 'node:assert/strict';
import { chownSync, linkSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { linesOfTextfiles } from '../../../agent/checks/textfiles.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const secret = 'backup_password 1234\npassword: hunter2\n';

/** Returns the lines about the only file of a folder, without its age. */
async function linesOf(dir: string): Promise<readonly string[]> {
  return (await linesOfTextfiles(dir, '*')).map((line) => line.replace(/^file=-?\d+ /, 'file=N '));
}

function folderBeside(t: TestContext): { readonly dir: string; readonly file: string; readonly outside: string } {
  const dir = tempFolder(t);
  const outside = path.join(tempFolder(t), 'secret');
  writeFileSync(outside, secret);
  return { dir, file: path.join(dir, 'x.prom'), outside };
}

for (const [what, target] of [
  ['a file', null],
  ['a folder', '/etc'],
  ['a device', '/dev/zero'],
  ['nothing', '/nowhere'],
  ['itself', 'x.prom'],
] as const) {
  test(`a link to ${what} is named and not followed`, async (t) => {
    const { dir, file, outside } = folderBeside(t);
    symlinkSync(target ?? outside, file);
    assert.deepEqual(await linesOf(dir), ['file=N x.prom', 'fault=a link']);
  });
}

test('no line of a file that is no list of samples is quoted', async (t) => {
  const { dir, file, outside } = folderBeside(t);
  linkSync(outside, file);
  assert.deepEqual(await linesOf(dir), ['file=N x.prom', 'fault=line 2 is no sample', '+backup_password 1234']);
});

test(
  'a file of another account than root, ours or the owner of the folder is not read',
  {
    skip: process.getuid?.() !== 0,
  },
  async (t) => {
    const { dir, file } = folderBeside(t);
    writeFileSync(file, 'up 1\n');
    chownSync(file, 12_345, 12_345);
    assert.deepEqual(await linesOf(dir), ['file=N x.prom', 'fault=of another account']);
    chownSync(dir, 12_345, 12_345);
    assert.deepEqual(await linesOf(dir), ['file=N x.prom', '+up 1']);
  },
);
