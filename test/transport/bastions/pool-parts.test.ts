/** The parts of the pool of bastions that need no server. The logins are in bastion-pool.test.ts. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';

import type { Wire } from '../../../src/transport/connection/wire.ts';
import {
  dialThrough,
  identityOf,
  leaveIdle,
  limitsOf,
  type Forwarder,
  laneOf,
} from '../../../src/transport/bastions/bastion-pool.ts';
import { Secret } from '../../../src/config/secret.ts';
import type { Hop, HopCredentials } from '../../../src/transport/route/hop.ts';
import { sharedFor, sshClient } from '../../support/ssh/run-shared.ts';

const hopOf = (more: Parameters<typeof sshClient>[2] = {}) => {
  const [hop] = sharedFor().routeTo(sshClient('web-1', {}, more)).hops;
  assert.ok(hop);
  return hop;
};

describe('a bastion without connections', () => {
  /** Lets half a minute pass. Returns what was done in each half of it. */
  function wait(t: TestContext, change: (idle: { busy: boolean }, sessions: Set<unknown>) => void): readonly string[] {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const done: string[] = [];
    const idle = { busy: false, end: () => void done.push('ended') };
    const other = { busy: false, end: () => void done.push('the other ended') };
    const sessions = new Set([idle, other]);
    leaveIdle(sessions, idle);
    t.mock.timers.tick(29_999);
    done.push('30 s');
    change(idle, sessions);
    t.mock.timers.tick(1);
    return [...done, sessions.has(idle) ? 'kept' : 'gone', `${sessions.size} left`];
  }

  test('is left after half a minute', (t) => {
    assert.deepEqual(
      wait(t, () => undefined),
      ['30 s', 'ended', 'gone', '1 left'],
    );
  });

  test('stays if a connection goes through it by then', (t) => {
    assert.deepEqual(
      wait(t, (idle) => (idle.busy = true)),
      ['30 s', 'kept', '2 left'],
    );
  });

  test('is left once, also if it broke or was left before', (t) => {
    assert.deepEqual(
      wait(t, (idle, sessions) => sessions.delete(idle)),
      ['30 s', 'gone', '1 left'],
    );
  });
});

test('a ConnectTimeout of ssh_config bounds the TCP connection, and may lengthen the login', () => {
  const limits = { tcpTimeoutMs: 2000, connectTimeoutMs: 9000 };
  const given = [null, 1000, 9001].map((connectTimeoutMs) => limitsOf({ ...hopOf(), connectTimeoutMs }, limits));
  assert.deepEqual(given, [
    limits,
    { tcpTimeoutMs: 1000, connectTimeoutMs: 9000 },
    { tcpTimeoutMs: 9001, connectTimeoutMs: 9001 },
  ]);
});

test('a bastion is asked for the address of the machine behind it, within the shorter limit', async () => {
  const asked: unknown[] = [];
  const bastion: Forwarder = {
    forward: ({ client, host, port, timeoutMs }) => {
      asked.push([client, host, port, timeoutMs]);
      return Promise.resolve({} as Wire);
    },
  };
  const dial = dialThrough(bastion, hopOf({ address: '192.0.2.7', port: 2222 }));
  const { signal } = new AbortController();
  await dial({ tcpTimeoutMs: 2000, connectTimeoutMs: 9000, signal });
  await dial({ tcpTimeoutMs: 9000, connectTimeoutMs: 3000, signal });
  assert.deepEqual(asked, [
    ['web-1', '192.0.2.7', 2222, 2000],
    ['web-1', '192.0.2.7', 2222, 3000],
  ]);
});

const secret = (): Secret => new Secret({ kind: 'literal', value: 'same' });
const shown = (hop: Hop): string => JSON.stringify(identityOf(hop));

test('two routes share a login only if every value of it is the same', () => {
  const hop = hopOf();
  const withCredentials = (more: Partial<HopCredentials>): Hop => ({
    ...hop,
    credentials: { ...hop.credentials, ...more },
  });
  const others: Readonly<Record<string, Hop>> = {
    name: { ...hop, name: 'other' },
    address: { ...hop, address: '192.0.2.9' },
    port: { ...hop, port: 23 },
    family: { ...hop, family: 6 },
    username: { ...hop, username: 'other' },
    knownAs: { ...hop, knownAs: 'other' },
    knownHosts: { ...hop, knownHosts: ['/other'] },
    policy: { ...hop, policy: 'accept-new' },
    kex: { ...hop, kex: 'curve25519-sha256' },
    privateKeys: withCredentials({ privateKeys: [{ path: '/other', optional: false }] }),
    agent: withCredentials({ agent: 'env' }),
    identitiesOnly: withCredentials({ identitiesOnly: true }),
    password: withCredentials({ password: secret() }),
    'another password': withCredentials({ password: secret() }),
    passphrase: withCredentials({ passphrase: secret() }),
  };
  const identities = new Map(Object.entries(others).map(([name, other]) => [shown(other), name]));
  identities.set(shown(hop), 'none');
  assert.deepEqual([...identities.values()], [...Object.keys(others), 'none']);
  const password = secret();
  assert.equal(shown(withCredentials({ password })), shown(withCredentials({ password })));
  // The source of a value, and the limits, are none of the login.
  assert.equal(shown({ ...hop, values: [], connectTimeoutMs: 5, kind: 'bastion' }), shown(hop));
});

test('an address, a name that has resolved and any other name are asked for apart', () => {
  const lanes = [
    laneOf('192.0.2.1'),
    laneOf('2001:db8::1', true),
    laneOf('d7'),
    laneOf('web.example', true),
    laneOf('web.example', false),
  ];
  assert.deepEqual(lanes, ['addresses', 'addresses', 'unknown', 'failed', 'unknown']);
});
