import assert from 'node:assert/strict';
import { test } from 'node:test';

import { questionFor } from '../../src/cli/trust/trust.ts';
import type { TrustPlan } from '../../src/cli/trust/trust-plan.ts';

const plan = (name: string, kind: TrustPlan['kind'], keys = 1): TrustPlan => ({
  machine: { name, kind: 'client', address: '192.0.2.1', port: 22, route: null, fault: null },
  kind,
  keys: Array.from({ length: keys }, () => ({ type: 'ssh-ed25519', key: '' })),
  knownKeys: [],
  fault: null,
});

for (const [plans, question] of [
  [[plan('a', 'new')], 'Trust this key?'],
  [[plan('a', 'new', 2), plan('b', 'new')], 'Trust these 3 keys?'],
  [[plan('web-2', 'differs')], 'Replace the known key of web-2?'],
  [
    [plan('a', 'new'), plan('b', 'differs'), plan('c', 'differs')],
    'Trust this key and replace the known keys of b, c?',
  ],
  [
    Array.from({ length: 7 }, (_, index) => plan(`w${index}`, 'differs')),
    'Replace the known keys of w0, w1, w2, w3, w4, 2 more?',
  ],
] as const) {
  test(`trust asks: ${question}`, () => assert.equal(questionFor(plans), question));
}
