/** When a digest is late, and when it is omitted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { digestMessageId, digestStates, dueDigests } from '../../../src/alerter/digest/due-digests.ts';
import type { MadeDigest } from '../../../src/storage/store/digest-store.ts';
import { digestConfig } from '../support/digest-samples.ts';
import { at } from '../support/rows.ts';

/** The digest of Friday, 11:00 in Berlin. */
const dueMs = at('10:00');
const minuteMs = 60_000;

const bounds: readonly (readonly [afterMs: number, outcome: 'not due' | 'made' | 'late'])[] = [
  [-1, 'not due'],
  [0, 'made'],
  [10 * minuteMs, 'made'],
  [10 * minuteMs + 1, 'late'],
  [720 * minuteMs, 'late'],
  [720 * minuteMs + 1, 'not due'],
];
for (const [afterMs, outcome] of bounds) {
  test(`${afterMs} ms after its time a digest is ${outcome}`, async () => {
    const store = {
      storedMessageIds: () => Promise.resolve(new Set<string>()),
      madeDigests: () => Promise.resolve([]),
      runTimes: () => Promise.resolve([]),
    };
    const due = await dueDigests(digestConfig, store, dueMs + afterMs);
    const found = due.map(({ lateSinceMs }) => (lateSinceMs === null ? 'made' : 'late'));
    assert.deepEqual(found, outcome === 'not due' ? [] : [outcome]);
    if (outcome === 'late') assert.equal(due[0]?.lateSinceMs, dueMs);
  });
}

const day = 24 * 60 * minuteMs;
const [digest] = digestConfig.digests;
assert.ok(digest);
type Run = Awaited<ReturnType<Parameters<typeof dueDigests>[1]['runTimes']>>[number];
const runAt = (startedAtMs: number, over: Partial<Run> = {}): Run => ({
  ...{ program: 'alert', startedAtMs, finishedAtMs: startedAtMs + 1000 },
  ...over,
});

/** Returns what is due a minute after the time of the digest, with the runs of the database. */
function due(runs: readonly Run[], config = digestConfig, nowMs = dueMs + minuteMs) {
  const within = (afterMs: number, beforeMs: number): readonly Run[] =>
    runs.filter(({ startedAtMs }) => startedAtMs >= afterMs && startedAtMs < beforeMs);
  return dueDigests(
    config,
    {
      storedMessageIds: () => Promise.resolve(new Set<string>()),
      madeDigests: () => Promise.resolve([]),
      runTimes: (afterMs, beforeMs) => Promise.resolve(within(afterMs, beforeMs)),
    },
    nowMs,
  );
}

test('a first digest begins at the time before its own, and is for all of its recipients at once', async () => {
  const [first, ...others] = await due([], {
    ...digestConfig,
    digests: [{ ...digest, to: ['ops@example.org', 'kim@example.org'] }],
  });
  assert.deepEqual(others, []);
  assert.deepEqual([first?.sinceMs, first?.untilMs, first?.madeMs], [dueMs - 7 * day, dueMs, dueMs + minuteMs]);
  assert.deepEqual(
    first?.recipients.map(({ to }) => to),
    ['ops@example.org', 'kim@example.org'],
  );
  assert.deepEqual(first.missedMs, []);
  assert.notEqual(first.recipients[0]?.messageId, first.recipients[1]?.messageId);
});

test('a digest waits five minutes at most for a collector that runs since before its time', async () => {
  const running = runAt(dueMs - minuteMs, { program: 'collect', finishedAtMs: null });
  const count = async (run: Run, afterMs: number): Promise<number> =>
    (await due([run], digestConfig, dueMs + afterMs)).length;
  assert.equal(await count(running, 0), 0);
  assert.equal(await count(running, 5 * minuteMs), 0);
  assert.equal(await count(running, 5 * minuteMs + 1), 1);
  assert.equal(await count({ ...running, finishedAtMs: dueMs }, 0), 1);
  assert.equal(await count({ ...running, program: 'alert' }, 0), 1);
  assert.equal(await count({ ...running, startedAtMs: dueMs }, 0), 1);
});

test('a Message-ID is that of a recipient, name, date, and of the span that follows another', () => {
  const of = (over: { name?: string; to?: string; date?: string; sinceMs?: number | null } = {}): string => {
    const { name = 'weekly', to = 'ops@example.org', date = '2026-11-20', sinceMs = null } = over;
    return digestMessageId(digestConfig, { name }, to, { date }, sinceMs);
  };
  assert.match(of(), /^<[0-9a-f]{32}@example\.org>$/);
  assert.equal(of(), of());
  const others = [{ name: 'daily' }, { to: 'kim@example.org' }, { date: '2026-11-27' }, { sinceMs: 0 }, { sinceMs: 1 }];
  assert.equal(new Set([of(), ...others.map(of)]).size, 6);
});

