import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FleetError } from '../../../src/platform/errors/errors.ts';
import {
  bastionFailed,
  dialRefusalCode,
  notForwarded,
  ofClient,
} from '../../../src/transport/bastions/bastion-failed.ts';

const refused = new FleetError({ client: 'gate', code: 'connect-refused', stage: 'connect', message: 'no' });

test('the fault of a bastion is its own, whoever waits for it, and is named once', () => {
  const failed = bastionFailed('gate', refused);
  assert.deepEqual(
    [failed.code, failed.stage, failed.client, failed.message],
    ['bastion-failed', 'connect', null, 'bastion gate: no (connect-refused)'],
  );
  assert.equal(bastionFailed('inner', failed), failed);
  assert.equal(ofClient(failed, 'web-1').client, 'web-1');
  assert.equal(ofClient(failed, 'web-1').message, failed.message);
});

test('a bastion that forbids to forward is not asked again, one that cannot is', () => {
  const fault = (isProhibited: boolean) =>
    notForwarded('gate', 'web-1 port 22', { answer: 'open failed', isProhibited });
  const facts = [true, false]
    .map(fault)
    .map(({ code, stage, retryable, message }) => [code, stage, retryable, message]);
  assert.deepEqual(facts, [
    ['channel-failed', 'connect', false, 'it does not forward to web-1 port 22: open failed'],
    ['channel-failed', 'connect', true, 'no connection to web-1 port 22: open failed'],
  ]);
  assert.match(fault(true).advice, /^Allow it in sshd_config of gate: AllowTcpForwarding/);
  assert.match(fault(false).advice, /^Check the load of gate\./);
});

const answers: readonly (readonly [answer: string, code: string])[] = [
  ['Connection refused', 'connect-refused'],
  ['Connection timed out', 'connect-timeout'],
  ['Operation timeout', 'connect-timeout'],
  ['Name or service not known', 'dns'],
  ['Temporary failure in name resolution', 'dns'],
  ['No address associated with hostname', 'dns'],
  ['nodename nor servname provided', 'dns'],
  ['Could not resolve', 'dns'],
  ['No route to host', 'connect-failed'],
  ['', 'connect-failed'],
];
for (const [answer, code] of answers) {
  test(`a bastion that answers ${JSON.stringify(answer)}: ${code}`, () => assert.equal(dialRefusalCode(answer), code));
}
