import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { openSource } from '../../../agent/live/live-source.ts';
import { collect, runProbes } from '../../../agent/probes/collect.ts';
import type { CollectOptions, Counters } from '../../../agent/probes/collected.ts';
import type { Probe, ProbeContext, ProbeResult } from '../../../agent/probes/probe.ts';
import { encodeReport } from '../../../src/report/encode-report.ts';
import { metricOf, metrics } from '../../../src/report/metrics.ts';
import { parseReport } from '../../../src/report/parse-report.ts';
import type { WorkerReport } from '../../../src/report/report.ts';
import { reportWith } from '../../report/support/sample-report.ts';
import { boxRoot } from './fixture-context.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { assertWithin } from '../../support/within.ts';

function options(given: Partial<CollectOptions> = {}): CollectOptions {
  const standard = {
    source: openSource(''),
    options: {},
    previous: null,
    bootId: 'b',
    monotonicMs: 1e6,
    deadlineMs: 5000,
  };
  return { ...standard, ...given };
}

function previous(values: Record<string, number>, elapsedMs: number, bootId = 'b') {
  return { bootId, monotonicMs: 1e6 - elapsedMs, values };
}

const counting: Probe = {
  name: 'counting',
  deadlineMs: 1000,
  rates: 'rates',
  run: (context) => counted(context, 7),
};

function counted({ earlier, noRates }: ProbeContext, counters: number): ProbeResult {
  const since = earlier === null ? null : Number(earlier.counters);
  const row = { since, ms: earlier?.elapsedMs ?? null, why: earlier === null ? noRates : '' };
  return { functions: [{ name: 'x', data: [row] }], counters };
}

function rowOf(reports: readonly WorkerReport[], name: string) {
  return reports.find((one) => one.name === name)?.function_reports[0]?.data[0];
}

test('an agent that has more than its usual time shares it with the probes', async () => {
  const left = async (deadlineMs: number): Promise<number> => {
    let leftMs = 0;
    const probe: Probe = {
      name: 'slow',
      deadlineMs: 1000,
      run: (context) => {
        leftMs = context.leftMs();
        return { functions: [] };
      },
    };
    await runProbes(options({ deadlineMs }), [probe]);
    return Math.ceil(leftMs / 1000);
  };
  assert.deepEqual([await left(5000), await left(14_500), await left(119_500)], [1, 1, 9]);
});

test('probes that throw, reject, hang or lie leave the reports of the others alone', async () => {
  const good: Probe = { name: 'good', deadlineMs: 1000, run: () => ({ functions: [{ name: 'g', data: [{ v: 1 }] }] }) };
  const probes: readonly Probe[] = [
    { name: 'hangs', deadlineMs: 100, run: () => new Promise(() => undefined) },
    {
      name: 'throws',
      deadlineMs: 1000,
      run: () => {
        throw new Error('no\nway');
      },
    },
    { name: 'rejects', deadlineMs: 1000, run: () => Promise.reject(new Error('not today')) },
    { name: 'partial', deadlineMs: 1000, run: () => ({ functions: [{ name: 'p', data: [] }], error: 'half' }) },
    good,
  ];
  const { workerReports, counters } = await runProbes(options(), probes);
  assert.deepEqual(
    workerReports.map(({ name, error }) => [name, error]),
    [
      ['hangs', 'no answer within 100 ms'],
      ['throws', 'no\ufffdway'],
      ['rejects', 'not today'],
      ['partial', 'half'],
      ['good', null],
    ],
  );
  assert.deepEqual(rowOf(workerReports, 'good'), { v: 1 });
  assert.equal(workerReports[3]?.function_reports.length, 1);
  assert.equal(counters, null);
});

test('the interval of a recorded machine ends when it was recorded, however long the probes take', async () => {
  const slow: Probe = {
    name: 'slow',
    deadlineMs: 1000,
    run: () => {
      for (const endsAt = performance.now() + 20; performance.now() < endsAt;);
      return { functions: [] };
    },
  };
  const given = options({ previous: previous({ counting: 3 }, 60_000), isRecorded: true });
  const { workerReports, counters } = await runProbes(given, [slow, counting]);
  assert.equal(rowOf(workerReports, 'counting')?.['ms'], 60_000);
  assert.equal(counters?.monotonicMs, 1e6);
});

test('rates since the previous visit of this boot, without waiting', async () => {
  const begun = performance.now();
  const earlier = previous({ counting: 3 }, 60_000);
  const { workerReports, counters } = await runProbes(options({ previous: earlier }), [counting]);
  const row = rowOf(workerReports, 'counting');
  assert.equal(row?.['since'], 3);
  const passedMs = Number(row['ms']) - 60_000;
  assert.ok(passedMs > -2 && passedMs < performance.now() - begun + 2, `${passedMs} ms passed`);
  assertWithin(begun, 900);
  assert.equal(counters?.bootId, 'b');
  assert.deepEqual(counters.values, { counting: 7 });
  assert.ok(Math.abs(counters.monotonicMs - 1e6) < 200);
});

test('at once where no probe waits: no promise, for a promise and its deadline cost a visit half a millisecond', () => {
  const given = options({ previous: previous({ counting: 3 }, 60_000) });
  assert.ok(!(runProbes(given, [counting]) instanceof Promise));
  const waiting: Probe = { name: 'waits', deadlineMs: 1000, run: () => Promise.resolve({ functions: [] }) };
  assert.ok(runProbes(given, [counting, waiting]) instanceof Promise);
});

