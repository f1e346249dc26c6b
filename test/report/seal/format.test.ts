import assert from 'node:assert/strict';
import { createHash, createPublicKey, diffieHellman } from 'node:crypto';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { inflateRawSync } from 'node:zlib';

import { encap, kemSuiteId, keySchedule, labeledExtract } from '../../../src/report/seal/hpke.ts';
import { privateKeysOf } from '../../../src/report/seal/key-pair.ts';
import { openReport } from '../../../src/report/seal/open.ts';
import { sealCompressed } from '../../../src/report/seal/seal.ts';
import {
  maxClientNameBytes,
  maxPlaintextBytes,
  maxSealedBytes,
  reportSuite,
} from '../../../src/report/seal/sealed-message.ts';
import { otherSeal, reportInfo } from './support/other-hpke.ts';
import { fromHex, pairOfRaw } from './support/raw-keys.ts';

const text = readFileSync(new URL('../../../src/report/seal/FORMAT.md', import.meta.url), 'utf8');
const block = /## A worked example[^]*?```\n([^]*?)```/.exec(text)?.[1] ?? '';
/** The example by line: a name, two spaces or more, hexadecimal digits. Continuation lines are indented. */
const example: ReadonlyMap<string, Buffer> = new Map(
  [...block.matchAll(/^(\S.*?) {2,}([0-9a-f]+(?:\n +[0-9a-f]+)*)$/gm)].map(([, name = '', hex = '']) => [
    name,
    fromHex(hex),
  ]),
);
const used = new Set<string>();

function stated(name: string): Buffer {
  used.add(name);
  return example.get(name) ?? assert.fail(`FORMAT.md does not say ${name}`);
}

const recipient = pairOfRaw(stated('skR'));
const sender = pairOfRaw(stated('skE'));
const client = 'wéb-1';
const reportId = '0f1e2d3c-4b5a-4968-8776-655443322110';
const empty = new Uint8Array(0);

test('the example in FORMAT.md: keys and header', () => {
  const digest = createHash('sha256').update(stated('pkR')).digest();
  assert.deepEqual(recipient.publicKey, stated('pkR'));
  assert.deepEqual(digest, stated('SHA-256(pkR)'));
  assert.deepEqual(digest.subarray(0, 8), stated('key id'));
  assert.deepEqual(sender.publicKey, stated('enc'));
  assert.equal(stated('magic').toString(), 'FHS1');
  assert.equal(stated('report id').toString('hex'), reportId.replaceAll('-', ''));
  assert.equal(stated('name').toString(), client);
  assert.equal(stated('length').readUInt16BE(), stated('name').length);
  assert.ok(text.includes(`\`${client}\``) && text.includes(`\`${reportId}\``));
  assert.ok(text.includes(`\`${stated('report').toString()}\``));
});

test('the example in FORMAT.md: every secret', () => {
  const dh = diffieHellman({ privateKey: sender.privateKey, publicKey: createPublicKey(recipient.privateKey) });
  assert.deepEqual(dh, stated('dh'));
  assert.deepEqual(labeledExtract(kemSuiteId, empty, 'eae_prk', dh), stated('eae_prk'));
  const sharedSecret = encap(recipient.publicKey, sender);
  assert.deepEqual(sharedSecret, stated('shared_secret'));
  assert.deepEqual(reportSuite.context, Buffer.concat([Buffer.of(0), stated('psk_id_hash'), stated('info_hash')]));
  assert.deepEqual(labeledExtract(reportSuite.suiteId, sharedSecret, 'secret', empty), stated('secret'));
  assert.deepEqual(keySchedule(reportSuite, sharedSecret), { key: stated('key'), nonce: stated('nonce') });
});

test('the example in FORMAT.md: the message, by both implementations, and back', async () => {
  const parts = ['magic', 'key id', 'report id', 'length', 'name', 'enc', 'ciphertext', 'tag'];
  const message = stated('message');
  assert.deepEqual(Buffer.concat(parts.map(stated)), message);
  const { publicKey } = recipient;
  assert.deepEqual(sealCompressed({ publicKey, reportId, client }, stated('compressed'), sender), message);
  const header = Buffer.concat(parts.slice(0, 5).map(stated));
  const ephemeral = stated('skE');
  assert.deepEqual(await otherSeal({ publicKey, header, compressed: stated('compressed'), ephemeral }), message);
  assert.deepEqual(inflateRawSync(stated('compressed')), stated('report'));
  assert.deepEqual(openReport(message, privateKeysOf([recipient])).plaintext, stated('report'));
});

test('the example in FORMAT.md says nothing that is not computed here', () => {
  assert.deepEqual(
    [...example.keys()].filter((name) => !used.has(name)),
    [],
  );
  const lines = block.split('\n').filter((line) => line !== '');
  const digits = [...example.values()].reduce((sum, bytes) => sum + bytes.length * 2, 0);
  assert.equal(lines.map((line) => line.slice(15)).join('').length, digits, 'a line was not read');
});

test('the constants in FORMAT.md are those of the code', () => {
  assert.ok(text.includes(`${Buffer.from(kemSuiteId).toString('hex')}\n`));
  assert.ok(text.includes(`${Buffer.from(reportSuite.suiteId).toString('hex')}\n`));
  assert.ok(text.includes(`\`"${reportInfo.toString()}"\`, ${reportInfo.length} bytes`));
  for (const bytes of [maxPlaintextBytes, maxSealedBytes])
    assert.ok(text.includes(bytes.toLocaleString('en')), `${bytes}`);
  assert.ok(text.includes(`1 to ${maxClientNameBytes}`));
});
