import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clientBatches, type BatchSource } from '../../../src/collector/run/client-batches.ts';
import { endOf } from '../../../src/collector/run/collect-result.ts';
import type { FleetError } from '../../../src/platform/errors/errors.ts';
import { makeClient, makeFleet } from '../../support/fleets/fleet.ts';

const none = { clients: 0, succeeded: 0, failures: [], heldBack: 0, unreached: 0, endedEarly: false };

test('a run whose keys are not those of its site has failed: `collector-silent` is to tell of it', async () => {
  const faults: FleetError[] = [];
  const other = { id: 'two', site: 'fra', host: 'hq-2', keyId: 'k2', capacity: 2, seenAtMs: 1 };
  const run = {
    config: { collector: { sharedSite: 'fra', everyMs: 60_000, runDeadlineMs: 48_000 } },
    start: { id: 'run', collectorId: 'one', host: 'hq-1', startedAtMs: 0 },
    ...{
      keyRing: { sealing: { id: 'k1' }, known: { has: (key: string) => key === 'k1' } },
      dryRun: false,
      only: null,
      now: () => 7,
    },
  } as unknown as BatchSource['run'];
  const shares = { nowMs: () => Promise.resolve(0), collectors: () => Promise.resolve([other]) };
  const source = {
    run,
    shares: shares as unknown as BatchSource['shares'],
    onFault: (one: FleetError) => faults.push(one),
  };
  const batches = clientBatches(source, {
    watched: [makeClient('web-1')],
    ...{ claimed: () => undefined, hasReached: () => false, signal: new AbortController().signal },
  });
  assert.equal(batches.isRefused, false);
  assert.equal(await batches.next(), null);
  assert.deepEqual(
    faults.map(({ code }) => code),
    ['keys-invalid'],
  );
  const visited = { ...none, isRefused: batches.isRefused, interrupted: false };
  assert.equal(endOf(run, visited).outcome, 'failed');
  assert.equal(endOf(run, { ...visited, isRefused: false }).outcome, 'finished');
});

test('a collector of a shared fleet says that nothing is left to visit, if that is so', async (t) => {
  const storage = await makeFleet().openStorage();
  t.after(() => storage.close());
  const notes: unknown[] = [];
  const run = {
    config: { collector: { sharedSite: 'fra', everyMs: 3_600_000, runDeadlineMs: 3_000_000 } },
    start: { id: 'run', collectorId: 'one', host: 'hq-1', startedAtMs: 0 },
    ...{ keyRing: { sealing: { id: 'k1' }, known: { has: () => true } }, dryRun: false, only: null, now: () => 7 },
    observe: (event: unknown) => notes.push(event),
  } as unknown as BatchSource['run'];
  const visit = async (signal = new AbortController().signal): Promise<readonly string[]> => {
    const { next } = clientBatches(
      { run, shares: storage.shares, onFault: assert.fail },
      {
        watched: [makeClient('web-1', { labels: { site: 'fra' } })],
        ...{ claimed: () => undefined, hasReached: () => true, signal },
      },
    );
    const visited: string[] = [];
    for (let batch = await next(); batch !== null; batch = await next()) visited.push(...batch.map(({ name }) => name));
    return visited;
  };
  assert.deepEqual({ visited: await visit(), notes: notes.length }, { visited: ['web-1'], notes: 0 });
  assert.deepEqual({ visited: await visit(), notes: notes.length }, { visited: [], notes: 1 });
  assert.deepEqual({ visited: await visit(AbortSignal.abort()), notes: notes.length }, { visited: [], notes: 1 });
});

interface Given {
  readonly site?: string | null;
  readonly only?: ReadonlySet<string>;
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
  readonly isAway?: boolean;
}

/** Returns the clients that a collector visits, and its notes, where the database has no slice for it. */
async function visitedBy({ site = 'fra', only, dryRun = false, signal, isAway = false }: Given) {
  const notes: unknown[] = [];
  const took: number[] = [];
  const run = {
    config: { collector: { sharedSite: site, everyMs: 3_600_000, runDeadlineMs: 3_000_000 } },
    start: { id: 'run', collectorId: 'one', host: 'hq-1', startedAtMs: 100 },
    ...{ keyRing: { sealing: { id: 'k1' }, known: { has: () => true } }, dryRun, only: only ?? null, now: () => 107 },
    observe: (event: unknown) => notes.push(event),
  } as unknown as BatchSource['run'];
  const shares = {
    ...{ nowMs: () => Promise.resolve(0), collectors: () => Promise.resolve([]), slices: () => Promise.resolve([]) },
    join: (_: unknown, __: unknown, sinceStartMs: () => number) => {
      took.push(sinceStartMs());
      return Promise.reject(new Error('away'));
    },
  };
  const faults: string[] = [];
  const { next } = clientBatches(
    { run, shares: isAway ? null : (shares as never), onFault: ({ message }) => faults.push(message) },
    {
      watched: [
        makeClient('here', { labels: { site: 'fra' } }),
        makeClient('far', { labels: { site: 'ams' } }),
        makeClient('bare'),
      ],
      ...{ claimed: () => undefined, hasReached: () => true, signal: signal ?? new AbortController().signal },
    },
  );
  const visited: string[] = [];
  for (let batch = await next(); batch !== null; batch = await next()) visited.push(...batch.map(({ name }) => name));
  return { visited, notes, took, faults };
}

const nobody: readonly string[] = [];
const given: readonly (readonly [what: string, given: Given, visited: readonly string[], faults: readonly string[]])[] =
  [
    ['of no shared fleet visits all of its clients', { site: null }, ['here', 'far', 'bare'], nobody],
    ['that is asked for clients visits them', { only: new Set(['far']) }, ['here', 'far', 'bare'], nobody],
    ['in a dry run visits those of its site, and claims none', { dryRun: true }, ['here', 'bare'], nobody],
    ['whose database is away visits none', { isAway: true }, nobody, nobody],
    ['whose database goes away visits none', {}, nobody, ['away']],
  ];
for (const [what, options, visited, faults] of given) {
  test(`a collector ${what}`, async () => {
    const found = await visitedBy(options);
    assert.deepEqual([found.visited, found.faults, found.notes], [visited, faults, []]);
    assert.deepEqual(found.took, faults.length === 0 ? [] : [7], 'the time since the run began');
  });
}
