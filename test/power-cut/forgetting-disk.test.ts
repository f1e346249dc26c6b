import assert from 'node:assert/strict';
import {
  appendFileSync,
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';

import { syncFolderNow } from '../../src/state-folder/durable-file.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { cutsOf } from './forgetting-disk.ts';
import { traceFiles } from './trace-files.ts';

const old = 'o'.repeat(2048);
const fresh = 'n'.repeat(2048);

function syncFile(file: string): void {
  const descriptor = openSync(file, 'r+');
  fsyncSync(descriptor);
  closeSync(descriptor);
}

/** Returns all that a cut after the work could leave, each as `NAME=SECTORS`, where `0` is a sector of zeros. */
async function leftBy(work: (dir: string) => unknown): Promise<readonly string[]> {
  const dir = tempFolder();
  mkdirSync(path.join(dir, 'other'));
  writeFileSync(path.join(dir, 'old'), old);
  const trace = await traceFiles(dir, async () => await work(dir));
  const last = [...cutsOf(trace, true)].at(-1) ?? assert.fail('there are no cuts');
  const shown = (content: Buffer): string => {
    const sectors = Array.from({ length: Math.ceil(content.length / 512) }, (_, at) => content[512 * at]);
    return sectors.map((byte) => (byte === 0 ? '0' : String.fromCharCode(byte ?? 0))).join('');
  };
  const lines = last.remains.map(({ tree }) =>
    [...tree]
      .flatMap(([name, content]) => (content === null ? [] : `${name}=${shown(content)}`))
      .toSorted()
      .join(' '),
  );
  return [...new Set(lines)].toSorted();
}

const cases: readonly (readonly [what: string, work: (dir: string) => unknown, left: readonly string[]])[] = [
  [
    'a new file without a sync is missing, empty, torn or whole',
    (dir) => writeFileSync(path.join(dir, 'new'), fresh),
    ['new= old=oooo', 'new=0000 old=oooo', 'new=nn old=oooo', 'new=nn00 old=oooo', 'new=nnnn old=oooo', 'old=oooo'],
  ],
  [
    'a synced file whose folder is not synced is missing or whole',
    (dir) => {
      writeFileSync(path.join(dir, 'new'), fresh);
      syncFile(path.join(dir, 'new'));
    },
    ['new=nnnn old=oooo', 'old=oooo'],
  ],
  [
    'a name that is synced before its content may have none',
    (dir) => {
      writeFileSync(path.join(dir, 'new'), fresh);
      syncFolderNow(dir);
    },
    ['new= old=oooo', 'new=0000 old=oooo', 'new=nn old=oooo', 'new=nn00 old=oooo', 'new=nnnn old=oooo'],
  ],
  [
    'a rename without a sync is done or not, and replaces the other file as a whole',
    (dir) => {
      writeFileSync(path.join(dir, 'part'), fresh);
      syncFile(path.join(dir, 'part'));
      syncFolderNow(dir);
      renameSync(path.join(dir, 'part'), path.join(dir, 'old'));
    },
    ['old=nnnn', 'old=oooo part=nnnn'],
  ],
  [
    'of two removals without a sync each may be done alone',
    (dir) => {
      linkSync(path.join(dir, 'old'), path.join(dir, 'second'));
      syncFolderNow(dir);
      rmSync(path.join(dir, 'old'));
      rmSync(path.join(dir, 'second'));
    },
    ['', 'old=oooo', 'old=oooo second=oooo', 'second=oooo'],
  ],
  [
    'a rename into another folder is durable once that folder is synced',
    (dir) => {
      renameSync(path.join(dir, 'old'), path.join(dir, 'other', 'new'));
      syncFolderNow(path.join(dir, 'other'));
    },
    ['other/new=oooo'],
  ],
  [
    'a sync of the folder that a file has left does not make its rename durable, which may stop in its middle',
    (dir) => {
      renameSync(path.join(dir, 'old'), path.join(dir, 'other', 'new'));
      syncFolderNow(dir);
    },
    ['old=oooo', 'old=oooo other/new=oooo', 'other/new=oooo'],
  ],
  [
    'a new folder without a sync takes its files with it',
    (dir) => {
      mkdirSync(path.join(dir, 'fresh'));
      writeFileSync(path.join(dir, 'fresh', 'new'), fresh);
      syncFile(path.join(dir, 'fresh', 'new'));
      syncFolderNow(path.join(dir, 'fresh'));
    },
    ['fresh/new=nnnn old=oooo', 'old=oooo'],
  ],
  [
    'what is appended after a sync may be lost, the rest not',
    (dir) => {
      syncFile(path.join(dir, 'old'));
      appendFileSync(path.join(dir, 'old'), fresh);
    },
    ['old=oooo', 'old=oooo0000', 'old=oooonn', 'old=oooonn00', 'old=oooonnnn'],
  ],
  [
    'a sync covers what was written before it began',
    async (dir) => {
      const file = await open(path.join(dir, 'new'), 'wx');
      await file.write(fresh);
      const synced = file.sync();
      syncFolderNow(dir);
      await synced;
      await file.close();
    },
    ['new=nnnn old=oooo'],
  ],
];

for (const [what, work, left] of cases) {
  test(what, async () => {
    assert.deepEqual(await leftBy(work), left);
  });
}
