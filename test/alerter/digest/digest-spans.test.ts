/** Spans of digests meet, whatever the clock does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { lastOccurrences } from '../../../src/alerter/digest/digest-times.ts';
import { dueDigests, digestStates, type DueDigest } from '../../../src/alerter/digest/due-digests.ts';
import { dayMs, hourMs, minuteMs } from '../../../src/platform/units.ts';
import type { MadeDigest, RunTime } from '../../../src/storage/store/digest-store.ts';
import { isLong, isWide } from '../../support/long-tests.ts';
import { configOf } from '../support/config-of.ts';

const zone = 'Europe/Berlin';
const startMs = Date.parse('2026-03-10T12:00Z');

function configFor(days: string, at = '02:30', to = 'ops@example.org', more = ''): ReturnType<typeof configOf> {
  return configOf(`${more}<smtp host="mail.example.org" from="fh@example.org"/><alerts zone="${zone}">
    <mail to="ops@example.org"/><digest to="${to}" ${days === '' ? '' : `days="${days}"`} at="${at}"/></alerts>
    <client name="web-1" ip="192.0.2.1" username="u"/>`);
}

/** Returns an alerter whose passes make the digests that are due, and a collector whose runs store what they tell. */
function alerterOf(config: ReturnType<typeof configOf>): {
  readonly pass: (nowMs: number, changed?: typeof config) => Promise<readonly DueDigest[]>;
  readonly collect: (atMs: number) => void;
  readonly lastMs: (nowMs: number) => Promise<number | null | undefined>;
} {
  const ids = new Set<string>();
  const mails: MadeDigest[] = [];
  const runs: RunTime[] = [];
  const store = {
    storedMessageIds: (wanted: readonly string[]) => Promise.resolve(new Set(wanted.filter((id) => ids.has(id)))),
    madeDigests: (sinceMs: number) => Promise.resolve(mails.filter(({ digestToMs }) => digestToMs > sinceMs)),
    runTimes: (sinceMs: number, untilMs: number) =>
      Promise.resolve(runs.filter(({ startedAtMs }) => startedAtMs >= sinceMs && startedAtMs < untilMs)),
  };
  return {
    pass: async (nowMs, changed = config) => {
      runs.push({ program: 'alert', startedAtMs: nowMs, finishedAtMs: nowMs });
      const due = await dueDigests(changed, store, nowMs);
      for (const { recipients, digest, sinceMs, untilMs, seenToMs, seenAgainMs } of due) {
        for (const { to, messageId } of recipients) {
          ids.add(messageId);
          const seen = { digestSeenToMs: seenToMs, digestSeenAgainMs: seenAgainMs };
          const span = { ...seen, digestFromMs: sinceMs, digestToMs: untilMs };
          mails.push({ recipient: to, digest: digest.name, ...span, createdAtMs: nowMs });
        }
      }
      return due;
    },
    collect: (atMs) => {
      runs.push({ program: 'collect', startedAtMs: atMs, finishedAtMs: atMs });
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
    { numRuns: isLong ? 200 : isWide ? 50 : 4 },
  );
});

test('after a leap ahead that was corrected, every digest is made, and the spans of all that follow meet', async () => {
  const leaps = fc.integer({ min: 2, max: 40 });
  const hours = fc.integer({ min: 1, max: 11 });
  await fc.assert(
    fc.asyncProperty(leaps, hours, async (leap, atHour) => {
      const { pass } = alerterOf(configFor('', '07:00', 'ops@example.org', '<collector every="1h"/>'));
      const [first] = lastOccurrences({ days: [], atMinute: 420 }, zone, startMs, 1);
      const made: DueDigest[] = [];
      let isFirst = true;
      for (let hour = 0; hour < 48 * 24; hour += 1) {
        const nowMs = (first?.dueMs ?? 0) + hour * hourMs;
        // The clock is wrong for a day: it makes one digest at once, and that of its next day.
        const isWrong = hour > 5 * 24 + atHour && hour <= 6 * 24 + atHour;
        const due = await pass(isWrong ? nowMs + leap * dayMs : nowMs);
        if (!isWrong) made.push(...due);
        // The early digest tells what is stored until then: the one after it begins there.
        else if (isFirst) made.push(...due.map((early) => ({ ...early, untilMs: early.seenToMs })));
        if (isWrong) isFirst &&= due.length === 0;
      }
      assertMeet(made);
      assert.ok(made.length >= 48);
    }),
    { numRuns: isLong ? 30 : isWide ? 10 : 1 },
  );
});

