/** Spans of digests meet, whatever the clock does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { lastOccurrences } from '../../../src/alerter/digest/digest-times.ts';
import { dueDigests, digestStates, type DueDigest } from '../../../src/alerter/digest/due-digests.ts';
import { dayMs, hourMs, minuteMs } from '../../../src/platform/units.ts';
import { isWide } from '../../support/long-tests.ts';
import { configOf } from '../support/config-of.ts';

const zone = 'Europe/Berlin';
const startMs = Date.parse('2026-03-10T12:00Z');

function configFor(days: string, at = '02:30', to = 'ops@example.org'): ReturnType<typeof configOf> {
  return configOf(`<smtp host="mail.example.org" from="fh@example.org"/><alerts zone="${zone}">
    <mail to="ops@example.org"/><digest to="${to}" ${days === '' ? '' : `days="${days}"`} at="${at}"/></alerts>
    <client name="web-1" ip="192.0.2.1" username="u"/>`);
}

/** Returns an alerter whose passes make the digests that are due. */
function alerterOf(config: ReturnType<typeof configOf>): {
  readonly pass: (nowMs: number, changed?: typeof config) => Promise<readonly DueDigest[]>;
  readonly lastMs: (nowMs: number) => Promise<number | null | undefined>;
} {
  const ids = new Set<string>();
  const store = {
    storedMessageIds: (wanted: readonly string[]) => Promise.resolve(new Set(wanted.filter((id) => ids.has(id)))),
  };
  return {
    pass: async (nowMs, changed = config) => {
      const due = await dueDigests(changed, store, nowMs);
      for (const { recipients } of due) for (const { messageId } of recipients) ids.add(messageId);
      return due;
    },
    lastMs: async (nowMs) => (await digestStates(config, store, nowMs))[0]?.lastMs,
  };
}

/** Checks that spans meet, in the order in which the digests are due. */
function assertMeet(made: readonly DueDigest[]): void {
  for (const [index, { sinceMs, untilMs }] of made.entries()) {
    assert.ok(sinceMs < untilMs);
    const next = made[index + 1];
    if (next !== undefined) assert.equal(new Date(next.sinceMs).toISOString(), new Date(untilMs).toISOString());
  }
}

const schedules = fc.constantFrom('', 'mon', 'sun,wed', '1', 'last', 'last sun');
/** The time from one pass to the next: mostly minutes and hours, at times days off. */
const pauses = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 24 * 60 }).map((minutes) => minutes * minuteMs) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 20 }).map((days) => days * dayMs) },
  ),
  { minLength: 20, maxLength: 40 },
);

test('spans meet, however late passes are and however many days are off', async () => {
  await fc.assert(
    fc.asyncProperty(schedules, pauses, async (days, steps) => {
      const { pass, lastMs } = alerterOf(configFor(days));
      const made: DueDigest[] = [];
      let nowMs = startMs;
      for (const step of steps) {
        made.push(...(await pass(nowMs)));
        assert.deepEqual(await pass(nowMs + 1), []);
        assert.equal((await lastMs(nowMs)) ?? undefined, made.at(-1)?.untilMs);
        nowMs += step;
        // Digests reach back 65 days.
        const last = made.at(-1);
        if (last !== undefined && nowMs - last.untilMs > 60 * dayMs) break;
      }
      assertMeet(made);
    }),
    { numRuns: isWide ? 200 : 4 },
  );
});

test('after a leap ahead that was corrected, every digest is made, and the spans of all that follow meet', async () => {
  const leaps = fc.integer({ min: 2, max: 40 });
  const hours = fc.integer({ min: 0, max: 11 });
  await fc.assert(
    fc.asyncProperty(leaps, hours, async (leap, late) => {
      const config = configFor('', '07:00');
      const { pass } = alerterOf(config);
      const [first] = lastOccurrences({ days: [], atMinute: 420 }, zone, startMs, 1);
      const made: DueDigest[] = [];
      for (let day = 0; day < 48; day += 1) {
        const nowMs = (first?.dueMs ?? 0) + day * dayMs + late * hourMs;
        made.push(...(await pass(nowMs)));
        if (day === 5) await pass(nowMs + leap * dayMs);
      }
      assert.equal(made.length, 48);
      assertMeet(made);
    }),
    { numRuns: isWide ? 30 : 1 },
  );
});

test('a clock that goes back makes no digest twice, and the next one begins where the last ended', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 9 * 24 * 60 }), async (minutes) => {
      const { pass } = alerterOf(configFor('', '07:00'));
      const made: DueDigest[] = [];
      for (let day = 0; day < 12; day += 1) made.push(...(await pass(startMs + day * dayMs)));
      assert.deepEqual(await pass(startMs + 11 * dayMs - minutes * minuteMs), []);
      made.push(...(await pass(startMs + 12 * dayMs)));
      assert.equal(made.length, 13);
      assertMeet(made);
    }),
    { numRuns: isWide ? 100 : 3 },
  );
});

test('a digest after forty skipped ones begins where the last one ended', async () => {
  const { pass } = alerterOf(configFor('', '07:00'));
  const [first] = await pass(startMs);
  const [next] = await pass(startMs + 41 * dayMs);
  assert.equal(next?.sinceMs, first?.untilMs);
  assert.equal(next?.missedMs.length, 40);
});

test('a late digest ends at its time, and its recipients who are new have a span of their own', async () => {
  const { pass } = alerterOf(configFor('', '07:00'));
  const atMs = Date.parse('2026-03-10T10:00Z');
  const [late] = await pass(atMs);
  assert.deepEqual([late?.untilMs, late?.madeMs], [late?.lateSinceMs, atMs]);
  const config = configFor('', '07:00', 'ops@example.org,new@example.org');
  const due = await pass(atMs + 3 * dayMs, config);
  assert.deepEqual(
    due.map(({ recipients, sinceMs, untilMs }) => [recipients.map(({ to }) => to), (untilMs - sinceMs) / dayMs]),
    [
      [['ops@example.org'], 3],
      [['new@example.org'], 1],
    ],
  );
});
