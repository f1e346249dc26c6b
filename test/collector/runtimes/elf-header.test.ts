import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { NoExecutable, readElf } from '../../../src/collector/runtimes/elf-header.ts';
import { madeElf } from '../../support/made-files.ts';

const dir = mkdtempSync(path.join(tmpdir(), 'fh-elf-'));
after(() => rmSync(dir, { recursive: true }));

const written = (content: Uint8Array): string => {
  const file = path.join(dir, 'file');
  writeFileSync(file, content);
  return file;
};

test('the node that runs this: its machine, its dynamic loader and the libraries that readelf names', () => {
  const facts = readElf(process.execPath);
  assert.equal(facts.endian, 'little');
  assert.match(facts.interpreter ?? '', /^\/lib\S*\/ld-(?:linux|musl)\S*\.so\.\d$/);
  assert.ok(facts.libraries.some((library) => library.startsWith('libc.')));
  assert.ok(facts.libraries.every((library) => /^[\w.+-]+$/.test(library)));
});

for (const endian of ['little', 'big'] as const) {
  test(`a made executable, ${endian} endian`, () => {
    const libraries = ['libdl.so.2', 'libstdc++.so.6', 'libc.so.6'];
    const interpreter = '/lib/ld64.so.1';
    assert.deepEqual(readElf(written(madeElf({ machine: 22, endian, interpreter, libraries }))), {
      machine: 22,
      endian,
      interpreter,
      libraries,
    });
  });
}

test('one that is linked statically has no loader', () => {
  assert.deepEqual(readElf(written(madeElf({ interpreter: null, libraries: [], kind: 2 }))), {
    machine: 183,
    endian: 'little',
    interpreter: null,
    libraries: [],
  });
});

const good = madeElf();
const changed = (at: number, ...bytes: number[]): Buffer => {
  const copy = Buffer.from(good);
  copy.set(bytes, at);
  return copy;
};
const wrong: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['nothing', Buffer.alloc(0), /no executable/],
  ['a script', Buffer.from(`#!/bin/sh\n${'#'.repeat(100)}`), /no executable for Linux/],
  ['32 bit', madeElf({ bits: 32 }), /32 bit/],
  ['an object file', madeElf({ kind: 1 }), /object file/],
  ['a header alone', good.subarray(0, 64), /cut short or damaged/],
  ['half of it', good.subarray(0, 250), /cut short or damaged/],
  ['program headers beyond its end', changed(32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), /damaged/],
  ['more program headers than any file has', changed(56, 0xff, 0xff), /damaged/],
  ['an endianness that there is not', changed(5, 9), /damaged/],
];
for (const [what, content, message] of wrong) {
  test(`${what} is refused`, () => {
    assert.throws(
      () => readElf(written(content)),
      (thrown) => thrown instanceof NoExecutable && message.test(thrown.message),
    );
  });
}

test('every cut and every changed byte ends in facts or in a refusal', () => {
  for (let length = 0; length < good.length; length++) attempt(good.subarray(0, length));
  for (let at = 0; at < good.length; at++) for (const byte of [0, 1, 0x7f, 0xff]) attempt(changed(at, byte));
  function attempt(content: Uint8Array): void {
    try {
      assert.ok(readElf(written(content)).libraries.length <= 4096);
    } catch (thrown) {
      assert.ok(thrown instanceof NoExecutable, String(thrown));
    }
  }
});
