import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';

import { privateKeysOf } from '../../../src/report/seal/key-pair.ts';
import { openReport } from '../../../src/report/seal/open.ts';
import { SealFault } from '../../../src/report/seal/seal-fault.ts';
import { fromHex, pairOfRaw } from './support/raw-keys.ts';

const folder = new URL('../../testdata/seal/', import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith('.txt'));

interface Vector {
  readonly fields: ReadonlyMap<string, string>;
  readonly message: Buffer;
}

/** Reads a vector: header lines `name: value`, an empty line, the message in hexadecimal digits. */
function readVector(file: string): Vector {
  const text = readFileSync(new URL(file, folder), 'utf8');
  const end = text.indexOf('\n\n');
  assert.ok(end > 0, 'no empty line');
  const fields = new Map<string, string>();
  for (const line of text.slice(0, end).split('\n')) {
    const [, name, value] = /^([a-z0-9-]+): (.+)$/.exec(line) ?? assert.fail(`not a header line: ${line}`);
    fields.set(name ?? '', value ?? '');
  }
  const body = text.slice(end + 2);
  assert.match(body, /^[0-9a-f\n]*$/);
  return { fields, message: fromHex(body) };
}

test('the corpus is whole', () => {
  const expectations = new Set(files.map((file) => readVector(file).fields.get('expect')));
  assert.deepEqual([...expectations].sort(), ['report-too-large', 'seal-corrupt', 'seal-no-key', 'success']);
  assert.ok(files.length >= 50, `${files.length} files`);
});

for (const file of files) {
  const { fields, message } = readVector(file);
  const expect = fields.get('expect');
  test(`${file}: ${expect ?? 'nothing'}: ${fields.get('comment') ?? ''}`, () => {
    const keys = privateKeysOf([pairOfRaw(fromHex(fields.get('private-key') ?? ''))]);
    let outcome = 'success';
    let plaintext: Buffer | null = null;
    try {
      plaintext = openReport(message, keys).plaintext;
    } catch (thrown) {
      assert.ok(thrown instanceof SealFault, String(thrown));
      outcome = thrown.code;
    }
    assert.equal(outcome, expect);
    if (plaintext === null) return;
    assert.equal(createHash('sha256').update(plaintext).digest('hex'), fields.get('plaintext-sha256'));
  });
}