const tickMs = 30 * minuteMs;
const edits = [
  { days: '', at: '07:00', to: 'ops@example.org' },
  { days: '', at: '08:00', to: 'ops@example.org' },
  { days: 'mon', at: '07:00', to: 'ops@example.org' },
  { days: 'sun,wed', at: '02:30', to: 'ops@example.org,new@example.org' },
  { days: '1', at: '23:30', to: 'ops@example.org' },
  { days: '', at: '06:00', to: 'new@example.org' },
].map(({ days, at, to }) => configFor(days, at, to, '<collector every="30m"/>'));

/** An event of a history: work with a right clock, the time off, a clock that is wrong for some time, or an edit. */
const histories = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('work' as const), ticks: fc.integer({ min: 1, max: 120 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('off' as const), ticks: fc.integer({ min: 1, max: 400 }) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('wrong' as const),
        ticks: fc.integer({ min: 1, max: 90 }),
        leap: fc.integer({ min: 2, max: 48 * 40 }),
        isAhead: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('edit' as const), to: fc.nat(edits.length - 1) }) },
  ),
  { minLength: 4, maxLength: 25 },
);

test('whatever the clock and config.xml do, what is stored with a right clock stands in one digest', async () => {
  await fc.assert(
    fc.asyncProperty(histories, async (history) => {
      const told = await toldIn(history);
      assert.deepEqual(
        told.filter(({ count }) => count !== 1),
        [],
      );
    }),
    { numRuns: isLong ? 100 : isWide ? 30 : 3 },
  );
});

/** Lives through a history. Returns how often each fact of a right clock stands in a digest of ops@example.org. */
async function toldIn(
  history: readonly (typeof histories extends fc.Arbitrary<infer Value> ? Value : never)[number][],
): Promise<readonly { readonly at: string; readonly count: number }[]> {
  let [trueMs, config] = [startMs, edits[0] ?? configFor('')];
  const { pass, collect } = alerterOf(config);
  const facts: { readonly atMs: number; readonly isRight: boolean; count: number }[] = [];
  let [beginMs, endMs] = [Infinity, 0];
  const tick = async (offMs: number): Promise<void> => {
    trueMs += tickMs;
    const nowMs = trueMs + offMs;
    const atMs = nowMs - minuteMs;
    collect(atMs);
    facts.push({ atMs, isRight: offMs === 0, count: 0 });
    for (const { recipients, sinceMs, untilMs } of await pass(nowMs, config)) {
      if (!recipients.some(({ to }) => to === 'ops@example.org')) continue;
      for (const fact of facts) if (fact.atMs >= sinceMs && fact.atMs < untilMs) fact.count += 1;
      beginMs = Math.min(beginMs, sinceMs);
      if (offMs === 0) endMs = Math.max(endMs, untilMs);
    }
  };
  const work = async (ticks: number, offMs = 0): Promise<void> => {
    for (let count = 0; count < ticks; count += 1) await tick(offMs);
  };
  await work(60);
  // A clock that goes back into the time off looks like one that was ahead.
  let [sinceOff, hasBeenAhead] = [60, false];
  for (const event of history) {
    if (trueMs > startMs + 50 * dayMs) break;
    if (event.kind === 'edit') config = edits[event.to] ?? config;
    else if (event.kind === 'off') {
      trueMs += event.ticks * tickMs;
      sinceOff = 0;
    } else if (event.kind === 'work') {
      await work(event.ticks);
      sinceOff += event.ticks;
    } else if (!event.isAhead || !hasBeenAhead) {
      // A clock that is ahead again, or for long, may hide the break among the runs.
      hasBeenAhead ||= event.isAhead;
      const ticks = Math.min(event.ticks, event.isAhead ? Math.min(event.leap - 1, 20) : sinceOff);
      await work(ticks, tickMs * (event.isAhead ? event.leap : -Math.min(event.leap, sinceOff)));
      // A day with a right clock, in which a digest is due, shows that the clock was ahead.
      await work(event.isAhead ? 60 : 8);
      sinceOff = 0;
    }
  }
  config = edits[0] ?? config;
  await work(48 * 3);
  return facts
    .filter(({ isRight, atMs }) => isRight && atMs >= beginMs && atMs < endMs)
    .map(({ atMs, count }) => ({ at: new Date(atMs).toISOString(), count }));
}

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
    { numRuns: isLong ? 100 : isWide ? 30 : 3 },
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
