import assert from 'node:assert/strict';
import { test } from 'node:test';

import { runtimeTargets, targetNamed, targetOfPlatform } from '../../../src/collector/runtimes/runtime-targets.ts';

const glibc = '/lib64/ld-linux-x86-64.so.2';
const musl = '/lib/ld-musl-x86_64.so.1';
const cases: readonly {
  readonly what: string;
  readonly machine: string;
  readonly interpreters: readonly string[];
  readonly alpine: boolean;
  readonly expected: string | null;
}[] = [
  { what: 'Debian', machine: 'x86_64', interpreters: [glibc], alpine: false, expected: 'linux-x64' },
  { what: 'Alpine', machine: 'x86_64', interpreters: [musl], alpine: true, expected: 'linux-x64-musl' },
  {
    what: 'Debian with musl beside its own',
    machine: 'x86_64',
    interpreters: [glibc, musl],
    alpine: false,
    expected: 'linux-x64',
  },
  {
    what: 'Alpine with an imitation of glibc',
    machine: 'x86_64',
    interpreters: [glibc, musl],
    alpine: true,
    expected: 'linux-x64-musl',
  },
  {
    what: 'a board with 64 bit',
    machine: 'aarch64',
    interpreters: ['/lib/ld-linux-aarch64.so.1'],
    alpine: false,
    expected: 'linux-arm64',
  },
  {
    what: 'a board whose programs are 32 bit under a kernel of 64',
    machine: 'aarch64',
    interpreters: ['/lib/ld-linux-armhf.so.3'],
    alpine: false,
    expected: null,
  },
  { what: 'no loader known', machine: 'x86_64', interpreters: [], alpine: false, expected: null },
];
for (const { what, machine, interpreters, alpine, expected } of cases) {
  test(`${what}: ${expected ?? 'none'}`, () => {
    assert.equal(targetOfPlatform({ system: 'Linux', machine, interpreters, alpine })?.name ?? null, expected);
  });
}

test('another system is none of ours, whatever it has', () => {
  assert.equal(targetOfPlatform({ system: 'FreeBSD', machine: 'amd64', interpreters: [glibc], alpine: false }), null);
});

test('names are found, and no two targets are alike', () => {
  for (const target of runtimeTargets) assert.equal(targetNamed(target.name), target);
  assert.equal(targetNamed('linux-x46'), null);
  const keys = runtimeTargets.map(({ machine, interpreter }) => `${machine} ${interpreter}`);
  assert.equal(new Set(keys).size, keys.length);
});
