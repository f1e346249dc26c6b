import assert from 'node:assert/strict';
import { test } from 'node:test';

import { connectFaultWords } from '../../../src/platform/errors/connect-fault-words.ts';

/** An error code, messages of it as Node, ssh and sshd write them, and the cause; null: the message says the cause. */
const cases: readonly (readonly [code: string, messages: readonly string[], cause: string | null])[] = [
  [
    'dns',
    [
      'getaddrinfo ENOTFOUND nosuch2.invalid',
      'getaddrinfo EAI_AGAIN web-1.example.org',
      'web-1.example.org did not resolve within 5000 ms',
    ],
    'their names cannot be resolved',
  ],
  ['connect-timeout', ['no answer from web-1 port 22 within 5000 ms'], 'no connection within 5 s'],
  ['connect-timeout', ['no answer from 2001:db8::1 port 2222 within 2500 ms'], 'no connection within 2.5 s'],
  ['connect-timeout', ['connect ETIMEDOUT 192.0.2.3:22'], 'no connection'],
  ['handshake-timeout', ['no SSH handshake within 10000 ms'], 'no SSH handshake within 10 s'],
  ['connect-refused', ['connect ECONNREFUSED ::1:22', 'it refused within 3 ms'], 'nothing listens on their ports'],
  [
    'connect-failed',
    ['connect EHOSTUNREACH 192.0.2.3:22 - Local (192.0.2.9:40112)', 'web-1 port 22: No route to host'],
    'no route to them',
  ],
  ['connect-failed', ['connect ENETUNREACH 2001:db8::1:22', 'Network is unreachable'], 'no route to their network'],
  ['connect-failed', ['read ECONNRESET', 'Connection reset by 192.0.2.3 port 22'], 'the connection was reset'],
  ['connect-failed', ['the client closed the connection during the login'], null],
  ['bastion-failed', ['bastion gate: getaddrinfo ENOTFOUND gate.example.org (dns)'], null],
  ['auth-failed', ['the password has expired'], null],
  ['toString', ['an unknown code of a later version'], null],
];

test('the cause of failed connections is the same for all machines, and has no name, address or port', () => {
  for (const [code, messages, cause] of cases) {
    for (const message of messages) assert.equal(connectFaultWords(code, message), cause, message);
  }
  assert.equal(connectFaultWords(null, 'getaddrinfo ENOTFOUND nosuch2.invalid'), null);
});
