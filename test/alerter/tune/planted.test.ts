// Second tier: one invented fleet, all twenty with FLEET_HEALTH_LONG_TESTS=1. The first tier has small-fleet.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isLong, skipUnlessWide } from '../../support/long-tests.ts';
import { quiets, tuned } from './support/check-fleet.ts';
import { plantFleet } from './support/planted-fleet.ts';

const seeds = Array.from({ length: isLong ? 20 : 1 }, (_, index) => index + 1);

for (const seed of seeds) {
  test(`edits quiet the noise of the planted fleet ${seed}, and lose nothing`, { skip: skipUnlessWide }, (t) =>
    quiets(t, { seed }),
  );
}

test('a fleet without noise gets no proposal', { skip: skipUnlessWide }, async (t) => {
  for (const seed of seeds) {
    const { lines } = await tuned(await plantFleet(t, { seed, noisy: false }));
    assert.deepEqual(
      lines.filter(({ proposal }) => proposal !== null),
      [],
    );
  }
});
