import assert from 'node:assert/strict';
import { test } from 'node:test';

import { runtimeTargets, targetNamed, targetOfPlatform } from '../../../src/collector/runtimes/runtime-targets.ts';

const glibc = '/lib64/ld-linux-x86-64.so.2';
const musl = '/lib/ld-musl-x86_64.so.1';
const cases: readonly (readonly [string, string, readonly string[], boolean, string | null])[] = [
  ['Debian', 'x86_64', [glibc], false, 'linux-x64'],
  ['Alpine', 'x86_64', [musl], true, 'linux-x64-musl'],
  ['Debian with musl beside its own', 'x86_64', [glibc, musl], false, 'linux-x64'],
  ['Alpine with an imitation of glibc', 'x86_64', [glibc, musl], true, 'linux-x64-musl'],
  ['a board with 64 bit', 'aarch64', ['/lib/ld-linux-aarch64.so.1'], false, 'linux-arm64'],
  ['a board whose programs are 32 bit under a kernel of 64', 'aarch64', ['/lib/ld-linux-armhf.so.3'], false, null],
  ['no loader known', 'x86_64', [], false, null],
];
for (const [what, machine, interpreters, alpine, expected] of cases) {
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
