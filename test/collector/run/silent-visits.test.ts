/** Which clients that push are silent, at the limits; silent-clients.test.ts has whole runs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { CollectorRun } from '../../../src/collector/collect-options.ts';
import { silentVisits } from '../../../src/collector/run/silent-clients.ts';
import type { SpooledReport } from '../../../src/collector/sealed-reports/sealed-names.ts';
import type { Client } from '../../../src/config/config.ts';
import { minuteMs } from '../../../src/platform/units.ts';
import type { RunFact } from '../../../src/storage/store/run.ts';
import type { ClientFacts, Storage } from '../../../src/storage/store/storage.ts';
import { runStart } from '../../storage/support/samples.ts';

const everyMs = 5 * minuteMs;
/** The time without a push after which a client is silent. */
const limitMs = 3 * everyMs;
const nowMs = Date.UTC(2026, 10, 20, 12);
const start = runStart({ id: 'now', startedAtMs: nowMs });
const visited = (name: string, more: Partial<Client> = {}): Client =>
  ({ name, address: name, state: 'active', arrival: { kind: 'ssh', via: 'ssh2' }, ...more }) as Client;
const pushes = (name: string, more: Partial<Client> = {}): Client =>
  visited(name, { arrival: { kind: 'comes', everyMs }, ...more });
const ran = (ago: number): RunFact =>
  ({ ...start, id: `run-${ago}`, outcome: 'finished', startedAtMs: nowMs - ago }) as RunFact;

interface Given {
  readonly clients?: readonly Client[];
  readonly only?: ReadonlySet<string>;
  readonly facts?: Partial<ClientFacts> | null;
  readonly leftovers?: readonly Partial<SpooledReport>[];
  /** The times of earlier runs, before now. */
  readonly ranAgo?: readonly number[];
}

async function silentOf({ clients = [pushes('web-1')], facts = {}, leftovers = [], ...given }: Given) {
  const { only = null, ranAgo = [limitMs - 1, limitMs / 2, 1] } = given;
  const asked: number[] = [];
  const runs = (_: string, sinceMs: number) => {
    asked.push(nowMs - sinceMs);
    return Promise.resolve(ranAgo.map(ran).filter(({ startedAtMs }) => startedAtMs >= sinceMs));
  };
  const visits = await silentVisits({
    run: { config: { clients, collector: { everyMs } }, start, only } as unknown as CollectorRun,
    prepared: {
      storage: { fleet: { runs } } as unknown as Storage,
      facts: new Map(facts === null ? [] : clients.map(({ name }) => [name, facts as ClientFacts])),
    },
    leftovers: leftovers as readonly SpooledReport[],
  });
  return { visits, names: visits.map(({ client }) => client), asked };
}

const long = { lastVisitAtMs: nowMs - limitMs, failedCode: null };
const cases: readonly (readonly [what: string, given: Given, isSilent: boolean])[] = [
  ['whose limit is reached', { facts: long }, true],
  ['whose limit is a moment away', { facts: { ...long, lastVisitAtMs: nowMs - limitMs + 1 } }, false],
  ['whose clock is ahead', { facts: { ...long, lastVisitAtMs: nowMs + limitMs } }, false],
  ['whose last report is newer than its last visit', { facts: { ...long, lastReportAtMs: nowMs } }, false],
  ['whose last push failed', { facts: { lastVisitAtMs: nowMs, failedCode: 'agent-output' } }, false],
  ['that was silent just now', { facts: { lastVisitAtMs: nowMs, failedCode: 'push-silent' } }, true],
  ['whose report waits', { facts: long, leftovers: [{ client: 'web-1', receivedAtMs: nowMs }] }, false],
  ['beside another whose report waits', { facts: long, leftovers: [{ client: 'db-1', receivedAtMs: nowMs }] }, true],
  ['that never pushed', { facts: null, ranAgo: [] }, true],
  ['while the collector was off', { facts: long, ranAgo: [1] }, false],
  ['while the collector was off for half of the time', { facts: long, ranAgo: [limitMs / 2 - 1, 1] }, false],
  ['while the collector ran for half of the time', { facts: long, ranAgo: [limitMs / 2, 1] }, true],
  ['that is retired', { facts: long, clients: [pushes('web-1', { state: 'retired' })] }, false],
  ['that is paused', { facts: long, clients: [pushes('web-1', { state: 'paused' })] }, true],
  ['that is visited', { facts: long, clients: [visited('web-1')] }, false],
  ['that nobody asks for', { facts: long, only: new Set(['db-1']) }, false],
  ['that somebody asks for', { facts: long, only: new Set(['web-1']) }, true],
  [
    'of a longer interval',
    { facts: long, clients: [pushes('web-1', { arrival: { kind: 'comes', everyMs: 6 * minuteMs } })] },
    false,
  ],
];
for (const [what, given, isSilent] of cases) {
  test(`a client ${what} is ${isSilent ? 'silent' : 'not silent'}`, async () => {
    assert.deepEqual((await silentOf(given)).names, isSilent ? ['web-1'] : []);
  });
}

test('the runs of a time are read once for all clients, and not for those that never pushed', async () => {
  const clients = [
    pushes('web-1'),
    pushes('web-2'),
    pushes('web-3', { arrival: { kind: 'comes', everyMs: 2 * everyMs } }),
  ];
  const facts = { lastVisitAtMs: nowMs - 2 * limitMs };
  const { names, asked } = await silentOf({ clients, facts, ranAgo: [2 * limitMs - 1, limitMs, limitMs - 1, 1] });
  assert.deepEqual(
    [names, asked],
    [
      ['web-1', 'web-2', 'web-3'],
      [limitMs, 2 * limitMs],
    ],
  );
  assert.deepEqual((await silentOf({ facts: null })).asked, []);
});

test('silence is a failed visit that could not connect, which says since when', async () => {
  const { visits } = await silentOf({ facts: long });
  const [{ stage, code, message, ok, runId, startedAtMs } = { message: '' }] = visits;
  assert.deepEqual([stage, code, ok, runId, startedAtMs], ['connect', 'push-silent', false, 'now', nowMs]);
  assert.equal(message, 'web-1 has not pushed since 2026-11-20T11:45:00.000Z, and should every 5m');
  const never = await silentOf({ facts: null });
  assert.equal(never.visits[0]?.message, 'web-1 has never pushed, and should every 5m');
});
