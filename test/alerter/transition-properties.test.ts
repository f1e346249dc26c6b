import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { isWide } from '../support/long-tests.ts';
import { transitionClient } from './support/transition-client.ts';
import type { SampledRow } from '../../src/alerter/evaluate/sample.ts';
import { sampleReport, sampleVisit } from '../../src/alerter/evaluate/sample-row.ts';
import type { Alert } from '../../src/storage/store/alert.ts';
import { clientWith } from './support/config-of.ts';
import { day, diskRow, failedVisit, reportRow, visitRow } from './support/rows.ts';
import { everyMs, startTransition } from './support/time-line.ts';

const client = clientWith(`
  <alert type="disk" warning="85%" critical="95%" for="1x"/>
  <alert type="cpu" warning="80%" critical="95%" for="15m"/>
  <alert type="memory" limit="90%" for="3x"/>
  <alert name="unreachable" for="2x"/>`);

interface Seed {
  /** The time since the previous row, in fifths of `every`. */
  readonly step: number;
  readonly kind: 'report' | 'ok' | 'fails';
  readonly full: boolean;
  readonly cpu: number | null;
  readonly memory: number | null;
  /** `undefined` if the mount is not listed. */
  readonly disk: number | null | undefined;
  readonly probeErrors: number;
  readonly boot: string;
}

const percent = fc.constantFrom(null, 20, 79, 82, 84, 88, 94, 96, 99);
const seed: fc.Arbitrary<Seed> = fc.record({
  step: fc.constantFrom(0, 1, 5, 5, 5, 5, 5, 5, 10, 13, 40),
  kind: fc.constantFrom('report', 'report', 'report', 'ok', 'fails', 'fails'),
  full: fc.boolean(),
  cpu: percent,
  memory: percent,
  disk: fc.option(percent, { nil: undefined, freq: 6 }),
  probeErrors: fc.constantFrom(0, 0, 0, 1),
  boot: fc.constantFrom('a', 'a', 'a', 'a', 'a', 'b'),
});

function sampledRow(one: Seed, atMs: number, index: number): SampledRow {
  const runId = `run-${index}`;
  if (one.kind !== 'report') {
    const over = { startedAtMs: atMs, runId, full: one.full };
    return sampleVisit({
      client,
      visit: one.kind === 'ok' ? visitRow(over) : failedVisit('connect', 'connect-refused', over),
    });
  }
  const disks = one.disk === undefined ? [] : [diskRow({ mount: '/data', used_percent: one.disk })];
  return sampleReport({
    client,
    row: reportRow({
      observedAtMs: atMs,
      runId,
      reportId: `report-${index}`,
      bootId: one.boot,
      cpu_percent: one.cpu,
      memory_percent: one.memory,
      probe_errors: one.probeErrors,
    }),
    disks: [diskRow(), ...disks],
    networks: null,
    report: null,
  });
}

/** Sorts by time. At the same time a visit precedes a report, as in the alerter. */
function inTime(seeds: readonly Seed[]): readonly SampledRow[] {
  let atMs = day;
  const all = seeds.map((one, index) => {
    atMs += (one.step * everyMs) / 5;
    return sampledRow(one, atMs, index);
  });
  return all.sort((a, b) => a.atMs - b.atMs || Number(a.kind === 'report') - Number(b.kind === 'report'));
}

/** Returns the visible part of a history. Omits alerts that never fired, because a batch makes no rows for them. */
function visible(alerts: readonly Alert[]): readonly unknown[] {
  return alerts
    .filter(({ closedReason }) => closedReason !== 'unconfirmed')
    .map((alert) => ({ ...alert, id: null }))
    .sort((a, b) => a.pendingSinceMs - b.pendingSinceMs || (a.rule + a.subject < b.rule + b.subject ? -1 : 1));
}

function transitionIn(
  batches: readonly (readonly SampledRow[])[],
): ReturnType<ReturnType<typeof startTransition>['notified']> {
  const evaluation = startTransition();
  for (const batch of batches) evaluation.evaluate(client, batch);
  return evaluation.notified();
}

