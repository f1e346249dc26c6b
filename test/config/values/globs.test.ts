import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { fileNameMatcher, globMatcher, isGlob, splitGlobs } from '../../../src/config/values/globs.ts';

test('patterns of values', () => {
  const table: readonly (readonly [string, string, boolean])[] = [
    ['*', '/', true],
    ['*', '', true],
    ['*', '..', true],
    ['/data*', '/data/x/.y', true],
    ['/data*', '/data', true],
    ['*/data', '/srv/.hidden/data', true],
    ['/data', '/data/', false],
    ['/data', '/data', true],
    ['/Data', '/data', false],
    ['web-?', 'web-1', true],
    ['web-?', 'web-10', false],
    ['a?b', 'a/b', true],
    ['web-[0-4]*', 'web-31', true],
    ['web-[0-4]*', 'web-51', false],
    ['{db,web}-*', 'db-1', true],
    ['{db,web}-*', 'app-1', false],
    ['db-*,web-*', 'web-1', true],
    ['*,!web-*', 'web-1', false],
    ['!web-*', 'web-1', false],
    ['!web-*', 'db-1', true],
    ['!a,!b', 'c', true],
    ['a,!a', 'a', false],
    [' db-* , web-* ', 'web-1', true],
    ['/mnt/a (b)', '/mnt/a (b)', true],
    ['/mnt/a (b)*', '/mnt/a (b)c', true],
    ['a|b*', 'a|bc', true],
    ['a|b*', 'bc', false],
    ['a+b*', 'a+bc', true],
    ['a.b*', 'axb', false],
    ['*.service', 'x\ny.service', true],
    ['+(a)*', '+(a)b', true],
    ['web\\*', 'web*', true],
    ['web\\*', 'web-1', false],
  ];
  for (const [pattern, value, matches] of table) {
    assert.equal(globMatcher(pattern)(value), matches, `${pattern} on ${JSON.stringify(value)}`);
  }
});

test('a name without pattern characters matches itself alone', () => {
  const letters = fc.string({
    unit: fc.constantFrom('a', 'b', '-', '.', '/', ' ', '(', ')', '+', '@', 'é'),
    minLength: 1,
  });
  const names = letters.filter((text) => text.trim() === text && text !== '');
  fc.assert(
    fc.property(names, names, (name, other) => {
      assert.equal(globMatcher(name)(other), name === other);
      assert.equal(globMatcher(`${name}*`)(name + other), true);
    }),
  );
});

test('commas part patterns, but not inside braces and brackets', () => {
  assert.deepEqual(splitGlobs('a, {b,c},[d,e], ,f'), ['a', '{b,c}', '[d,e]', 'f']);
  assert.deepEqual(splitGlobs(' , '), []);
  assert.equal(isGlob('web-1'), false);
  assert.equal(isGlob('web-*'), true);
});

test('file names match as in a shell: no hidden files unless asked for', () => {
  assert.equal(fileNameMatcher('*.xml')('a.xml'), true);
  assert.equal(fileNameMatcher('*.xml')('.a.xml'), false);
  assert.equal(fileNameMatcher('.*.xml')('.a.xml'), true);
  assert.equal(fileNameMatcher('*.xml')('a.xml~'), false);
  assert.equal(fileNameMatcher('*(1).xml')('a(1).xml'), true);
});
