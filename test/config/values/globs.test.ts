import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { fileNameMatcher, globMatcher, isGlob, splitGlobs } from '../../../src/config/values/globs.ts';

test('patterns of values', () => {
  const table = [
    { pattern: '*', value: '/', matches: true },
    { pattern: '*', value: '', matches: true },
    { pattern: '*', value: '..', matches: true },
    { pattern: '/data*', value: '/data/x/.y', matches: true },
    { pattern: '/data*', value: '/data', matches: true },
    { pattern: '*/data', value: '/srv/.hidden/data', matches: true },
    { pattern: '/data', value: '/data/', matches: false },
    { pattern: '/data', value: '/data', matches: true },
    { pattern: '/Data', value: '/data', matches: false },
    { pattern: 'web-?', value: 'web-1', matches: true },
    { pattern: 'web-?', value: 'web-10', matches: false },
    { pattern: 'a?b', value: 'a/b', matches: true },
    { pattern: 'web-[0-4]*', value: 'web-31', matches: true },
    { pattern: 'web-[0-4]*', value: 'web-51', matches: false },
    { pattern: '{db,web}-*', value: 'db-1', matches: true },
    { pattern: '{db,web}-*', value: 'app-1', matches: false },
    { pattern: 'db-*,web-*', value: 'web-1', matches: true },
    { pattern: '*,!web-*', value: 'web-1', matches: false },
    { pattern: '!web-*', value: 'web-1', matches: false },
    { pattern: '!web-*', value: 'db-1', matches: true },
    { pattern: '!a,!b', value: 'c', matches: true },
    { pattern: 'a,!a', value: 'a', matches: false },
    { pattern: ' db-* , web-* ', value: 'web-1', matches: true },
    { pattern: '/mnt/a (b)', value: '/mnt/a (b)', matches: true },
    { pattern: '/mnt/a (b)*', value: '/mnt/a (b)c', matches: true },
    { pattern: 'a|b*', value: 'a|bc', matches: true },
    { pattern: 'a|b*', value: 'bc', matches: false },
    { pattern: 'a+b*', value: 'a+bc', matches: true },
    { pattern: 'a.b*', value: 'axb', matches: false },
    { pattern: '*.service', value: 'x\ny.service', matches: true },
    { pattern: '+(a)*', value: '+(a)b', matches: true },
    { pattern: 'web\\*', value: 'web*', matches: true },
    { pattern: 'web\\*', value: 'web-1', matches: false },
  ];
  for (const { pattern, value, matches } of table) {
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