test('rows evaluated one by one, in batches of any size, or all at once give the same', () => {
  fc.assert(
    fc.property(
      fc.array(seed, { minLength: 1, maxLength: 60 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
      (seeds, sizes) => {
        const rows = inTime(seeds);
        const batches: (readonly SampledRow[])[] = [];
        for (let from = 0; from < rows.length; from += batches.at(-1)?.length ?? 1) {
          batches.push(rows.slice(from, from + Number(sizes.next().value)));
        }
        const single = transitionIn(rows.map((row) => [row]));
        for (const other of [transitionIn(batches), transitionIn([rows])]) {
          assert.deepEqual(visible(other.all), visible(single.all));
          assert.deepEqual(other.memory, single.memory);
        }
      },
    ),
    { numRuns: isWide ? 400 : 133 },
  );
});

/** Returns a row without any known value, with the time of another row. */
function unknownRow(atMs: number): SampledRow {
  return sampleReport({
    client,
    row: reportRow({
      observedAtMs: atMs,
      bootId: null,
      cpu_percent: null,
      memory_percent: null,
      swap_percent: null,
      clockOffsetMs: null,
      failed_units: null,
      unresponsive_mounts: null,
      probe_errors: 9,
    }),
    disks: [],
    networks: [],
    report: null,
  });
}

test('rows in which nothing is known never change anything but that the client was reached', () => {
  fc.assert(
    fc.property(fc.array(seed, { maxLength: 40 }), fc.array(fc.nat(39), { maxLength: 10 }), (seeds, places) => {
      const rows = inTime(seeds).filter(({ kind }) => kind === 'report');
      const more = rows.flatMap((row, index) => (places.includes(index) ? [row, unknownRow(row.atMs + 1)] : [row]));
      const [without, withThem] = [transitionIn([rows]), transitionIn([more])];
      assert.deepEqual(visible(withThem.all), visible(without.all));
      assert.deepEqual(withThem.memory?.changes, without.memory?.changes);
    }),
    { numRuns: isWide ? 200 : 66 },
  );
});

test('a report of an unknown boot does not move the alert of a client that boots again and again', () => {
  const booted = { kind: 'report', full: false, cpu: null, memory: null, disk: undefined, probeErrors: 0 } as const;
  const rows = inTime(['a', 'b', 'c', 'd', 'e', 'a'].map((boot) => ({ ...booted, step: 1, boot })));
  const [without, withOne] = [rows, [...rows, unknownRow((rows.at(-1)?.atMs ?? 0) + 1)]].map((all) =>
    visible(transitionIn([all]).all),
  );
  assert.ok(without?.some((alert) => (alert as Alert).rule === 'reboots'));
  assert.deepEqual(withOne, without);
});

test('an alert never moves because of what is said, or not said, of another subject', () => {
  fc.assert(
    fc.property(
      fc.array(seed, { maxLength: 40 }),
      fc.array(percent, { minLength: 40, maxLength: 40 }),
      (seeds, others) => {
        const of = (all: readonly Alert[], rule: string): readonly unknown[] =>
          visible(all.filter((one) => one.rule === rule));
        const first = transitionIn([inTime(seeds)]);
        const second = transitionIn([inTime(seeds.map((one, index) => ({ ...one, memory: others[index] ?? null })))]);
        for (const rule of ['disk', 'cpu', 'unreachable']) assert.deepEqual(of(second.all, rule), of(first.all, rule));
      },
    ),
    { numRuns: isWide ? 200 : 66 },
  );
});

test('rows in any order of arrival never move the present backwards, and all of the past stays past', () => {
  fc.assert(
    fc.property(
      fc
        .array(seed, { maxLength: 40 })
        .chain((seeds) => fc.shuffledSubarray([...inTime(seeds)], { minLength: seeds.length })),
      (arrivals) => {
        const evaluation = startTransition();
        let newestMs = -Infinity;
        for (const row of arrivals) {
          const isLate = row.kind === 'report' && row.atMs < newestMs;
          const before = evaluation.notified();
          evaluation.evaluate(client, [row]);
          const after = evaluation.notified();
          if (row.kind === 'report') newestMs = Math.max(newestMs, row.atMs);
          assert.equal(after.memory?.newestReportMs ?? -Infinity, newestMs);
          if (!isLate) continue;
          assert.deepEqual(after.open, before.open);
          for (const made of after.all.slice(before.all.length)) assert.ok(made.past && made.state === 'resolved');
        }
      },
    ),
    { numRuns: isWide ? 300 : 100 },
  );
});

test('an alert is what its fields say', () => {
  fc.assert(
    fc.property(fc.array(seed, { maxLength: 60 }), (seeds) => {
      for (const one of transitionIn(inTime(seeds).map((row) => [row])).all) {
        assert.equal(one.state === 'resolved', one.resolvedAtMs !== null);
        assert.equal(one.state === 'resolved', one.closedReason !== null);
        if (one.state !== 'resolved') assert.equal(one.state === 'firing', one.firingSinceMs !== null);
        assert.equal(one.closedOut, one.closedReason === 'unconfirmed');
        assert.ok((one.firingSinceMs ?? one.pendingSinceMs) >= one.pendingSinceMs);
        assert.ok((one.resolvedAtMs ?? Infinity) >= (one.firingSinceMs ?? one.pendingSinceMs));
      }
    }),
    { numRuns: isWide ? 200 : 66 },
  );
});

test('evaluation an empty batch changes nothing', () => {
  const result = transitionClient({ rules: client.rules, memory: null, alerts: [], sampledRows: [], everyMs });
  assert.deepEqual(result.alerts, []);
});
