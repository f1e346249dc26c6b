import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Limit } from '../../../src/collector/schedule/work-queue.ts';
import { createHandshakeLimits } from '../../../src/collector/schedule/handshake-limits.ts';
import { FleetError } from '../../../src/errors.ts';
import { bastionFailed } from '../../../src/transport/bastions/bastion-failed.ts';
import { makeClient, sshSettings } from '../../support/fleet.ts';

const config = { perBastion: 10, perSubnet: 32 };
const at = (address: string, port = 22) => makeClient(`${address}:${port}`, { address, port });
const behind = (proxyJump: string) => makeClient('inner', { address: '10.0.0.1', ssh: { ...sshSettings, proxyJump } });
const sshdRejection = (client: string) =>
  new FleetError({ code: 'sshd-rejection', stage: 'handshake', client, message: 'sshd turned away the connection' });

test('one address, whatever its ports, takes fewer logins at a time than sshd allows; a subnet takes perSubnet', () => {
  const limits = createHandshakeLimits(config);
  assert.deepEqual(limits.of(at('192.0.2.1', 2201), false), [
    { key: 'address 192.0.2.1', most: 8 },
    { key: 'subnet 192.0.2', most: 32 },
    { key: 'server 192.0.2.1:2201', most: 8 },
  ]);
  assert.deepEqual(
    limits.of(at('192.0.2.1', 2202), false).slice(0, 2),
    limits.of(at('192.0.2.1', 2201), false).slice(0, 2),
  );
  assert.deepEqual(limits.of(at('Web.example.org'), false), [
    { key: 'address web.example.org', most: 8 },
    { key: 'server web.example.org:22', most: 8 },
  ]);
  assert.deepEqual(createHandshakeLimits({ ...config, perSubnet: 3 }).of(at('192.0.2.1'), false), [
    { key: 'address 192.0.2.1', most: 3 },
    { key: 'subnet 192.0.2', most: 3 },
    { key: 'server 192.0.2.1:22', most: 3 },
  ]);
});

test('those that do not answer are counted apart, and with the others stay within ten at an address', () => {
  const limits = createHandshakeLimits(config);
  assert.deepEqual(limits.of(at('192.0.2.1'), true), [
    { key: 'slow address 192.0.2.1', most: 2 },
    { key: 'slow subnet 192.0.2', most: 32 },
    { key: 'slow server 192.0.2.1:22', most: 2 },
  ]);
});

test('behind a bastion its limit counts, and that of the server; this machine itself has none', () => {
  const limits = createHandshakeLimits(config);
  assert.deepEqual(limits.of(behind('fra'), false), [
    { key: 'bastion fra', most: 10 },
    { key: 'server fra 10.0.0.1:22', most: 8 },
  ]);
  assert.deepEqual(limits.of(behind('root@fra:2222,ber'), false), [
    { key: 'bastion fra', most: 10 },
    { key: 'bastion ber', most: 10 },
    { key: 'server fra ber 10.0.0.1:22', most: 8 },
  ]);
  assert.deepEqual(limits.of(makeClient('here', { ssh: { ...sshSettings, transport: 'local' } }), false), []);
});

test('a server that turns logins away gets half as many from then on, at least one; others keep theirs', () => {
  const limits = createHandshakeLimits(config);
  const most = (address: string, port = 22): readonly number[] =>
    limits.of(at(address, port), false).map((limit) => limit.most);
  assert.equal(limits.lower(at('192.0.2.1'), sshdRejection('web')), true);
  assert.deepEqual(most('192.0.2.1'), [8, 32, 4]);
  assert.deepEqual(most('192.0.2.1', 2222), [8, 32, 8], 'another server at that address');
  assert.deepEqual(most('192.0.2.2'), [8, 32, 8]);
  assert.deepEqual(most('198.51.100.1'), [8, 32, 8]);
  assert.deepEqual(
    limits.of(at('192.0.2.1'), true).map((limit) => limit.most),
    [2, 32, 1],
  );
  for (let drop = 0; drop < 100; drop++) limits.lower(at('192.0.2.1'), sshdRejection('web'));
  assert.deepEqual(most('192.0.2.1'), [8, 32, 1]);
});

const bastionsOf = (limits: readonly Limit[]): readonly Limit[] =>
  limits.filter(({ key }) => key.startsWith('bastion '));

test('a client behind a bastion that says so lowers its own number, not the bastion', () => {
  const limits = createHandshakeLimits(config);
  assert.equal(limits.lower(behind('fra'), sshdRejection('inner')), true);
  assert.deepEqual(limits.of(behind('fra'), false), [
    { key: 'bastion fra', most: 10 },
    { key: 'server fra 10.0.0.1:22', most: 4 },
  ]);
  const other = makeClient('other', { address: '10.0.0.2', ssh: { ...sshSettings, proxyJump: 'fra' } });
  assert.deepEqual(limits.of(other, false), [
    { key: 'bastion fra', most: 10 },
    { key: 'server fra 10.0.0.2:22', most: 8 },
  ]);
});

test('a bastion that says so is lowered, and no other on the way', () => {
  const limits = createHandshakeLimits(config);
  assert.equal(limits.lower(behind('ber,Fra'), bastionFailed('Fra', sshdRejection('Fra'))), true);
  assert.deepEqual(bastionsOf(limits.of(behind('ber,fra'), false)), [
    { key: 'bastion ber', most: 10 },
    { key: 'bastion fra', most: 5 },
  ]);
});

test('other faults lower nothing', () => {
  const limits = createHandshakeLimits(config);
  const refused = new FleetError({ code: 'connect-refused', stage: 'connect', message: 'Exceeded MaxStartups' });
  const before = limits.of(behind('fra'), false);
  assert.equal(limits.lower(behind('fra'), refused), false);
  assert.equal(limits.lower(behind('fra'), bastionFailed('fra', refused)), false);
  assert.deepEqual(limits.of(behind('fra'), false), before);
});

test('a bastion that only ssh_config names is the same bastion, and asked for once', () => {
  let asked = 0;
  const limits = createHandshakeLimits(config, () => {
    asked += 1;
    return ['ops@Fra:2222', 'ber'];
  });
  const client = at('10.0.0.1');
  for (let turn = 0; turn < 3; turn += 1) {
    assert.deepEqual(bastionsOf(limits.of(client, false)), [
      { key: 'bastion fra', most: 10 },
      { key: 'bastion ber', most: 10 },
    ]);
  }
  assert.equal(asked, 1);
  assert.deepEqual(bastionsOf(limits.of(behind('fra'), false)), [{ key: 'bastion fra', most: 10 }]);
  limits.lower(client, bastionFailed('Fra', sshdRejection('Fra')));
  assert.deepEqual(bastionsOf(limits.of(behind('fra'), false)), [{ key: 'bastion fra', most: 5 }]);
});
