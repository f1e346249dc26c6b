import assert from 'node:assert/strict';
import { test } from 'node:test';

import { stateAttempt, type AttemptFacts } from '../../../src/report/state/state-due.ts';

const hourMs = 3_600_000;
const noonMs = Date.UTC(2026, 10, 20, 12);
const facts: AttemptFacts = { stateStamp: 's', stateAtMs: noonMs - 2 * hourMs, stateRuns: 3, stateWantedAtMs: null };

const cases: readonly (readonly [string, Partial<Parameters<typeof stateAttempt>[0]>, number | null])[] = [
  ['not while nothing changes', {}, null],
  ['at the first visit', { facts: undefined }, 1],
  ['after attempts that never were', { facts: { ...facts, stateAtMs: null } }, 1],
  ['once a day', { facts: { ...facts, stateAtMs: noonMs - 24 * hourMs } }, 1],
  ['of a clock that has leapt back', { facts: { ...facts, stateAtMs: noonMs + hourMs } }, 4],
  ['after a boot', { booted: true }, 4],
  ['for another stamp', { stamp: 't' }, 4],
  ['for another stamp, twelve times a day at most', { stamp: 't', facts: { ...facts, stateRuns: 12 } }, null],
  [
    'for another stamp, on the next day again',
    { stamp: 't', nowMs: noonMs + 12 * hourMs, facts: { ...facts, stateRuns: 12 } },
    1,
  ],
  ['after a boot, with attempts that a stamp has not', { booted: true, facts: { ...facts, stateRuns: 12 } }, 13],
  ['after a boot, 18 times a day at most', { booted: true, stamp: 't', facts: { ...facts, stateRuns: 18 } }, null],
  [
    'for an alert, with attempts that a stamp has not',
    { stamp: 't', facts: { ...facts, stateRuns: 17, stateWantedAtMs: noonMs - hourMs } },
    18,
  ],
  ['for an alert', { facts: { ...facts, stateWantedAtMs: noonMs - hourMs } }, 4],
  ['for an alert, once', { facts: { ...facts, stateWantedAtMs: noonMs - 3 * hourMs } }, null],
  ['for an alert, once an hour', { facts: { ...facts, stateAtMs: noonMs - 1000, stateWantedAtMs: noonMs } }, null],
  ['never of an agent without a stamp', { stamp: null, booted: true, facts: undefined }, null],
];
for (const [title, more, wanted] of cases) {
  test(`a state report is due ${title}`, () => {
    assert.equal(stateAttempt({ facts, stamp: 's', booted: false, nowMs: noonMs, ...more }), wanted);
  });
}