const tooSoon = 'less than 10 s since the previous visit';
for (const { what, given, reason } of [
  { what: 'no previous visit', given: {}, reason: 'first visit' },
  { what: 'another boot', given: { previous: previous({ counting: 3 }, 60_000, 'a') }, reason: 'first visit' },
  { what: 'a clock that went backwards', given: { previous: previous({ counting: 3 }, -5) }, reason: 'first visit' },
  {
    what: 'a visit two days ago',
    given: { previous: previous({ counting: 3 }, 48 * 3_600_000) },
    reason: 'first visit',
  },
  { what: 'a visit a moment ago', given: { previous: previous({ counting: 3 }, 100) }, reason: tooSoon },
  { what: 'a visit 9.9 s ago', given: { previous: previous({ counting: 3 }, 9900) }, reason: tooSoon },
] as const) {
  test(`${what}: no rate, with the reason, and at once`, async () => {
    const { workerReports, counters } = await runProbes(options(given), [counting]);
    const row = rowOf(workerReports, 'counting');
    assert.deepEqual([row?.['since'], row?.['why']], [null, reason]);
    if (reason === 'first visit') assert.deepEqual(counters?.values, { counting: 7 });
    else assert.deepEqual(counters, given.previous, 'counters that are too young wait for the next visit');
  });
}

test('a visit within 10 s of the last one uses the counters before', async () => {
  let kept: Counters | null = null;
  const intervals: unknown[] = [];
  for (let monotonicMs = 1e6; monotonicMs < 1e6 + 30_000; monotonicMs += 5010) {
    const { workerReports, counters } = await runProbes(options({ previous: kept, monotonicMs }), [counting]);
    const { ms } = rowOf(workerReports, 'counting') ?? {};
    intervals.push(ms === null ? null : Math.round(Number(ms) / 1000));
    kept = counters;
  }
  assert.deepEqual(intervals, [null, null, 10, 15, 10, 15]);
});

test('without earlier counters the counters are read twice, and the figures say their interval', async () => {
  let reads = 0;
  const rising: Probe = { ...counting, run: (context) => counted(context, ++reads) };
  const events: Probe = { ...rising, name: 'events', rates: 'events' };
  const slow: Probe = { ...rising, name: 'slow', run: async (context) => rising.run(context) };
  const given = options({ secondReadingMs: 50 });
  const { workerReports, counters } = await runProbes(given, [rising, slow, events]);
  const row = rowOf(workerReports, 'counting');
  assert.equal(row?.['since'], 1);
  assert.ok(Number(row['ms']) >= 49, String(row['ms']));
  assert.equal(rowOf(workerReports, 'slow')?.['since'], 2);
  assert.equal(rowOf(workerReports, 'events')?.['why'], 'first visit');
  assert.ok((counters?.monotonicMs ?? 0) >= given.monotonicMs + 49);
  const again = options({ secondReadingMs: 50, previous: counters, monotonicMs: 1e6 + 60_000 });
  const next = await runProbes(again, [rising, events]);
  assert.ok(Number(rowOf(next.workerReports, 'counting')?.['ms']) > 59_000);
  assert.equal(rowOf(next.workerReports, 'events')?.['since'], 6);
});

test('a probe whose counters were not kept says so; the others have theirs', async () => {
  const { workerReports } = await runProbes(options({ previous: previous({ other: 1 }, 60_000) }), [counting]);
  assert.equal(rowOf(workerReports, 'counting')?.['since'], null);
});

test('no time: every probe says so, at once', async () => {
  const { workerReports } = await runProbes(options({ deadlineMs: 50 }), [counting]);
  assert.equal(workerReports[0]?.error, 'no time left');
});

/** Families that list findings. Without findings a family has no row. */
const maybeEmpty = new Set(['process_cpu', 'failed_unit', 'temperature', 'disk_io']);

for (const box of ['', 'vm', 'container', 'container-v1', 'alpine', 'storage', 'ancient', 'metal']) {
  test(`what is read on ${box === '' ? 'this machine' : box} is a report that parses, of listed metrics`, async (t) => {
    const placeDir = tempFolder(t);
    const root = box === '' ? '' : boxRoot(box);
    const asked = { units: ['sshd'], processes: ['node'], mounts: ['/dev/shm'] };
    const { workerReports } = await collect(options({ source: openSource(root, placeDir), options: asked }));
    const report = reportWith(...workerReports);
    assert.deepEqual(parseReport(encodeReport(report)), report);
    for (const worker of workerReports) {
      for (const { name, data, unknown = [] } of worker.function_reports) {
        if (!maybeEmpty.has(name))
          assert.ok(data.length > 0 || worker.error !== null || name === 'process_memory', name);
        data.forEach((row, index) => {
          for (const [field, value] of Object.entries(row)) {
            if (typeof value === 'string') {
              assert.ok(
                metrics.some(({ family, labels }) => family === name && labels.includes(field)),
                `${name}.${field}`,
              );
              continue;
            }
            const metric = metricOf(name, field);
            assert.ok(metric, `${name}_${field}`);
            if (value !== null)
              assert.ok(value >= metric.minimum && value <= metric.maximum, `${name}_${field} ${value}`);
            const isNotified = unknown.some((entry) => entry.field === field && (entry.row ?? index) === index);
            assert.equal(isNotified, value === null, `${name}_${field} and its reason`);
          }
        });
      }
    }
  });
}

test('this machine: a second visit has rates, and nothing fails', async () => {
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const first = await collect(options({ bootId }));
  const counters = JSON.parse(JSON.stringify(first.counters)) as typeof first.counters;
  const monotonicMs = (counters?.monotonicMs ?? 0) + 15_000;
  const { workerReports } = await collect(options({ bootId, previous: counters, monotonicMs }));
  const failed = workerReports.filter(({ error }) => error !== null);
  assert.deepEqual(failed, []);
  assert.notEqual(rowOf(workerReports, 'network')?.['rx_bytes_per_s'], null);
});
