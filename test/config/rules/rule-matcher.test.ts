import assert from 'node:assert/strict';
import { test } from 'node:test';

import { namedRule, ruleMatcher, type NamedRule } from '../../../src/config/rules/rule-matcher.ts';

const rules: readonly NamedRule[] = [
  { name: 'disk', type: 'disk' },
  { name: 'disk mount=/data', type: 'disk' },
  { name: 'full', type: 'disk' },
  { name: 'disk-free', type: 'disk-free' },
  { name: 'memory', type: 'memory' },
  { name: 'unreachable', type: null },
];

const cases: readonly (readonly [pattern: string, names: readonly string[]])[] = [
  ['disk', ['disk', 'disk mount=/data', 'full']],
  ['disk mount=/data', ['disk mount=/data']],
  ['full', ['full']],
  ['disk*', ['disk', 'disk mount=/data', 'disk-free']],
  ['disk,unreachable', ['disk', 'disk mount=/data', 'full', 'unreachable']],
  ['!disk', ['disk-free', 'memory', 'unreachable']],
  ['disk,!full', ['disk', 'disk mount=/data']],
  ['*', rules.map(({ name }) => name)],
  ['cpu', []],
];

for (const [pattern, names] of cases) {
  test(`${pattern} means ${names.join(', ') || 'no rule'}`, () => {
    const matched = rules.filter(ruleMatcher(pattern));
    assert.deepEqual(
      matched.map(({ name }) => name),
      names,
    );
  });
}

test('the type of a rule that left config.xml is the first word of its name', () => {
  assert.deepEqual(namedRule(rules, 'disk mount=/old'), { name: 'disk mount=/old', type: 'disk' });
  assert.deepEqual(namedRule(rules, 'full'), { name: 'full', type: 'disk' });
  assert.deepEqual(namedRule(rules, 'gone'), { name: 'gone', type: null });
});
