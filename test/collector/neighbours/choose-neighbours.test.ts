/** The clients that are asked about a lost one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createChooser, maxPairs, type Placed } from '../../../src/collector/neighbours/choose-neighbours.ts';
import type { Client } from '../../../src/config/config.ts';
import { times } from '../../support/times.ts';
import { neighbour } from './support/lost.ts';

const placed = (name: string, address: string, more: Partial<Client> = {}): Placed => ({
  client: neighbour(name, { address, ...more }),
  dialled: { address, port: 22 },
});

/** Returns the names of those that are asked about a lost client, or the reason why none is. */
function askedAbout(
  lost: Placed,
  reached: readonly Placed[],
  { behind = {}, restricted = [] }: { behind?: Record<string, string>; restricted?: readonly string[] } = {},
): readonly string[] | string {
  const choose = createChooser({
    reached,
    chainOf: ({ name }) => (behind[name] === undefined ? [] : [behind[name]]),
    isRestricted: ({ name }) => restricted.includes(name),
  });
  const asked = choose(lost);
  return typeof asked === 'string' ? asked : asked.clients.map(({ name }) => name);
}

const lost = placed('db-1', '192.0.2.1', { groups: ['site', 'db'] });
const near = [placed('db-4', '192.0.2.4'), placed('db-3', '192.0.2.3'), placed('db-2', '192.0.2.2')];
const far = [
  placed('a-1', '198.51.100.1', { groups: ['site', 'db'] }),
  placed('a-2', '198.51.100.2', { groups: ['site'] }),
  placed('a-3', '198.51.100.3', { groups: ['site', 'db'] }),
];

test('two of the subnet are asked, by name, and others of the innermost group if there are fewer', () => {
  assert.deepEqual(askedAbout(lost, [...far, ...near]), ['db-2', 'db-3']);
  assert.deepEqual(askedAbout(lost, [...far, ...near.slice(0, 1)]), ['db-4', 'a-1']);
  assert.deepEqual(askedAbout(lost, far), ['a-1', 'a-3']);
  assert.equal(askedAbout(lost, far.slice(1, 2)), 'nobody');
  assert.equal(askedAbout(placed('x', '203.0.113.1'), [...near, ...far]), 'nobody');
});

test('how many of those that are asked are of the subnet is known', () => {
  const choose = createChooser({
    reached: [...far, ...near.slice(0, 1)],
    chainOf: () => [],
    isRestricted: () => false,
  });
  const asked = choose(lost);
  assert.deepEqual(typeof asked === 'string' ? asked : [asked.clients.length, asked.near], [2, 1]);
});

test('IPv6 clients are beside each other in a /64', () => {
  const six = placed('six', '2001:db8:0:7::1');
  const others = [placed('b', '2001:db8:0:7:ffff::2'), placed('c', '2001:db8:0:8::2')];
  assert.deepEqual(askedAbout(six, others), ['b']);
});

test('clients that may not be asked are left out', () => {
  const [two, three] = [placed('db-2', '192.0.2.2'), placed('db-3', '192.0.2.3')];
  const leftOut: readonly Placed[] = [
    placed('off', '192.0.2.5', { neighbours: false }),
    placed('ssh', '192.0.2.6', { arrival: { kind: 'ssh', via: 'openssh' } }),
    placed('http', '192.0.2.7', { arrival: { kind: 'asked', url: 'http://x/' } }),
    placed('same', '192.0.2.1'),
  ];
  assert.equal(askedAbout(lost, leftOut), 'nobody');
  assert.deepEqual(askedAbout(lost, [...leftOut, three]), ['db-3']);
  assert.deepEqual(askedAbout(lost, [two, three], { behind: { 'db-2': 'fra' } }), ['db-3']);
  assert.deepEqual(askedAbout(lost, [two, three], { behind: { 'db-1': 'fra', 'db-2': 'fra' } }), ['db-2']);
  assert.deepEqual(askedAbout(lost, [two, three], { restricted: ['db-2'] }), ['db-3']);
  assert.equal(askedAbout(lost, [two, three], { restricted: ['db-2', 'db-3'] }), 'restricted');
});

test('the same two are asked until they have enough to do', () => {
  const asked = new Map<string, number>();
  const choose = createChooser({ reached: near, chainOf: () => [], isRestricted: () => false });
  const found = times(17, (at) => choose(placed(`x-${at}`, `192.0.2.${100 + at}`)));
  for (const one of found.flatMap((names) => (typeof names === 'string' ? [] : names.clients)))
    asked.set(one.name, (asked.get(one.name) ?? 0) + 1);
  assert.deepEqual(Object.fromEntries(asked), { 'db-2': maxPairs, 'db-3': maxPairs, 'db-4': maxPairs });
  assert.deepEqual(found[16], 'many');
});
