import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { subnetOf, visitOrder, type Placed } from '../../../src/collector/schedule/order.ts';
import { assertWithin } from '../../support/within.ts';

function rack(group: string, subnet: string, count: number): Placed[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `${group}-${subnet}-${index}`,
    address: `${subnet}.${index + 1}`,
    groups: [group],
  }));
}

/** Returns the largest number of members of one kind among `width` neighbours. */
function crowd(order: readonly Placed[], width: number, kindOf: (client: Placed) => string): number {
  let most = 0;
  for (let start = 0; start + width <= order.length; start++) {
    const kinds = order.slice(start, start + width).map(kindOf);
    for (const kind of new Set(kinds)) most = Math.max(most, kinds.filter((other) => other === kind).length);
  }
  return most;
}

const groupOf = (client: Placed): string => client.groups.join('/');
const subnetKey = (client: Placed): string => subnetOf(client.address) ?? client.name;

const fleets: readonly {
  readonly what: string;
  readonly clients: readonly Placed[];
  readonly width: number;
  readonly most: number;
}[] = [
  {
    what: 'two equal groups alternate',
    clients: [...rack('a', '10.0.0', 50), ...rack('b', '10.0.1', 50)],
    width: 10,
    most: 6,
  },
  {
    what: 'ten groups of ten',
    clients: Array.from({ length: 10 }, (_, n) => rack(`g${n}`, `10.0.${n}`, 10)).flat(),
    width: 10,
    most: 3,
  },
  {
    what: 'a small group among a large one',
    clients: [...rack('big', '10.0.0', 90), ...rack('small', '10.0.1', 10)],
    width: 10,
    most: 10,
  },
  { what: 'one group', clients: rack('a', '10.0.0', 20), width: 10, most: 10 },
];

for (const { what, clients, width, most } of fleets) {
  test(`no group comes all at once: ${what}`, () => {
    for (const turn of [0, 1, 2, 17, 5_000_000]) {
      const order = visitOrder(clients, turn);
      const together = crowd(order, width, groupOf);
      assert.ok(together <= most, `${together} of one group in a row of ${width}`);
    }
  });
}

test('inside a group the subnets are spread', () => {
  const clients = [...rack('a', '10.0.0', 30), ...rack('a', '10.0.1', 30), ...rack('a', '10.0.2', 30)];
  assert.ok(crowd(visitOrder(clients, 3), 9, subnetKey) <= 4);
});

test('a small group is not all at the start or the end', () => {
  const clients = [...rack('big', '10.0.0', 90), ...rack('small', '10.0.1', 3)];
  for (let turn = 0; turn < 20; turn++) {
    const places = visitOrder(clients, turn).flatMap((client, place) => (client.groups[0] === 'small' ? [place] : []));
    assert.ok((places.at(-1) ?? 0) - (places[0] ?? 0) > 50, String(places));
  }
});

test('the first and the last change from run to run', () => {
  const clients = [...rack('a', '10.0.0', 20), ...rack('b', '10.0.1', 20)];
  const orders = Array.from({ length: 20 }, (_, turn) => visitOrder(clients, turn));
  assert.ok(new Set(orders.map((order) => order[0]?.name)).size > 5);
  assert.ok(new Set(orders.map((order) => order.at(-1)?.name)).size > 5);
});

test('every client comes exactly once, in the same order for the same turn', () => {
  const client = fc.record({
    name: fc.string(),
    address: fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()),
    groups: fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 2 }),
  });
  fc.assert(
    fc.property(fc.uniqueArray(client, { selector: ({ name }) => name }), fc.nat(), (clients, turn) => {
      const order = visitOrder(clients, turn);
      assert.deepEqual(order.map(({ name }) => name).toSorted(), clients.map(({ name }) => name).toSorted());
      assert.deepEqual(visitOrder(clients, turn), order);
    }),
  );
});

test('fifty thousand clients are put in order in less than a second', () => {
  const clients = Array.from({ length: 500 }, (_, n) => rack(`g${n % 50}`, `10.${n >> 8}.${n & 255}`, 100)).flat();
  const started = performance.now();
  assert.equal(visitOrder(clients, 1).length, 50_000);
  assertWithin(started, 1000);
});

const subnets: readonly (readonly [string, string | null])[] = [
  ['192.0.2.10', '192.0.2'],
  ['192.0.20.1', '192.0.20'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::', '2001:db8:1:2'],
  ['2001:DB8:0001:2::9', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['web-1.example.org', null],
  ['300.1.1.1', null],
];

for (const [address, expected] of subnets) {
  test(`the subnet of ${address} is ${expected ?? 'unknown'}`, () => {
    assert.equal(subnetOf(address), expected);
  });
}

test('groups of one subnet alternate, and each name is a subnet of its own', () => {
  const one = [...rack('a', '10.0.0', 20), ...rack('b', '10.0.0', 20)];
  assert.ok(crowd(visitOrder(one, 1), 10, groupOf) <= 6);
  const named = Array.from({ length: 30 }, (_, index) => ({
    name: `n${index}`,
    address: `n${index}.example.org`,
    groups: [],
  }));
  const order = (turn: number): readonly number[] => visitOrder(named, turn).map((client) => named.indexOf(client));
  const follows = order(1).filter((place, at, all) => place === ((all[at - 1] ?? -9) + 1) % named.length).length;
  assert.ok(follows < 10, `${follows} of 30 follow the one before`);
});

test('the subnet of an IPv6 address is its first four parts, whatever is left out', () => {
  assert.equal(subnetOf('1::2:3:4:5:6:7'), '1:0:2:3');
  assert.equal(subnetOf('::2:3:4:5:6:7'), '0:0:2:3');
  assert.equal(subnetOf('1:02:3:4::'), '1:2:3:4');
});
