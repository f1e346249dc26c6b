import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { FleetError } from '../../../src/platform/errors/errors.ts';
import { statePaths } from '../../../src/state-folder/paths.ts';
import { makeClient, makeFleet, storageAway, type Fleet } from '../../support/fleets/fleet.ts';
import { runEnd, runStart } from '../../storage/support/samples.ts';
import { makeInventoriedIn } from '../../support/clients/inventoried.ts';
import type { RunOutcome } from '../../../src/storage/store/run.ts';

const minuteMs = 60_000;
const collectorId = randomUUID();

/**
 * Makes a fleet with a known client, alerter runs and full runs of the collector. `runs` has the start of each alerter
 * run in minutes ago and its outcome, `collects` the starts of the collector's runs. A finished run lasts a minute.
 */
async function fleetWith(runs: string, collects: readonly number[] = [10, 5]): Promise<Fleet> {
  const fleet = makeFleet();
  await makeInventoriedIn(fleet.stateDir, 'web-1');
  const storage = await fleet.openStorage();
  writeFileSync(statePaths(fleet.stateDir).collectorId, `${collectorId}\n`);
  const all = [
    ...Array.from(runs.matchAll(/(-?\d+) (\w+)/g), ([, minutes, outcome]) => {
      const whose = { program: 'alert', collectorId: '' } as const;
      return { ...whose, minutesAgo: Number(minutes), outcome: outcome as RunOutcome };
    }),
    ...collects.map((minutesAgo) => ({ program: 'collect', collectorId, minutesAgo, outcome: 'finished' }) as const),
  ];
  for (const { minutesAgo, outcome, ...whose } of all) {
    const startedAtMs = Date.now() - minutesAgo * minuteMs;
    const start = runStart({ ...whose, startedAtMs });
    if (outcome === 'running') await storage.reports.startRun(start);
    else await storage.reports.endRun(start, runEnd(start, { outcome, finishedAtMs: startedAtMs + minuteMs }));
  }
  await storage.close();
  return fleet;
}

// `every` is five minutes, so an alerter counts as silent after a quarter of an hour.
for (const { what, runs, silent } of [
  { what: 'no alerter ever ran', runs: '', silent: false },
  { what: 'one has just finished', runs: '2 finished', silent: false },
  { what: 'one finished 14 minutes ago', runs: '15 finished', silent: false },
  { what: 'the last one finished 19 minutes ago', runs: '20 finished', silent: true },
  { what: 'they begin and never end', runs: '20 finished, 3 running', silent: true },
  { what: 'they are interrupted', runs: '20 finished, 3 interrupted', silent: true },
  { what: 'one finished, the next has just begun', runs: '5 finished, 1 running', silent: false },
  { what: 'none has ever finished', runs: '200 running', silent: true },
]) {
  test(`${what}: ${silent ? 'exit status 1 and why' : 'all is well'}`, async () => {
    const fleet = await fleetWith(runs);
    const { exitStatus, faults, succeeded } = await fleet.collect([makeClient('web-1')]);
    const codes = faults.map(({ code }) => code);
    assert.equal(succeeded, 1);
    assert.equal(exitStatus, silent ? 1 : 0);
    assert.deepEqual(codes, silent ? ['alerter-silent'] : []);
    const words = /has finished for (19m|a week or more|3h 19m); the newest began at \d{4}-/;
    if (silent) assert.match(faults[0]?.message ?? '', words);
  });
}

test('after a pause of the whole machine the alerter is not silent until three runs went by without it', async () => {
  for (const [collects, silent] of [
    [[], false],
    [[40], false],
    [[5, 0], false],
    [[10, 5], true],
  ] as const) {
    const fleet = await fleetWith('42 finished', collects);
    const { faults } = await fleet.collect([makeClient('web-1')]);
    const codes = faults.map(({ code }) => code);
    assert.deepEqual(codes, silent ? ['alerter-silent'] : [], String(collects));
    if (silent) assert.match(faults[0]?.message ?? '', /has finished for 41m;/);
  }
});

test('a pass of ten years hence, under a clock that was wrong, hides no silence', async () => {
  const tenYears = 10 * 365 * 24 * 60;
  for (const [minutesAgo, codes] of [
    [20, ['alerter-silent']],
    [5, []],
  ] as const) {
    const fleet = await fleetWith(`${-tenYears} finished, ${minutesAgo} finished`);
    const faults = (await fleet.collect([makeClient('web-1')])).faults.map(({ code }) => code);
    assert.deepEqual(faults, codes);
  }
});

test('an alerter that runs is not silent, however wrong the collector’s own clock is', async () => {
  const fleet = await fleetWith('5 finished');
  for (const hours of [3, -3]) {
    const now = (): number => Date.now() + hours * 60 * minuteMs;
    assert.deepEqual((await fleet.collect([makeClient('web-1')], { now })).faults, []);
  }
});

test('after an outage nobody is called silent until the database has answered for three times every', async () => {
  const fleet = await fleetWith('20 finished');
  const away = { openStorage: () => storageAway() };
  assert.equal((await fleet.collect([makeClient('web-1')], away)).exitStatus, 3);
  for (const [minutes, exitStatus] of [
    [0, 0],
    [1, 0],
    [14, 0],
    [16, 1],
  ] as const) {
    const now = (): number => Date.now() + minutes * minuteMs;
    assert.equal((await fleet.collect([makeClient('web-1')], { now })).exitStatus, exitStatus, `${minutes} minutes`);
  }
});

test('only a full run looks', async () => {
  const fleet = await fleetWith('20 finished');
  const some = await fleet.collect([makeClient('web-1')], { only: new Set(['web-1']) });
  assert.equal(some.exitStatus, 0);
  assert.equal((await fleet.collect([makeClient('web-1')])).exitStatus, 1);
});

test('a client that fails beside it is still exit status 1', async () => {
  const fleet = await fleetWith('20 finished');
  const refuse = {
    connect: () => Promise.reject(new FleetError({ code: 'connect-refused', stage: 'connect', message: 'no' })),
  };
  const { exitStatus, failed } = await fleet.collect([makeClient('web-1')], { transportFor: () => refuse });
  assert.deepEqual([exitStatus, failed], [1, 1]);
});
