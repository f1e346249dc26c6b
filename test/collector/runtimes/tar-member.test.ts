import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';

import { BadArchive, findTarMember } from '../../../src/collector/runtimes/tar-member.ts';
import { madeTar } from '../../support/made-files.ts';

const wanted = Buffer.from('the one that is wanted'.repeat(100));
const archive = madeTar([
  { path: 'node/', content: Buffer.alloc(0), type: '5' },
  { path: 'node/README', content: Buffer.alloc(1500, 'r') },
  { path: 'pax', content: Buffer.from('30 mtime=1350244992.023960108\n'), type: 'x' },
  { path: 'bin/node', content: Buffer.alloc(0), type: '2' },
  { path: 'bin/node', content: wanted, prefix: 'package' },
  { path: 'node/after', content: Buffer.alloc(3000) },
]);

async function find(bytes: Buffer, pieceBytes: number): Promise<{ path: string; content: Buffer } | null> {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.subarray(at, at + pieceBytes));
  const member = await findTarMember(Readable.from(pieces), (path) => path.endsWith('bin/node'));
  if (member === null) return null;
  const content: Buffer[] = [];
  for await (const piece of member.content) content.push(piece);
  return { path: member.path, content: Buffer.concat(content) };
}

for (const pieceBytes of [1, 511, 512, 513, 65_536]) {
  test(`a plain file is found behind folders, links and other files, in pieces of ${pieceBytes} bytes`, async () => {
    const member = await find(archive, pieceBytes);
    assert.equal(member?.path, 'package/bin/node');
    assert.ok(member.content.equals(wanted));
  });
}

test('an archive without it', async () => {
  assert.equal(await find(madeTar([{ path: 'a', content: Buffer.from('b') }]), 512), null);
});

for (const [what, bytes] of [
  ['no archive', Buffer.alloc(2000, 'x')],
  ['nothing', Buffer.alloc(0)],
  ['an archive that is cut in a header', archive.subarray(0, 700)],
  ['an archive that is cut in the file', archive.subarray(0, archive.length - 5000)],
] as const) {
  test(`${what} is refused`, async () => {
    await assert.rejects(find(bytes, 512), BadArchive);
  });
}

test('a changed header is refused by its sum', async () => {
  const changed = Buffer.from(archive);
  changed[3] = 0x2f;
  await assert.rejects(find(changed, 512), /no tar archive/);
});
