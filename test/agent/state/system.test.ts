import assert from 'node:assert/strict';
import { test } from 'node:test';

import { accountLines, listenerLines } from '../../../agent/state/system.ts';
import type { StateSource } from '../../../agent/state/state-source.ts';

/** Returns a source with these files. */
const sourceOf = (files: Readonly<Record<string, string>>): StateSource =>
  ({
    exists: (file: string) => file in files,
    readStart: (file: string) => files[file] ?? '',
    readOptional: (file: string) => files[file] ?? null,
    read: (file: string) => files[file] ?? assert.fail(file),
    udpBefore: null,
  }) as unknown as StateSource;

test('lines of passwd that are no accounts are none: comments and those of nsswitch compat', () => {
  const group = 'sudo:x:27:root,+bad,-bad\n+:::\n+@staff:::\n-sudo:x:27:bad\n';
  const shells = ['/bin/sh', '', '/usr/sbin/nologin'];
  const strange = ['+', '-', '+bad', '-bad', '+@staff', '-@staff', '#bad', ''].flatMap((name) =>
    shells.map((shell) => `${name}::0:27:::${shell}`),
  );
  const passwd = [...strange, 'root:x:0:0:root:/root:/bin/sh', '+::::::', '-bad', '+@staff::::::/bin/false'].join('\n');
  const lines = accountLines(sourceOf({ '/etc/passwd': passwd, '/etc/group': group }));
  assert.deepEqual(lines.length, 1, lines.join('\n'));
  assert.match(lines[0] ?? '', /^root\b.*0 \/root \/bin\/sh sudo$/);
});

/** Returns an address as the kernel prints it: words of four bytes as numbers of the machine. */
function printed(bytes: readonly number[], isBig: boolean): string {
  const hex = (byte: number): string => byte.toString(16).padStart(2, '0').toUpperCase();
  return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.slice(4 * at, 4 * at + 4))
    .map((word) => (isBig ? word : word.toReversed()).map(hex).join(''))
    .join('');
}
const mapped = (...v4: readonly number[]): readonly number[] => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...v4];
const addresses: readonly (readonly [bytes: readonly number[], place: 'any' | 'loopback'])[] = [
  [[127, 0, 0, 1], 'loopback'],
  [[127, 0, 0, 53], 'loopback'],
  [[127, 9, 8, 7], 'loopback'],
  [[0, 0, 0, 0], 'any'],
  [[192, 168, 1, 127], 'any'],
  [[10, 0, 0, 1], 'any'],
  [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 'loopback'],
  [mapped(127, 0, 0, 1), 'loopback'],
  [mapped(192, 0, 2, 127), 'any'],
  [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 'any'],
  [[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f], 'any'],
];
for (const isBig of [false, true]) {
  test(`listeners of loopback are known on a ${isBig ? 'big' : 'little'}-endian machine`, () => {
    const tables = { '/proc/net/tcp': 'head', '/proc/net/tcp6': 'head' };
    for (const [index, [bytes]] of addresses.entries()) {
      const port = (1000 + index).toString(16).padStart(4, '0').toUpperCase();
      const file = bytes.length === 4 ? '/proc/net/tcp' : '/proc/net/tcp6';
      const remote = `${'0'.repeat(2 * bytes.length)}:0000`;
      tables[file] += `\n   ${index}: ${printed(bytes, isBig)}:${port} ${remote} 0A 00000000:00000000`;
    }
    const lines = listenerLines(sourceOf(tables));
    const found = new Map(lines.map((line) => [/\d{4}/.exec(line)?.[0], /any|loopback/.exec(line)?.[0]]));
    for (const [index, [bytes, place]] of addresses.entries()) {
      assert.equal(found.get(String(1000 + index)), place, bytes.join('.'));
    }
  });
}
