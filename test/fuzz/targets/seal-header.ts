import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

import { privateKeysOf } from '../../../src/report/seal/key-pair.ts';
import { openReport } from '../../../src/report/seal/open.ts';
import { SealFault } from '../../../src/report/seal/seal-fault.ts';
import { encodeHeader, maxPlaintextBytes, readHeader } from '../../../src/report/seal/sealed-message.ts';
import { fromHex, pairOfRaw } from '../../report/seal/support/raw-keys.ts';
import { kindOf, outcomeOf, requireThat, type FuzzTarget } from '../target.ts';

const folder = new URL('../../testdata/seal/', import.meta.url);
const texts = readdirSync(folder)
  .filter((file) => file.endsWith('.txt'))
  .map((file) => readFileSync(new URL(file, folder), 'utf8'));
const messages = texts.map((text) => fromHex(text.slice(text.indexOf('\n\n') + 2)));
const privateKeys = new Set(texts.map((text) => /^private-key: ([0-9a-f]{64})$/m.exec(text)?.[1] ?? ''));
const keys = privateKeysOf([...privateKeys].filter((hex) => hex !== '').map((hex) => pairOfRaw(fromHex(hex))));
const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const known = new Set(messages.map(digestOf));
const isSealFault = (thrown: unknown): thrown is SealFault => thrown instanceof SealFault;

/** A header has one encoding, and only sealed messages can be opened. */
export const sealHeaderTarget: FuzzTarget = {
  name: 'seal-header',
  seeds: () => [Buffer.alloc(0), ...messages.filter(({ length }) => length < 64 * 1024)],
  words: ['FHS1', '\0\x05', '\0\x80', '\0\x81', '\xff\xff', '\xc3\xa9', '\xed\xa0\x80', '\0'],
  check: (input) => {
    const header = outcomeOf(() => readHeader(input), isSealFault);
    const opened = outcomeOf(() => openReport(input, keys), isSealFault);
    if (header.value === null) {
      requireThat(opened.fault?.message === header.fault.message, 'opened otherwise than read');
      return kindOf(header.fault);
    }
    const { headerBytes, enc, ciphertext } = header.value;
    requireThat(encodeHeader(header.value).equals(headerBytes), 'a header with two encodings');
    requireThat(Buffer.concat([headerBytes, enc, ciphertext]).equals(input), 'bytes that belong to no part');
    if (opened.value === null) return kindOf(opened.fault).replace(/key \w+/, 'key');
    requireThat(known.has(digestOf(input)), 'something opens that nobody sealed');
    requireThat(opened.value.plaintext.length <= maxPlaintextBytes, 'more than 1 MiB');
    return 'opened';
  },
};
