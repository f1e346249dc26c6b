/** The clients about which others are asked, and their order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  byImportance,
  createSharing,
  failedOnTheWay,
  isLost,
  unaskable,
} from '../../../src/collector/neighbours/lost-clients.ts';
import type { Client, Rule } from '../../../src/config/config.ts';
import { sshSettings } from '../../support/fleets/fleet.ts';
import { failed, neighbour, unreachableRule } from './support/lost.ts';

test('others are asked after faults of the way to a client alone', () => {
  const closed = 'the client closed the connection during the handshake';
  const offer = 'no matching key exchange method found';
  for (const [code, stage, message, expected] of [
    ['connect-timeout', 'connect', 'no answer', true],
    ['connect-failed', 'connect', 'connect EHOSTUNREACH 192.0.2.1:22', true],
    ['connect-refused', 'connect', 'connect ECONNREFUSED 192.0.2.1:22', true],
    ['handshake-closed', 'handshake', 'read ECONNRESET', true],
    ['handshake-closed', 'handshake', 'Connection lost before handshake', true],
    ['handshake-failed', 'handshake', closed, false],
    ['handshake-failed', 'handshake', 'a web server answers', false],
    ['no-common-algorithm', 'handshake', offer, false],
    ['handshake-timeout', 'handshake', 'no answer', false],
    ['connect-failed', 'login', closed, false],
    ['dns', 'resolve', 'getaddrinfo ENOTFOUND web-1', false],
    ['auth-failed', 'login', 'refused', false],
    ['bastion-failed', 'connect', 'no answer', false],
  ] as const) {
    assert.equal(failedOnTheWay(failed(code, stage, message)), expected, `${code} ${message}`);
  }
});

test('a client is lost at the failure at which unreachable begins to fire, once', () => {
  const minute = 60_000;
  for (const [rule, at] of [
    [{ forCount: 2 }, 2],
    [{ forCount: 1 }, 1],
    [{ forCount: null, forMs: null }, 1],
    [{ forCount: null, forMs: 15 * minute }, 4],
    [{ forCount: null, forMs: 2 * minute }, 1],
  ] as const satisfies readonly (readonly [Partial<Rule>, number])[]) {
    const client = neighbour('db-1', { rules: [unreachableRule(rule)] });
    const lost = [0, 1, 2, 3, 4, 5].filter((consecutiveFailures) =>
      isLost(
        { client, visit: failed('connect-timeout') },
        { consecutiveFailures: consecutiveFailures + 7, uncountedFailures: 7 },
        5 * minute,
      ),
    );
    assert.deepEqual(lost, [at - 1], JSON.stringify(rule));
  }
});

test('a client is not lost if it or its rule is off, is paused, or is not visited over SSH', () => {
  const facts = { consecutiveFailures: 1, uncountedFailures: 0 };
  const isLostWith = (more: Partial<Client>): boolean =>
    isLost({ client: neighbour('db-1', more), visit: failed('connect-timeout') }, facts, 300_000);
  assert.equal(isLostWith({}), true);
  assert.equal(isLostWith({ neighbours: false }), false);
  assert.equal(isLostWith({ rules: [] }), false);
  assert.equal(isLostWith({ state: 'paused' }), false);
  assert.equal(isLostWith({ arrival: { kind: 'asked', url: 'http://db-1/' } }), false);
  const first = { client: neighbour('db-1', { rules: [unreachableRule({ forCount: 1 })] }), visit: failed('dns') };
  assert.equal(isLost(first, undefined, 300_000), false);
  assert.equal(isLost({ ...first, visit: failed('connect-refused') }, undefined, 300_000), true);
});

test('critical clients come first, then those of groups that need their members, then the names', () => {
  const mild = [unreachableRule({ severity: 'warning' })];
  const lost = [
    neighbour('d', { rules: mild, groups: ['pool'] }),
    neighbour('c', { rules: mild }),
    neighbour('b'),
    neighbour('a'),
    neighbour('z', { groups: ['site', 'pool'] }),
  ].map((client) => ({ client, visit: failed('connect-timeout'), dialled: null }));
  assert.deepEqual(
    byImportance(lost, new Set(['pool'])).map(({ client }) => client.name),
    ['z', 'a', 'b', 'd', 'c'],
  );
});

const chainOf = ({ ssh: { proxyJump } }: Client): readonly string[] => (proxyJump === null ? [] : [proxyJump]);

test('nobody is asked about shared addresses and zones of this machine, nor while the collector is isolated', () => {
  const [gate, door, own] = [
    neighbour('gate', { address: '192.0.2.1' }),
    neighbour('door', { address: '192.0.2.1', port: 2222 }),
    neighbour('own', { address: '192.0.2.1', ssh: { ...sshSettings, proxyJump: 'fra' } }),
  ];
  const isShared = createSharing({ clients: [gate, door, own], visited: [], chainOf });
  assert.deepEqual([gate, door, own].map(isShared), [true, true, false]);
  const why = (client: Client, address: string, isIsolated = false) =>
    unaskable({ client, dialled: { address, port: 22 } }, { isIsolated, isShared, own: new Set(['198.51.100.1']) });
  assert.equal(why(gate, '192.0.2.1'), 'shared');
  assert.equal(why(own, '192.0.2.1'), null);
  assert.equal(why(own, '2001:db8::1%eth0'), 'address');
  const local = ['127.0.0.1', '127.0.0.9', '0.0.0.0', '0.1.2.3', '169.254.0.1', '224.0.0.1', '255.255.255.255', '::1'];
  const others = ['::', 'fe80::1%eth0', 'fe80::1', 'ff02::1', '::ffff:127.0.0.1', '198.51.100.1', '::ffff:c633:6401'];
  for (const address of [...local, ...others]) assert.equal(why(own, address), 'local', address);
  for (const address of ['10.0.0.1', '172.17.0.2', 'fd00::1', '2001:db8::1'])
    assert.equal(why(own, address), null, address);
  assert.equal(why(own, '192.0.2.1', true), 'isolated');
});

test('clients whose names lead to one address share it', () => {
  const [one, other, own] = ['one.example', 'other.example', 'own.example'].map((address) => ({
    client: neighbour(address, { address }),
    dialled: { address: address === 'own.example' ? '192.0.2.2' : '192.0.2.1', port: 22 },
  }));
  assert.ok(one && other && own);
  const visited = [one, other, own, { ...own, dialled: null }];
  const isShared = createSharing({ clients: visited.map(({ client }) => client), visited, chainOf });
  assert.deepEqual(
    [one, other, own].map(({ client }) => isShared(client)),
    [true, true, false],
  );
});
