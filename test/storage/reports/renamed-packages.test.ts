/** A package that earlier agents only named otherwise is no change; one that differs besides is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { renamedPackages } from '../../../src/storage/reports/renamed-packages.ts';

type Items = Readonly<Record<string, string>>;

const mapOf = (items: Items): ReadonlyMap<string, { readonly value: string }> =>
  new Map(Object.entries(items).map(([item, value]) => [item, { value }]));

const cases: readonly (readonly [
  what: string,
  stored: Items,
  now: Items,
  formerOf: Items,
  absorbed: readonly string[],
  hasNewManager: boolean,
])[] = [
  ['the same', { bash: '5.2' }, { bash: '5.2' }, {}, [], false],
  ['another version', { bash: '5.1' }, { bash: '5.2' }, {}, [], false],
  ['a new package', {}, { bash: '5.2' }, {}, [], false],
  ['an epoch', { vim: '9.0' }, { vim: '2:9.0' }, { vim: 'vim' }, [], false],
  ['an epoch and another version', { vim: '8.2' }, { vim: '2:9.0' }, {}, [], false],
  [
    'versions side by side, each an item of its own before',
    { kernel: '6.1', 'kernel 6.2': '6.2' },
    { kernel: '6.1 6.2' },
    { kernel: 'kernel' },
    ['kernel 6.2'],
    false,
  ],
  [
    'versions side by side with epochs',
    { kernel: '6.1', 'kernel 6.2': '6.2' },
    { kernel: '0:6.1 0:6.2' },
    { kernel: 'kernel' },
    ['kernel 6.2'],
    false,
  ],
  ['a second version that was not there', { kernel: '6.1' }, { kernel: '6.1 6.2' }, {}, [], false],
  ['a package with its manager', { bash: '5.2' }, { 'bash (rpm)': '5.2' }, { 'bash (rpm)': 'bash' }, [], true],
  ['a package with no such manager', { bash: '5.2' }, { 'bash (brew)': '5.2' }, {}, [], false],
  ['a package with its manager, and another version', { bash: '5.1' }, { 'bash (rpm)': '5.2' }, {}, [], false],
  ['a name that is still there', { bash: '5.2' }, { bash: '5.2', 'bash (rpm)': '5.2' }, {}, [], false],
  ['an architecture of none', { key: '1' }, { 'key (none)': '1' }, { 'key (none)': 'key' }, [], false],
  ['a version in the name', { key: '1' }, { 'key 1': '1' }, { 'key 1': 'key' }, [], false],
  [
    'a second version beside the first',
    { 'a x86_64': '1' },
    { 'a x86_64 1': '1', 'a x86_64 2': '2' },
    { 'a x86_64 1': 'a x86_64' },
    [],
    false,
  ],
  [
    'the first of two versions that is gone',
    { 'a x86_64 1': '1', 'a x86_64 2': '2' },
    { 'a x86_64': '2' },
    { 'a x86_64': 'a x86_64 2' },
    [],
    false,
  ],
  [
    'a second version of another manager, and of another architecture',
    { 'a (rpm)': '1', 'b x86_64 (rpm)': '1' },
    { 'a (none) 1 (rpm)': '1', 'a (none) 2 (rpm)': '2', 'b x86_64 1 (rpm)': '1', 'b x86_64 2 (rpm)': '2' },
    { 'a (none) 1 (rpm)': 'a (rpm)', 'b x86_64 1 (rpm)': 'b x86_64 (rpm)' },
    [],
    false,
  ],
  [
    'the second of two versions of another manager that is gone',
    { 'a (none) 1 (rpm)': '1', 'a (none) 2 (rpm)': '2', 'b x86_64 1 (rpm)': '1', 'b x86_64 2 (rpm)': '2' },
    { 'a (rpm)': '1', 'b x86_64 (rpm)': '1' },
    { 'a (rpm)': 'a (none) 1 (rpm)', 'b x86_64 (rpm)': 'b x86_64 1 (rpm)' },
    [],
    false,
  ],
  ['a version beside the first, and another first', { a: '1' }, { 'a 2': '2', 'a 3': '3' }, {}, [], false],
];
for (const [what, stored, now, formerOf, absorbed, hasNewManager] of cases) {
  test(`renamed: ${what}`, () => {
    const found = renamedPackages(mapOf(stored), mapOf(now));
    assert.deepEqual(Object.fromEntries(found.formerOf), formerOf);
    assert.deepEqual([...found.absorbed], absorbed);
    assert.equal(found.hasNewManager, hasNewManager);
  });
}

for (const manager of ['dpkg', 'rpm', 'apk', 'pacman']) {
  test(`${manager} is a manager`, () => {
    const { formerOf } = renamedPackages(mapOf({ a: '1' }), mapOf({ [`a (${manager})`]: '1' }));
    assert.equal(formerOf.get(`a (${manager})`), 'a');
  });
}
