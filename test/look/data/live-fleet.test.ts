import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import type { FleetMember } from '../../../src/look/data/fleet-member.ts';
import { fleetPart } from '../../../src/look/data/live-fleet.ts';
import { stateCounts } from '../../../src/look/page/state-counts.ts';

import { wholeFleet as everything } from '../../../src/look/page/live/links.ts';

test('the live page counts each client once, as a report does, and the link of a count shows these clients', () => {
  const client = fc.record({
    state: fc.constantFrom('ok', 'failing', 'late', 'new', 'paused', 'retired'),
    worstAlert: fc.constantFrom('critical', 'warning', null),
  });
  fc.assert(
    fc.property(fc.array(client), (all) => {
      const members = all as unknown as readonly FleetMember[];
      const { counts } = fleetPart(members, everything);
      assert.deepEqual(counts, stateCounts(members.map(({ state, worstAlert }) => ({ state, worst: worstAlert }))));
      assert.equal(
        counts.reduce((sum, { clients }) => sum + clients, 0),
        members.length,
      );
      for (const { state, clients } of counts) {
        assert.equal(fleetPart(members, { ...everything, state }).matching.length, clients, state);
      }
    }),
  );
});
