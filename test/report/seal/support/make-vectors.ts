/**
 * Writes test/testdata/seal/*.txt anew: `node --import tsx test/report/seal/support/make-vectors.ts`. The independent
 * implementation seals all of them from fixed keys. A second run changes nothing unless zlib does. The tests depend on
 * the files, not on this program.
 */
import { createCipheriv, createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';

import { AeadId, CipherSuite, KdfId, KemId } from 'hpke-js';

import { kemSuiteId, keySchedule, labeledExpand, labeledExtract } from '../../../../src/report/seal/hpke.ts';
import { encodeHeader, reportSuite } from '../../../../src/report/seal/sealed-message.ts';
import { otherSeal, type OtherSealOptions } from './other-hpke.ts';
import { bytesFrom, fromHex, lowOrderPoints, pairOfRaw } from './raw-keys.ts';

const recipientKey = bytesFrom(1);
const recipient = pairOfRaw(recipientKey);
const other = pairOfRaw(bytesFrom(65));
const reportId = '0f1e2d3c-4b5a-4968-8776-655443322110';
const report = Buffer.from('{"name":"Daemon report","version":1,"client":"web-1","worker_reports":[]}');
const compressed = deflateRawSync(report);
const header = (client = 'web-1', keyId = recipient.id): Buffer => encodeHeader({ keyId, reportId, client });
const rawHeader = (name: Uint8Array, length = name.length): Buffer =>
  Buffer.concat([header().subarray(0, 28), Buffer.of(length >> 8, length & 0xff), name]);

/** Returns a stored block of deflate, which is the same for every compressor. */
function stored(bytes: Uint8Array): Buffer {
  const lengths = Buffer.alloc(4);
  lengths.writeUInt16LE(bytes.length, 0);
  lengths.writeUInt16LE(~bytes.length & 0xffff, 2);
  return Buffer.concat([Buffer.of(1), lengths, bytes]);
}

const seal = (change: Partial<OtherSealOptions> = {}): Promise<Buffer> =>
  otherSeal({ publicKey: recipient.publicKey, header: header(), compressed, ephemeral: bytesFrom(33), ...change });

/**
 * Returns a message that a sender without any key can make if a low-order `enc` is accepted: the shared point is zero.
 */
function forgedFor(enc: Uint8Array): Buffer {
  const prk = labeledExtract(kemSuiteId, new Uint8Array(0), 'eae_prk', Buffer.alloc(32));
  const context = Buffer.concat([enc, recipient.publicKey]);
  const { key, nonce } = keySchedule(reportSuite, labeledExpand(kemSuiteId, prk, 'shared_secret', context, 32));
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(header());
  return Buffer.concat([header(), enc, cipher.update(compressed), cipher.final(), cipher.getAuthTag()]);
}

function write(name: string, expect: string, comment: string, message: Uint8Array, plaintext?: Uint8Array): void {
  const lines = [
    `comment: ${comment}`,
    `expect: ${expect}`,
    `private-key: ${recipientKey.toString('hex')}`,
    ...(plaintext === undefined ? [] : [`plaintext-sha256: ${createHash('sha256').update(plaintext).digest('hex')}`]),
    '',
    ...(Buffer.from(message)
      .toString('hex')
      .match(/.{1,96}/g) ?? []),
  ];
  writeFileSync(new URL(`../../../testdata/seal/${name}.txt`, import.meta.url), `${lines.join('\n')}\n`);
}

const corrupt = (name: string, comment: string, message: Uint8Array): void =>
  write(name, 'seal-corrupt', comment, message);
const opens = async (name: string, comment: string, change: Partial<OtherSealOptions>, plaintext = report) =>
  write(name, 'success', comment, await seal(change), plaintext);
const refused = async (name: string, expect: string, comment: string, change: Partial<OtherSealOptions>) =>
  write(name, expect, comment, await seal(change));
/** Writes a message that is sealed rightly but has corrupt content. */
const sealed = async (name: string, comment: string, change: Partial<OtherSealOptions>): Promise<void> =>
  corrupt(name, `${comment}, sealed rightly`, await seal(change));
const good = await seal();
const nameEnd = header().length;
const encEnd = nameEnd + 32;
const altered = (name: string, comment: string, edit: (bytes: Buffer) => void): void => {
  const copy = Buffer.from(good);
  edit(copy);
  corrupt(name, comment, copy);
};
const zeros = (length: number): Buffer => deflateRawSync(Buffer.alloc(length), { level: 9 });
const mebibyte = 1024 * 1024;
const longName = 'é'.repeat(64);
const aes128 = new CipherSuite({ kem: KemId.DhkemX25519HkdfSha256, kdf: KdfId.HkdfSha256, aead: AeadId.Aes128Gcm });

await opens('good', 'an ordinary report', {});
await opens('good-stored', 'deflate without compression', { compressed: stored(report) });
const twoBlocks = Buffer.concat([stored(report).fill(0, 0, 1), stored(report)]);
await opens('good-level-0', 'two stored blocks', { compressed: twoBlocks }, Buffer.concat([report, report]));
await opens('good-empty', 'a report of no bytes', { compressed: deflateRawSync(Buffer.alloc(0)) }, Buffer.alloc(0));
await opens('good-name-1-byte', 'the shortest client name', { header: header('a') });
await opens('good-name-128-bytes', 'the longest client name, 64 characters', { header: header(longName) });
await opens('good-name-bom', 'a client name that begins with U+FEFF', { header: header('\ufeffweb') });
await opens('good-1-mebibyte', 'the largest report', { compressed: zeros(mebibyte) }, Buffer.alloc(mebibyte));

await refused('bomb-1-byte-more', 'report-too-large', '1 MiB and one byte', { compressed: zeros(mebibyte + 1) });
await refused('bomb-8-mebibytes', 'report-too-large', '8 MiB', { compressed: zeros(8 * mebibyte) });
const foreign = header('web-1', other.id);
await refused('no-key', 'seal-no-key', 'sealed to another key', { publicKey: other.publicKey, header: foreign });
await refused('key-id-changed', 'seal-no-key', 'sealed to this key, under the id of another', { header: foreign });

corrupt('empty', 'no bytes', Buffer.alloc(0));
corrupt('magic-only', 'only the magic', good.subarray(0, 4));
altered('magic-version-2', 'FHS2', (bytes) => bytes.write('2', 3));
altered('magic-lower-case', 'fhs1', (bytes) => bytes.write('fhs1'));
corrupt('cut-in-name', 'ends inside the client name', good.subarray(0, nameEnd - 1));
corrupt('cut-before-enc', 'ends before enc', good.subarray(0, nameEnd));
corrupt('cut-in-tag', 'the last byte is missing', good.subarray(0, -1));
corrupt('tag-only', 'no ciphertext, only a tag', Buffer.concat([good.subarray(0, encEnd), good.subarray(-16)]));
corrupt('trailing-byte', 'one byte follows the tag', Buffer.concat([good, Buffer.of(0)]));
corrupt('twice', 'the message twice', Buffer.concat([good, good]));
altered('tag-flipped', 'last bit of the tag', (bytes) => bytes.writeUInt8((bytes.at(-1) ?? 0) ^ 1, bytes.length - 1));
altered('ciphertext-flipped', 'first bit of the ciphertext', (bytes) =>
  bytes.writeUInt8((bytes[encEnd] ?? 0) ^ 128, encEnd),
);
altered('report-id-changed', 'another report id in the header', (bytes) => bytes.fill(7, 12, 28));
altered('client-changed', 'web-2 in the header, sealed as web-1', (bytes) => bytes.write('2', nameEnd - 1));
await sealed('name-empty', 'a client name of no bytes', { header: rawHeader(Buffer.alloc(0)) });
await sealed('name-129-bytes', 'a client name too long', { header: rawHeader(Buffer.from(`${longName}x`)) });
corrupt('name-length-65535', 'a length far beyond the end', rawHeader(good.subarray(nameEnd), 0xffff));
await sealed('name-not-utf8', 'a byte ff in the client name', { header: rawHeader(fromHex('776562ff')) });
await sealed('name-overlong', 'an overlong encoding in the client name', { header: rawHeader(fromHex('77c1a562')) });
await sealed('name-surrogate', 'a surrogate in the client name', { header: rawHeader(fromHex('77eda080')) });
await sealed('name-nul', 'U+0000 in the client name', { header: rawHeader(Buffer.from('web\0')) });
altered('enc-high-bit', 'enc with its highest bit set: the same point, another encoding', (bytes) =>
  bytes.writeUInt8((bytes[encEnd - 1] ?? 0) | 128, encEnd - 1),
);
altered('enc-of-other', 'enc of another message', (bytes) => bytes.set(other.publicKey, nameEnd));
for (const [at, point] of lowOrderPoints.entries()) {
  write(
    `enc-low-order-${at + 1}`,
    'seal-corrupt',
    `enc of low order, sealed with the zero point: ${point.toString('hex')}`,
    forgedFor(point),
  );
}
corrupt('info-other', 'info `fleet-health report v2`', await seal({ info: Buffer.from('fleet-health report v2') }));
corrupt('info-empty', 'empty info', await seal({ info: Buffer.alloc(0) }));
corrupt('aead-aes-128', 'AES-128-GCM', await seal({ suite: aes128 }));
const noAad = await seal({ header: Buffer.alloc(0) });
corrupt('aad-empty', 'the header is not authenticated', Buffer.concat([header(), noAad]));
await sealed('deflate-none', 'nothing inside', { compressed: Buffer.alloc(0) });
await sealed('deflate-not', 'plain JSON inside', { compressed: report });
await sealed('deflate-cut', 'the deflate stream lacks its last byte', { compressed: compressed.subarray(0, -1) });
await sealed('deflate-not-final', 'no final block', { compressed: stored(report).fill(0, 0, 1) });
await sealed('deflate-trailing-byte', 'one byte follows the deflate stream', {
  compressed: Buffer.concat([compressed, Buffer.of(0)]),
});
await sealed('deflate-twice', 'a second deflate stream follows', {
  compressed: Buffer.concat([compressed, compressed]),
});
await sealed('deflate-zlib', 'zlib wrapping (RFC 1950)', { compressed: deflateSync(report) });
await sealed('deflate-gzip', 'gzip wrapping (RFC 1952)', { compressed: gzipSync(report) });
