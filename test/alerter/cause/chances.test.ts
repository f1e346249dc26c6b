import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { chanceWithin, combined, fisherGreater } from '../../../src/alerter/cause/chances.ts';

const near = (found: number, wanted: number): void =>
  assert.ok(Math.abs(found - wanted) <= wanted * 1e-3, `${found} is not ${wanted}`);

test("the exact test gives R's published values", () => {
  // fisher.test(TeaTasting, alternative = "greater"): p-value = 0.2429.
  near(fisherGreater({ having: 3, all: 4 }, { having: 1, all: 4 }), 0.242857);
  // fisher.test(Convictions, alternative = "less"): p-value = 0.0004652, seen from the other row.
  near(fisherGreater({ having: 10, all: 13 }, { having: 2, all: 17 }), 0.0004652);
  near(fisherGreater({ having: 1, all: 1 }, { having: 0, all: 79 }), 1 / 80);
  near(fisherGreater({ having: 6, all: 6 }, { having: 0, all: 74 }), 3.3276e-9);
});

test('what all members have, or what nobody compares, is certain by chance', () => {
  for (const [failing, others] of [
    [6, 74],
    [3, 0],
    [1, 0],
  ] as const) {
    near(fisherGreater({ having: failing, all: failing }, { having: others, all: others }), 1);
  }
});

test('no share gives anything but a probability, and more that have it among the failing is less likely', () => {
  const share = fc.integer({ min: 1, max: 40 });
  fc.assert(
    fc.property(share, share, fc.nat(40), fc.nat(40), (failing, others, a, b) => {
      const [having, alike] = [Math.min(a, failing), Math.min(b, others)];
      const p = fisherGreater({ having, all: failing }, { having: alike, all: others });
      assert.ok(p > 0 && p <= 1, String(p));
      if (having === 0) near(p, 1);
      if (having === 0 || alike === others) return;
      const less = fisherGreater({ having: having - 1, all: failing }, { having: alike + 1, all: others });
      assert.ok(less >= p * (1 - 1e-9), `${less} is below ${p}`);
    }),
  );
});

test('two probabilities are combined by the method of Fisher', () => {
  near(combined(0.05, 0.1), 0.031492);
  assert.deepEqual([combined(1, 1), combined(0, 0.5)], [1, 0]);
  near(chanceWithin(2, 0.5), 0.632121);
});
