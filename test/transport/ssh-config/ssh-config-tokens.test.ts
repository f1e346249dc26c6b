import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it, test } from 'node:test';

import { parseSshConfigLine, type SshConfigLine } from '../../../src/transport/ssh-config/ssh-config-line.ts';
import type { FollowedOption } from '../../../src/transport/ssh-config/ssh-config-options.ts';
import {
  connectionTokens,
  expandTokens,
  hostTokens,
  jumpText,
  tokensOfSelf,
} from '../../../src/transport/ssh-config/ssh-config-tokens.ts';

const self = { user: 'me', uid: '1000', home: '/home/me', hostname: 'here.example.org', environment: {} };

function tokensFor(options: Partial<Record<FollowedOption, string>> = {}, user: string | null = 'ops') {
  const lines = Object.entries(options).map(([name, value]): [FollowedOption, SshConfigLine] => [
    name as FollowedOption,
    parseSshConfigLine(`${name} ${value}`) as SshConfigLine,
  ]);
  return connectionTokens({
    question: { host: 'web', self },
    first: new Map(lines),
    host: 'real',
    user,
    keyName: 'kn',
  });
}

const hash = (...parts: readonly string[]): string => createHash('sha1').update(parts.join('')).digest('hex');

test('the tokens of a connection', () => {
  const own = { L: 'here', d: '/home/me', i: '1000', l: 'here.example.org', u: 'me' };
  assert.deepEqual(tokensOfSelf(self), own);
  const plain = { ...own, h: 'real', j: '', k: 'kn', n: 'web', p: '22' };
  const all = tokensFor();
  assert.deepEqual(all, { ...plain, r: 'ops', C: hash('here.example.org', 'real', '22', 'ops', '') });
  assert.deepEqual(Object.keys(all).sort(), [...Object.keys(own), ...hostTokens].sort());
  // User itself may contain neither its own value nor a hash of it.
  assert.deepEqual(tokensFor({}, null), plain);
  const { k, p, j, C } = tokensFor({ hostkeyalias: 'Alias', port: '2222', proxyjump: 'a,u@b:5 # c' });
  assert.deepEqual([k, p, j, C], ['Alias', '2222', 'b', hash('here.example.org', 'real', '2222', 'ops', 'b')]);
  assert.equal(tokensFor({ proxyjump: 'NONE # x' })['j'], '');
  assert.equal(jumpText(' a # b\nc '), 'a');
});

describe('an expanded text', () => {
  const environment = { A: '%h', EMPTY: '' };
  const table: readonly (readonly [text: string, expanded: string | { readonly fault: string }])[] = [
    ['%h-%%h-%h', 'real-%h-real'],
    ['%%%h', '%real'],
    ['${A}-${EMPTY}', '%h-'],
    ['$A {A}', '$A {A}'],
    ['%Z', { fault: 'has a token that is not followed' }],
    ['x%', { fault: 'has a token that is not followed' }],
    ['%toString', { fault: 'has a token that is not followed' }],
    ['${B}', { fault: 'has a variable that is not set' }],
    ['${A', { fault: 'has ${ without }' }],
    // The first fault counts.
    ['${B} %Z', { fault: 'has a variable that is not set' }],
    ['%Z ${A', { fault: 'has a token that is not followed' }],
  ];
  for (const [text, expanded] of table) {
    it(text, () => {
      const expected = typeof expanded === 'string' ? { text: expanded, fault: null } : { text: null, ...expanded };
      assert.deepEqual(expandTokens(text, { h: 'real' }, environment), expected);
    });
  }

  it('has no variables without an environment', () => {
    assert.deepEqual(expandTokens('${A} ${B', {}), { text: '${A} ${B', fault: null });
  });
});
