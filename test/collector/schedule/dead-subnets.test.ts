import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createDeadSubnets } from '../../../src/collector/schedule/visit-fleet.ts';
import { makeClient, sshSettings } from '../../support/fleets/fleet.ts';

const at = (address: string) => makeClient(address, { address });
const timeout = { code: 'connect-timeout', stage: 'connect' };
const noRoute = { code: 'connect-failed', stage: 'connect' };

test('eight without an answer and none with one: the rest of that subnet is taken for dead, no other', () => {
  const dead = createDeadSubnets();
  for (let host = 1; host <= 7; host++) dead.note(at(`10.0.0.${host}`), host % 2 === 0 ? noRoute : timeout);
  assert.equal(dead.has(at('10.0.0.99')), false);
  dead.note(at('10.0.0.8'), timeout);
  assert.equal(dead.has(at('10.0.0.99')), true);
  assert.equal(dead.has(at('10.0.1.99')), false);
  assert.equal(dead.has(at('web.example.org')), false);
});

const answers = [
  { code: null, stage: null },
  { code: 'connect-refused', stage: 'connect' },
  { code: 'auth-failed', stage: 'login' },
  { code: 'connect-failed', stage: 'login' },
];

for (const answer of answers) {
  test(`one answer is enough, before or after: ${answer.code ?? 'a report'} at ${answer.stage ?? 'the end'}`, () => {
    const dead = createDeadSubnets();
    for (let host = 1; host <= 20; host++) dead.note(at(`10.0.0.${host}`), timeout);
    dead.note(at('10.0.0.21'), answer);
    assert.equal(dead.has(at('10.0.0.99')), false);
    for (let host = 1; host <= 20; host++) dead.note(at(`10.0.0.${host}`), timeout);
    assert.equal(dead.has(at('10.0.0.99')), false);
  });
}

test('what lies behind a bastion says nothing about a subnet here', () => {
  const dead = createDeadSubnets();
  const inner = makeClient('inner', { address: '10.0.0.1', ssh: { ...sshSettings, proxyJump: 'fra' } });
  for (let visit = 0; visit < 20; visit++) dead.note(inner, timeout);
  assert.equal(dead.has(inner), false);
  assert.equal(dead.has(at('10.0.0.2')), false);
});
