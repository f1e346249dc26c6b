import assert from 'node:assert/strict';
import { test } from 'node:test';

import { hostPatternsMatch } from '../../../src/transport/ssh-config/host-patterns.ts';

const cases: readonly (readonly [patterns: string, value: string, matches: boolean])[] = [
  ['web-1', 'web-1', true],
  ['web-1', 'web-10', false],
  ['web-10', 'web-1', false],
  ['Web-1', 'web-1', false],
  ['', 'web-1', false],
  ['', '', true],
  ['*', '', true],
  ['*', 'web-1', true],
  ['web-*', 'web-', true],
  ['web-*', 'web', false],
  ['*-1', 'web-1', true],
  ['*-1', 'web-1-1', true],
  ['*-1', 'web-12', false],
  ['w*b*1', 'web-web-1', true],
  ['w*b*2', 'web-web-1', false],
  ['web-?', 'web-1', true],
  ['web-?', 'web-', false],
  ['web-?', 'web-12', false],
  ['web-1**', 'web-1', true],
  ['web-1?', 'web-1', false],
  ['db-* web-*', 'web-1', true],
  ['web-* !web-1', 'web-1', false],
  ['!web-1 web-*', 'web-1', false],
  ['web-* !web-1', 'web-2', true],
  ['!web-1', 'web-2', false],
  ['web.1', 'web-1', false],
];
for (const [patterns, value, matches] of cases) {
  test(`"${patterns}" ${matches ? 'matches' : 'does not match'} "${value}"`, () => {
    assert.equal(hostPatternsMatch(patterns.split(' '), value), matches);
  });
}

test('a pattern that would cost an expression years costs little', () => {
  assert.equal(hostPatternsMatch(['*a'.repeat(200)], 'a'.repeat(2000) + 'b'), false);
});
