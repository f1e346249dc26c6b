import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Client } from '../../../src/config/config.ts';
import { createHandshakeLimits } from '../../../src/collector/schedule/handshake-limits.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import { bastionFailed } from '../../../src/transport/bastions/bastion-failed.ts';
import { makeClient, sshSettings } from '../../support/fleets/fleet.ts';
import { pluck } from '../../support/pluck.ts';

const config = { perBastion: 10, perSubnet: 32 };
type Limits = ReturnType<typeof createHandshakeLimits>;
const limitsOf = (limits: Limits, client: Client, slow = false) =>
  limits.of(client, slow).map(({ key, most }) => `${key}: ${most}`);
const lineOf = (...args: Parameters<typeof limitsOf>) => limitsOf(...args).join(', ');
const at = (address: string, port = 22) => makeClient(`${address}:${port}`, { address, port });
const behind = (proxyJump: string) => makeClient('inner', { address: '10.0.0.1', ssh: { ...sshSettings, proxyJump } });
const sshdRejection = (client: string) =>
  new FleetError({ code: 'sshd-rejection', stage: 'handshake', client, message: 'sshd turned away the connection' });

test('one address, whatever its ports, takes fewer logins at a time than sshd allows; a subnet takes perSubnet', () => {
  const limits = createHandshakeLimits(config);
  const own = 'address 192.0.2.1: 8, subnet 192.0.2: 32, server 192.0.2.1:2201: 8';
  assert.equal(lineOf(limits, at('192.0.2.1', 2201)), own);
  const [first, second] = [2201, 2202].map((port) => limitsOf(limits, at('192.0.2.1', port)).slice(0, 2));
  assert.deepEqual(first, second);
  const named = lineOf(limits, at('Web.example.org'));
  assert.equal(named, 'address web.example.org: 8, server web.example.org:22: 8');
  const few = createHandshakeLimits({ ...config, perSubnet: 3 });
  assert.equal(lineOf(few, at('192.0.2.1')), 'address 192.0.2.1: 3, subnet 192.0.2: 3, server 192.0.2.1:22: 3');
});

test('those that do not answer are counted apart, and with the others stay within ten at an address', () => {
  const limits = createHandshakeLimits(config);
  const slow = ['slow address 192.0.2.1: 2', 'slow subnet 192.0.2: 32', 'slow server 192.0.2.1:22: 2'];
  assert.deepEqual(limitsOf(limits, at('192.0.2.1'), true), slow);
});

test('behind a bastion its limit counts, and that of the server; this machine itself has none', () => {
  const limits = createHandshakeLimits(config);
  assert.deepEqual(limitsOf(limits, behind('fra')), ['bastion fra: 10', 'server fra 10.0.0.1:22: 8']);
  const two = ['bastion fra: 10', 'bastion ber: 10', 'server fra ber 10.0.0.1:22: 8'];
  assert.deepEqual(limitsOf(limits, behind('root@fra:2222,ber')), two);
  assert.deepEqual(limitsOf(limits, makeClient('here', { arrival: { kind: 'local' } })), []);
});

test('a server that turns logins away gets half as many from then on, at least one; others keep theirs', () => {
  const limits = createHandshakeLimits(config);
  const most = (address: string, port = 22) => pluck(limits.of(at(address, port), false), 'most');
  assert.equal(limits.lower(at('192.0.2.1'), sshdRejection('web')), true);
  assert.deepEqual(most('192.0.2.1'), [8, 32, 4]);
  assert.deepEqual(most('192.0.2.1', 2222), [8, 32, 8], 'another server at that address');
  assert.deepEqual(most('192.0.2.2'), [8, 32, 8]);
  assert.deepEqual(most('198.51.100.1'), [8, 32, 8]);
  const slow = ['slow address 192.0.2.1: 2', 'slow subnet 192.0.2: 32', 'slow server 192.0.2.1:22: 1'];
  assert.deepEqual(limitsOf(limits, at('192.0.2.1'), true), slow);
  for (let drop = 0; drop < 100; drop++) limits.lower(at('192.0.2.1'), sshdRejection('web'));
  assert.deepEqual(most('192.0.2.1'), [8, 32, 1]);
});

const bastionsOf = (limits: readonly string[]) => limits.filter((limit) => limit.startsWith('bastion '));

test('a client behind a bastion that says so lowers its own number, not the bastion', () => {
  const limits = createHandshakeLimits(config);
  assert.equal(limits.lower(behind('fra'), sshdRejection('inner')), true);
  assert.deepEqual(limitsOf(limits, behind('fra')), ['bastion fra: 10', 'server fra 10.0.0.1:22: 4']);
  const other = makeClient('other', { address: '10.0.0.2', ssh: { ...sshSettings, proxyJump: 'fra' } });
  assert.deepEqual(limitsOf(limits, other), ['bastion fra: 10', 'server fra 10.0.0.2:22: 8']);
});

test('a bastion that says so is lowered, and no other on the way', () => {
  const limits = createHandshakeLimits(config);
  assert.equal(limits.lower(behind('ber,Fra'), bastionFailed('Fra', sshdRejection('Fra'))), true);
  assert.deepEqual(bastionsOf(limitsOf(limits, behind('ber,fra'))), ['bastion ber: 10', 'bastion fra: 5']);
});

test('other faults lower nothing', () => {
  const limits = createHandshakeLimits(config);
  const refused = new FleetError({ code: 'connect-refused', stage: 'connect', message: 'Exceeded MaxStartups' });
  const before = limitsOf(limits, behind('fra'));
  assert.equal(limits.lower(behind('fra'), refused), false);
  assert.equal(limits.lower(behind('fra'), bastionFailed('fra', refused)), false);
  assert.deepEqual(limitsOf(limits, behind('fra')), before);
});

test('a bastion that only ssh_config names is the same bastion, and asked for once', () => {
  let asked = 0;
  const limits = createHandshakeLimits(config, () => {
    asked += 1;
    return ['ops@Fra:2222', 'ber'];
  });
  const client = at('10.0.0.1');
  for (let turn = 0; turn < 3; turn += 1) {
    assert.deepEqual(bastionsOf(limitsOf(limits, client)), ['bastion fra: 10', 'bastion ber: 10']);
  }
  assert.equal(asked, 1);
  assert.deepEqual(bastionsOf(limitsOf(limits, behind('fra'))), ['bastion fra: 10']);
  limits.lower(client, bastionFailed('Fra', sshdRejection('Fra')));
  assert.deepEqual(bastionsOf(limitsOf(limits, behind('fra'))), ['bastion fra: 5']);
});

test('an address counts once, however it is written, and so does a bastion', () => {
  const limits = createHandshakeLimits(config);
  const odd = limitsOf(limits, at('2001:DB8:0:0::7'));
  assert.deepEqual(odd, limitsOf(limits, at('2001:db8::7')));
  assert.deepEqual(odd[0], 'address 2001:db8::7: 8');
  assert.deepEqual(limitsOf(limits, behind('2001:DB8::0:1')), limitsOf(limits, behind('2001:db8::1')));
});

test('a fault that only has a rejection as its cause lowers nothing, unless it is that of a bastion', () => {
  const limits = createHandshakeLimits(config);
  const cause = sshdRejection('web');
  const fault = new FleetError({ code: 'connect-failed', stage: 'connect', message: 'no', cause });
  assert.equal(limits.lower(at('192.0.2.1'), fault), false);
});
