import assert from 'node:assert/strict';
import { test } from 'node:test';

import { adviceFor } from '../../src/text/advice.ts';

const many = ['a', 'b', 'c', 'd', 'e', 'f'];
const adviceCases: readonly (readonly [code: string | null, clients: readonly string[], advice: string | null])[] = [
  ['host-key-unknown', ['web-1'], 'Run `fleet-health trust web-1`.'],
  ['host-key-unknown', ['web-1', '192.0.2.1:2222'], 'Run `fleet-health trust web-1 192.0.2.1:2222`.'],
  ['host-key-unknown', many, 'Run `fleet-health trust`.'],
  ['host-key-changed', ["o'neill $(x)"], "If it is meant to: `fleet-health trust --replace 'o'\\''neill $(x)'`."],
  ['connect-refused', ['web-1'], 'Check that sshd runs, and ip and port.'],
  ['of-another-version', ['web-1'], null],
  ['toString', ['web-1'], null],
  [null, ['web-1'], null],
];

for (const [code, clients, advice] of adviceCases) {
  test(`advice for ${String(code)} of ${clients.join(', ')}`, () => {
    assert.equal(adviceFor(code, clients), advice);
  });
}
