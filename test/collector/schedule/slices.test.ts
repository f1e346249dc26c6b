import assert from 'node:assert/strict';
import { test } from 'node:test';

import { visit } from '../../storage/support/samples.ts';
import { isLong, isWide } from '../../support/long-tests.ts';
import { groupBy } from '../../../src/platform/group-by.ts';
import { jitterFraction } from '../../../src/platform/jitter.ts';
import { preferredOwners, sliceOf, withEpoch } from '../../../src/collector/schedule/slices.ts';

const slices = Array.from({ length: 256 }, (_, slice) => slice);
const collectors = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ id: `collector-${name}`, capacity: 2 }));

type Collectors = Parameters<typeof preferredOwners>[0];

/** Returns the owner of each slice. `holders` has the last holder of each slice. */
function owners(seen: Collectors, holders: readonly string[] = []): readonly string[] {
  const held = slices.map((slice) => ({ slice, holder: holders[slice] ?? '' }));
  const found = preferredOwners(seen, held);
  return slices.map((slice) => found.get(slice) ?? '');
}

const countsOf = (owned: readonly string[]): readonly number[] =>
  [...groupBy(owned, (owner) => owner).values()].map(({ length }) => length);

test('a client is always in the same slice, and clients are spread over all', () => {
  // printf web-1 | sha256sum
  assert.equal(sliceOf('web-1'), 0xc4);
  const found = Array.from({ length: 25_600 }, (_, client) => sliceOf(`web-${client}`));
  const counts = [...groupBy(found, (slice) => slice).values()].map(({ length }) => length);
  assert.equal(counts.length, 256);
  assert.ok(Math.min(...counts) > 50 && Math.max(...counts) < 160, `${Math.min(...counts)} to ${Math.max(...counts)}`);
});

/** Sets of five collectors. The ids differ between the sets. */
const sets = Array.from({ length: isLong ? 40 : isWide ? 16 : 8 }, (_, set) =>
  collectors.map(({ id, capacity }) => ({ id: `${id}-${set}`, capacity })),
);

test('no collector has more than its part, rounded up, however many there are', () => {
  for (const set of sets) {
    for (const count of [1, 2, 3, 4, 5]) {
      const counts = countsOf(owners(set.slice(0, count)));
      assert.equal(counts.length, count);
      assert.ok(Math.max(...counts) <= Math.ceil(256 / count), counts.join(' '));
    }
  }
});

test('a fourth collector moves a quarter of the slices, all of them to itself', () => {
  for (const set of sets) {
    const before = owners(set.slice(0, 3));
    const after = owners(set.slice(0, 4), before);
    const moved = slices.filter((slice) => before[slice] !== after[slice]);
    assert.deepEqual([moved.length, new Set(moved.map((slice) => after[slice]))], [64, new Set([set[3]?.id])]);
  }
});

test('the slices of one that is gone go to all others, and when it is back it has as many again', () => {
  for (const set of sets) {
    const before = owners(set);
    const after = owners(set.slice(0, 4), before);
    const moved = slices.filter((slice) => before[slice] !== after[slice]);
    assert.deepEqual(new Set(moved.map((slice) => before[slice])), new Set([set[4]?.id]));
    assert.equal(new Set(moved.map((slice) => after[slice])).size, 4);
    const back = owners(set, after);
    assert.ok(Math.min(...countsOf(back)) >= 48 && Math.max(...countsOf(back)) <= 52, countsOf(back).join(' '));
  }
});

test('collectors agree, however many slices were claimed when each of them looks', () => {
  for (const [number, set] of sets.entries()) {
    const before = owners(set.slice(0, 3));
    const wanted = owners(set, before);
    const claimed = slices.filter((slice) => jitterFraction(`${number} ${slice}`) < number / sets.length);
    const seen = before.map((holder, slice) => (claimed.includes(slice) ? (wanted[slice] ?? '') : holder));
    assert.deepEqual(owners(set, seen), wanted);
  }
});

test('a collector of three times the capacity has about three times the slices', () => {
  const [one, two] = [
    { id: 'small', capacity: 2 },
    { id: 'large', capacity: 6 },
  ];
  const large = owners([one, two]).filter((owner) => owner === 'large').length;
  assert.ok(large > 170 && large < 215, `${large} of 256`);
  assert.equal(preferredOwners([], []).size, 0);
});

test('a visit has the epoch of its slice, if the slice was claimed', () => {
  const of = visit({ client: 'web-1' });
  assert.equal(withEpoch(of, new Map()), of);
  assert.equal(withEpoch(of, new Map([[sliceOf('web-1') ^ 1, 7]])), of);
  assert.deepEqual(withEpoch(of, new Map([[sliceOf('web-1'), 7]])), { ...of, epoch: 7 });
});

test('a collector of no known capacity has the part of one', () => {
  const counts = groupBy(
    owners([
      { id: 'a', capacity: 0 },
      { id: 'b', capacity: 1 },
    ]),
    (owner) => owner,
  );
  assert.deepEqual([counts.get('a')?.length, counts.get('b')?.length], [128, 128]);
});
