/** Reminders while the clock is set back and forth. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { isWide } from '../../support/long-tests.ts';

import { followToldAhead, toldAtMs } from '../../../src/alerter/dispatch/told-ahead.ts';
import { startDispatch } from '../support/dispatch-world.ts';
import { at } from '../support/rows.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const everyMs = 10 * minuteMs;
const repeatMs = 4 * hourMs;

/** The numbers of passes, and the hours by which the clock leaps after them. */
const leaps = fc.array(
  fc.record({
    passes: fc.integer({ min: 1, max: 20 }),
    hours: fc.oneof(fc.integer({ min: -30, max: 30 }), fc.integer({ min: -20_000, max: 20_000 })),
  }),
  { minLength: 1, maxLength: 6 },
);

/** Returns the real times in milliseconds at which a critical alert that fires all the time is mailed. */
function mailedMs(steps: readonly { readonly passes: number; readonly hours: number }[]): {
  readonly mails: readonly number[];
  readonly untilMs: number;
} {
  const world = startDispatch(`<collector every="10m"/><alerts repeat="4h"><mail to="ops@example.org"/>
    <alert type="disk" limit="95%"/></alerts><client name="web-1" ip="192.0.2.1" username="u"/>`);
  const beginMs = at('08:00');
  world.fires('web-1 disk /');
  let [realMs, aheadMs] = [0, 0];
  const mails: number[] = [];
  const pass = (): void => {
    world.at(beginMs + realMs + aheadMs).row('web-1');
    if (world.pass().length > 0) mails.push(realMs);
    realMs += everyMs;
  };
  for (const { passes, hours } of steps) {
    for (let index = 0; index < passes; index++) pass();
    aheadMs += hours * hourMs;
  }
  for (let index = 0; index < (3 * repeatMs) / everyMs; index++) pass();
  return { mails, untilMs: realMs };
}

test('a leap of the clock causes one reminder at most, none once it was set back, and keeps none away', () => {
  fc.assert(
    fc.property(leaps, (steps) => {
      const { mails, untilMs } = mailedMs(steps);
      const [first, ...reminders] = mails;
      assert.equal(first, 0);
      // A reminder may be early by half of `every`. A leap ahead looks like an alerter that stood still.
      const inTime = untilMs / (repeatMs - everyMs / 2);
      const back = steps.findIndex(({ hours }) => hours < 0);
      const ahead = steps.slice(0, back < 0 ? steps.length : back).filter(({ hours }) => hours > 0);
      assert.ok(
        reminders.length <= inTime + ahead.length,
        `${reminders.length} reminders in ${untilMs / hourMs} hours`,
      );
      const pauses = [...reminders, untilMs].map((ms, index) => ms - (mails[index] ?? 0));
      assert.ok(
        pauses.every((ms) => ms <= 2 * repeatMs + everyMs),
        `pauses of ${pauses.map((ms) => ms / hourMs).join(', ')} hours`,
      );
    }),
    { numRuns: isWide ? 25 : 8 },
  );
});

for (const [what, steps, hours] of [
  ['no leap', [], [0, 4, 8]],
  ['three hours back after an hour', [{ passes: 6, hours: -3 }], [0, 5, 9]],
  ['a year back after an hour', [{ passes: 6, hours: -8760 }], [0, 5, 9]],
  [
    'a year ahead for an hour',
    [
      { passes: 6, hours: 8760 },
      { passes: 6, hours: -8760 },
    ],
    [0, 1, 6, 10],
  ],
  [
    'back and back again',
    [
      { passes: 6, hours: -100 },
      { passes: 6, hours: -8760 },
    ],
    [0, 5, 9],
  ],
  [
    'back and ahead again',
    [
      { passes: 6, hours: -100 },
      { passes: 6, hours: 100 },
    ],
    [0, 5, 9],
  ],
] satisfies readonly (readonly [string, Parameters<typeof mailedMs>[0], readonly number[]])[]) {
  test(`an alert is mailed about each repeat, whatever the clock does: ${what}`, () => {
    const { mails } = mailedMs(steps);
    assert.deepEqual(mails.map((ms) => Math.round(ms / hourMs)).slice(0, hours.length), hours);
  });
}

const told = (...times: readonly number[]) => times.map((notifiedAtMs) => ({ state: 'firing' as const, notifiedAtMs }));
const now = at('08:00');
const pass = { nowMs: now, everyMs };

test('nothing is counted while nothing lies further ahead than clocks differ, or what does is over', () => {
  assert.equal(followToldAhead(null, told(now - hourMs, now, now + 5 * minuteMs), pass), null);
  assert.equal(followToldAhead(null, [{ state: 'resolved', notifiedAtMs: now + hourMs }], pass), null);
  const known = { atMs: now - everyMs, stepMs: null, times: [[now + hourMs, 0]] as const };
  assert.equal(followToldAhead(known, [], pass), null);
});

test('once the clock was set back, all times are counted by passes, the newest thousand', () => {
  const begun = followToldAhead(null, told(now - hourMs, now + hourMs), pass);
  assert.deepEqual(begun?.times, [
    [now + hourMs, 0],
    [now - hourMs, hourMs],
  ]);
  const next = { ...pass, nowMs: now + everyMs };
  const counted = followToldAhead(begun, told(now - hourMs, now + hourMs), next);
  assert.deepEqual(counted?.times, [
    [now + hourMs, everyMs],
    [now - hourMs, hourMs + everyMs],
  ]);
  assert.equal(toldAtMs({ notifiedAtMs: now + hourMs }, { toldAhead: counted, nowMs: next.nowMs }), now);
  const many = Array.from({ length: 1200 }, (_, index) => now - index * minuteMs);
  assert.equal(followToldAhead(null, told(now + hourMs, ...many), pass)?.times.length, 1000);
});
