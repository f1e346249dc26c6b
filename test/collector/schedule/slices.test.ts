import assert from 'node:assert/strict';
import { test } from 'node:test';

import { groupBy } from '../../../src/platform/group-by.ts';
import { preferredOwner, sliceOf } from '../../../src/collector/schedule/slices.ts';

const slices = Array.from({ length: 256 }, (_, slice) => slice);
const collectors = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ id: `collector-${name}`, capacity: 2 }));

/** Returns the owner of each slice. */
function owners(seen: Parameters<typeof preferredOwner>[1]): readonly (string | null)[] {
  return slices.map((slice) => preferredOwner(slice, seen));
}

test('a client is always in the same slice, and clients are spread over all', () => {
  // printf web-1 | sha256sum
  assert.equal(sliceOf('web-1'), 0xc4);
  const found = Array.from({ length: 25_600 }, (_, client) => sliceOf(`web-${client}`));
  const counts = [...groupBy(found, (slice) => slice).values()].map(({ length }) => length);
  assert.equal(counts.length, 256);
  assert.ok(Math.min(...counts) > 50 && Math.max(...counts) < 160, `${Math.min(...counts)} to ${Math.max(...counts)}`);
});

test('a collector that comes takes slices for itself alone, and at most a quarter of three others’', () => {
  const before = owners(collectors.slice(0, 3));
  const after = owners(collectors.slice(0, 4));
  const moved = slices.filter((slice) => before[slice] !== after[slice]);
  assert.ok(moved.every((slice) => after[slice] === 'collector-d'));
  assert.ok(moved.length > 40 && moved.length <= 64 + 16, `${moved.length} moved`);
});

test('the slices of one that is gone go to all others, and no other moves', () => {
  const before = owners(collectors);
  const after = owners(collectors.slice(0, 4));
  for (const slice of slices) {
    if (before[slice] !== 'collector-e') assert.equal(after[slice], before[slice]);
  }
  const heirs = new Set(slices.filter((slice) => before[slice] === 'collector-e').map((slice) => after[slice]));
  assert.equal(heirs.size, 4);
});

test('a collector of three times the capacity has about three times the slices', () => {
  const [one, two] = [
    { id: 'small', capacity: 2 },
    { id: 'large', capacity: 6 },
  ];
  const large = owners([one, two]).filter((owner) => owner === 'large').length;
  assert.ok(large > 170 && large < 215, `${large} of 256`);
  assert.equal(preferredOwner(7, []), null);
});