test('the last pause in which nothing ran for twice as long as usual is known', async () => {
  const every = (fromMs: number, toMs: number): readonly Run[] =>
    Array.from({ length: Math.ceil((toMs - fromMs) / (5 * minuteMs)) }, (_, index) =>
      runAt(fromMs + index * 5 * minuteMs),
    );
  const seen = async (runs: readonly Run[]) => {
    const [one] = await due(runs);
    return [one?.seenToMs, one?.seenAgainMs].map((atMs) => (dueMs - (atMs ?? 0)) / minuteMs);
  };
  const whole = every(dueMs - 15 * day, dueMs);
  assert.deepEqual(await seen(whole), [0, 0]);
  const broken = whole.filter(
    ({ startedAtMs: atMs }) => atMs < dueMs - 120 * minuteMs || atMs >= dueMs - 60 * minuteMs,
  );
  const [to, again] = await seen(broken);
  assert.deepEqual([Math.ceil(to ?? 0), again], [125, 60]);
  assert.deepEqual((await seen(whole.filter(({ startedAtMs }) => startedAtMs < dueMs - 30 * minuteMs)))[1], 0);
});

test('each digest has its last and its next time', async () => {
  const made = { recipient: 'ops@example.org', digest: digest.name, digestFromMs: dueMs - 14 * day };
  const times = { digestToMs: dueMs - 7 * day, digestSeenToMs: dueMs - 7 * day, digestSeenAgainMs: dueMs - 7 * day };
  const states = (own: readonly (typeof made)[]) =>
    digestStates(
      digestConfig,
      {
        madeDigests: () => Promise.resolve(own.map((one) => ({ ...one, ...times, createdAtMs: dueMs - 7 * day }))),
        runTimes: () => Promise.resolve([]),
      },
      dueMs - minuteMs,
    );
  assert.deepEqual(await states([]), [{ digest, lastMs: null, nextMs: dueMs }]);
  assert.deepEqual(await states([made]), [{ digest, lastMs: dueMs - 7 * day, nextMs: dueMs }]);
  assert.deepEqual(await states([{ ...made, recipient: 'kim@example.org' }]), [
    { digest, lastMs: null, nextMs: dueMs },
  ]);
});

/** Returns the digests that are due a minute after the time of one, two weeks after the last one was made. */
const dueAfter = (over: Partial<MadeDigest>, runs: readonly Run[] = [], config = digestConfig) => {
  const lastMs = dueMs - 14 * day;
  const made: MadeDigest = {
    ...{ recipient: 'ops@example.org', digest: digest.name, createdAtMs: lastMs, digestFromMs: lastMs - 7 * day },
    ...{ digestToMs: lastMs, digestSeenToMs: lastMs, digestSeenAgainMs: lastMs },
    ...over,
  };
  const within = (afterMs: number, beforeMs: number): readonly Run[] =>
    runs.filter(({ startedAtMs }) => startedAtMs >= afterMs && startedAtMs < beforeMs);
  const store = {
    storedMessageIds: () => Promise.resolve(new Set<string>()),
    madeDigests: () => Promise.resolve([made]),
    runTimes: (afterMs: number, beforeMs: number) => Promise.resolve(within(afterMs, beforeMs)),
  };
  return dueDigests(config, store, dueMs + minuteMs);
};

const skippedMs = dueMs - 7 * day;
/** Runs within twelve hours of the digest of the week before, which was never made. */
const missing: readonly (readonly [what: string, runs: readonly Run[], isMissed: boolean])[] = [
  ['nothing ran', [], true],
  ['the alerter ran at its time', [runAt(skippedMs)], false],
  ['the alerter ran twelve hours later', [runAt(skippedMs + 720 * minuteMs)], false],
  ['the alerter ran only later than that', [runAt(skippedMs + 720 * minuteMs + 1)], true],
  ['the alerter ran only before it', [runAt(skippedMs - 1)], true],
  ['only a collector ran', [runAt(skippedMs, { program: 'collect' })], true],
];
for (const [what, runs, isMissed] of missing) {
  test(`an earlier digest ${isMissed ? 'could not be made' : 'had nothing to tell'} if ${what}`, async () => {
    const [found] = await dueAfter({}, runs);
    assert.deepEqual([found?.sinceMs, found?.missedMs], [dueMs - 14 * day, isMissed ? [skippedMs] : []]);
  });
}

test('a digest follows the last one of its name, and of a name that config.xml has no more', async () => {
  const sinceOf = async (over: Partial<MadeDigest>, config = digestConfig): Promise<number> =>
    (dueMs - ((await dueAfter(over, [], config))[0]?.sinceMs ?? 0)) / day;
  assert.equal(await sinceOf({ digest: 'removed' }), 14);
  const both = {
    ...digestConfig,
    digests: [digest, { ...digest, name: 'other', to: ['ops@example.org'], days: ['1'] }],
  };
  assert.equal(await sinceOf({ digest: 'other' }, both), 7);
  assert.equal(await sinceOf({ recipient: 'kim@example.org' }), 7);
});

test('a digest that was made, or told of the time before it already, is not due', async () => {
  const times = { digestFromMs: skippedMs, digestToMs: dueMs, digestSeenToMs: dueMs, digestSeenAgainMs: dueMs };
  assert.deepEqual(await dueAfter(times), []);
  assert.deepEqual(await dueAfter({ ...times, digestToMs: dueMs + 1 }), []);
  assert.equal((await dueAfter({ ...times, digestToMs: dueMs - 1 })).length, 1);
});
