import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { writeStreamed } from '../../src/state-folder/streamed-file.ts';
import { withSmallDisk } from '../support/programs/small-disk.ts';
import { tempFolder } from '../support/temp-folder.ts';

async function* chunksOf(...texts: readonly (string | Error)[]): AsyncGenerator<string> {
  for (const text of texts) {
    await Promise.resolve();
    if (text instanceof Error) throw text;
    yield text;
  }
}

/** Returns the open files of a folder. */
function openFiles(dir: string): readonly string[] {
  const links = readdirSync('/proc/self/fd').map((fd) => `/proc/self/fd/${fd}`);
  return links.flatMap((link) => (existsSync(link) ? [readlinkSync(link)] : [])).filter((name) => name.startsWith(dir));
}

test('the pieces become one file of the given mode, and its size is returned', async (t) => {
  const dir = tempFolder(t);
  const file = path.join(dir, 'fleet.prom');
  // A killed process has left the first; the second may be at work, and the third is of another file.
  for (const name of ['.fleet.prom.one.part', '.fleet.prom.two.part', '.other.three.part']) {
    writeFileSync(path.join(dir, name), 'half');
    if (!name.includes('two')) utimesSync(path.join(dir, name), 1, 1);
  }
  assert.equal(await writeStreamed({ file, mode: 0o666, chunks: chunksOf('é\n', '', 'two\n') }), 7);
  assert.deepEqual(openFiles(dir), []);
  assert.equal(readFileSync(file, 'utf8'), 'é\ntwo\n');
  assert.equal(statSync(file).mode & 0o777, 0o666, 'the umask does not count');
  assert.deepEqual(readdirSync(dir).sort(), ['.fleet.prom.two.part', '.other.three.part', 'fleet.prom']);
});

test('after an error the earlier file is there, and nothing else', async (t) => {
  const dir = tempFolder(t);
  const file = path.join(dir, 'fleet.prom');
  writeFileSync(file, 'earlier');
  const chunks = chunksOf('later', new Error('the database is away'));
  await assert.rejects(writeStreamed({ file, mode: 0o644, chunks }), /the database is away/);
  assert.deepEqual(openFiles(dir), []);
  assert.deepEqual([readdirSync(dir), readFileSync(file, 'utf8')], [['fleet.prom'], 'earlier']);
});

test('a disk that has room for the beginning of the last piece', { skip: process.getuid?.() !== 0 }, async (t) => {
  const disk = path.join(tempFolder(t), 'disk');
  await withSmallDisk(disk, 64, async () => {
    const chunks = chunksOf('x'.repeat(100_000));
    await assert.rejects(writeStreamed({ file: path.join(disk, 'fleet.prom'), mode: 0o644, chunks }), {
      code: 'ENOSPC',
    });
    assert.deepEqual(readdirSync(disk), []);
  });
});
