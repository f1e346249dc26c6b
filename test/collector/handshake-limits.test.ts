import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createHandshakeLimits } from '../../src/collector/handshake-limits.ts';
import { makeClient, sshSettings } from '../support/fleet.ts';

const config = { perBastion: 10, perSubnet: 32 };
const at = (address: string, port = 22) => makeClient(`${address}:${port}`, { address, port });
const behind = (proxyJump: string) => makeClient('inner', { address: '10.0.0.1', ssh: { ...sshSettings, proxyJump } });

test('one address, whatever its ports, takes fewer logins at a time than sshd allows; a subnet takes perSubnet', () => {
  const limits = createHandshakeLimits(config);
  assert.deepEqual(limits.of(at('192.0.2.1', 2201), false), [
    { key: 'address 192.0.2.1', most: 8 },
    { key: 'subnet 192.0.2', most: 32 },
  ]);
  assert.deepEqual(limits.of(at('192.0.2.1', 2202), false), limits.of(at('192.0.2.1', 2201), false));
  assert.deepEqual(limits.of(at('Web.example.org'), false), [{ key: 'address web.example.org', most: 8 }]);
  assert.deepEqual(createHandshakeLimits({ ...config, perSubnet: 3 }).of(at('192.0.2.1'), false), [
    { key: 'address 192.0.2.1', most: 3 },
    { key: 'subnet 192.0.2', most: 3 },
  ]);
});

test('those that do not answer are counted apart, and with the others stay within ten at an address', () => {
  const limits = createHandshakeLimits(config);
  assert.deepEqual(limits.of(at('192.0.2.1'), true), [
    { key: 'slow address 192.0.2.1', most: 2 },
    { key: 'slow subnet 192.0.2', most: 32 },
  ]);
});

test('behind a bastion its limit alone counts; this machine itself has none', () => {
  const limits = createHandshakeLimits(config);
  assert.deepEqual(limits.of(behind('fra'), false), [{ key: 'bastion fra', most: 10 }]);
  assert.deepEqual(limits.of(behind('root@fra:2222,ber'), false), [
    { key: 'bastion fra', most: 10 },
    { key: 'bastion ber', most: 10 },
  ]);
  assert.deepEqual(limits.of(makeClient('here', { ssh: { ...sshSettings, transport: 'local' } }), false), []);
});

test('a server that turns logins away gets half as many from then on, at least one; others keep theirs', () => {
  const limits = createHandshakeLimits(config);
  const most = (address: string): readonly number[] => limits.of(at(address), false).map((limit) => limit.most);
  limits.lower(at('192.0.2.1'));
  assert.deepEqual(most('192.0.2.1'), [4, 32]);
  assert.deepEqual(most('192.0.2.2'), [8, 32]);
  assert.deepEqual(most('198.51.100.1'), [8, 32]);
  assert.deepEqual(
    limits.of(at('192.0.2.1'), true).map((limit) => limit.most),
    [1, 32],
  );
  for (let drop = 0; drop < 100; drop++) limits.lower(at('192.0.2.1'));
  assert.deepEqual(most('192.0.2.1'), [1, 32]);
  limits.lower(behind('fra'));
  assert.deepEqual(limits.of(behind('fra'), false), [{ key: 'bastion fra', most: 5 }]);
});

test('a bastion that only ssh_config names is the same bastion, and asked for once', () => {
  let asked = 0;
  const limits = createHandshakeLimits(config, () => {
    asked += 1;
    return ['ops@Fra:2222', 'ber'];
  });
  const client = at('10.0.0.1');
  for (let turn = 0; turn < 3; turn += 1) {
    assert.deepEqual(limits.of(client, false), [
      { key: 'bastion fra', most: 10 },
      { key: 'bastion ber', most: 10 },
    ]);
  }
  assert.equal(asked, 1);
  assert.deepEqual(limits.of(behind('fra'), false), [{ key: 'bastion fra', most: 10 }]);
  limits.lower(client);
  assert.deepEqual(limits.of(behind('fra'), false), [{ key: 'bastion fra', most: 5 }]);
});
