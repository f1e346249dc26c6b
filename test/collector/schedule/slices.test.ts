import assert from 'node:assert/strict';
import { test } from 'node:test';

import { groupBy } from '../../../src/platform/group-by.ts';
import { preferredOwners, sliceOf } from '../../../src/collector/schedule/slices.ts';

const slices = Array.from({ length: 256 }, (_, slice) => slice);
const collectors = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ id: `collector-${name}`, capacity: 2 }));

/** Returns the owner of each slice. */
function owners(seen: Parameters<typeof preferredOwners>[0]): readonly (string | undefined)[] {
  const found = preferredOwners(seen);
  return slices.map((slice) => found.get(slice));
}

test('a client is always in the same slice, and clients are spread over all', () => {
  // printf web-1 | sha256sum
  assert.equal(sliceOf('web-1'), 0xc4);
  const found = Array.from({ length: 25_600 }, (_, client) => sliceOf(`web-${client}`));
  const counts = [...groupBy(found, (slice) => slice).values()].map(({ length }) => length);
  assert.equal(counts.length, 256);
  assert.ok(Math.min(...counts) > 50 && Math.max(...counts) < 160, `${Math.min(...counts)} to ${Math.max(...counts)}`);
});

/** Sets of five collectors, with ids as different as any. */
const sets = Array.from({ length: 40 }, (_, set) =>
  collectors.map(({ id, capacity }) => ({ id: `${id}-${set}`, capacity })),
);

test('no collector has more than its part, rounded up, however many there are', () => {
  for (const set of sets) {
    for (const count of [1, 2, 3, 4, 5]) {
      const counts = [...groupBy(owners(set.slice(0, count)), (owner) => owner).values()].map(({ length }) => length);
      assert.equal(counts.length, count);
      assert.ok(Math.max(...counts) <= Math.ceil(256 / count), counts.join(' '));
    }
  }
});

test('a fourth collector takes a quarter of the slices, and some five others move beside these', () => {
  const others: number[] = [];
  for (const set of sets) {
    const before = owners(set.slice(0, 3));
    const after = owners(set.slice(0, 4));
    const moved = slices.filter((slice) => before[slice] !== after[slice]);
    const taken = moved.filter((slice) => after[slice] === set[3]?.id).length;
    assert.equal(taken, 64);
    others.push(moved.length - taken);
  }
  const mean = others.reduce((sum, count) => sum + count, 0) / others.length;
  assert.ok(mean < 8 && Math.max(...others) < 24, `${mean} among the others, ${Math.max(...others)} at most`);
});

test('the slices of one that is gone go to all others', () => {
  for (const set of sets) {
    const before = owners(set);
    const after = owners(set.slice(0, 4));
    const heirs = slices.filter((slice) => before[slice] === set[4]?.id).map((slice) => after[slice]);
    assert.equal(new Set(heirs).size, 4);
    const others = slices.filter((slice) => before[slice] !== set[4]?.id && before[slice] !== after[slice]).length;
    assert.ok(others < 24, `${others} others moved`);
  }
});

test('a collector of three times the capacity has about three times the slices', () => {
  const [one, two] = [
    { id: 'small', capacity: 2 },
    { id: 'large', capacity: 6 },
  ];
  const large = owners([one, two]).filter((owner) => owner === 'large').length;
  assert.ok(large > 170 && large < 215, `${large} of 256`);
  assert.equal(preferredOwners([]).size, 0);
});
