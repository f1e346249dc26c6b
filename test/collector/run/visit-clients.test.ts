/** The clients that a run visits, leaves alone, or does not reach, and the events that say so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { CollectEvent } from '../../../src/collector/collect-options.ts';
import type { Client } from '../../../src/config/config.ts';
import { FleetError, type ErrorCode } from '../../../src/platform/errors/errors.ts';
import type { Transport } from '../../../src/transport/transport.ts';
import { visit } from '../../storage/support/samples.ts';
import { makeClient, makeFleet, type Fleet, type FleetOptions } from '../../support/fleets/fleet.ts';

const fault = (code: ErrorCode, retryable = false): FleetError =>
  new FleetError({ code, stage: code === 'auth-failed' ? 'login' : 'connect', message: 'no', retryable });

/** Returns transports of which those of some clients fail: at each attempt, or as often as said. */
function failing(fleet: Fleet, faults: Readonly<Record<string, FleetError>>, times = Infinity) {
  const attempts: string[] = [];
  const transportFor = (client: Client): Transport => {
    const thrown = faults[client.name];
    return {
      connect: (...given) => {
        attempts.push(client.name);
        const made = attempts.filter((name) => name === client.name).length;
        return thrown !== undefined && made <= times
          ? Promise.reject(thrown)
          : fleet.transportFor(client).connect(...given);
      },
    };
  };
  return { attempts, transportFor };
}

/** Makes a run. Returns its result and its events in short words. */
async function run(fleet: Fleet, clients: readonly Client[], options: FleetOptions = {}) {
  fleet.events.length = 0;
  const result = await fleet.collect(clients, options);
  return { result, said: fleet.events.flatMap(inShort) };
}

function inShort(event: CollectEvent): readonly string[] {
  if (event.kind === 'visiting') return [`visiting ${event.client}`];
  if (event.kind === 'started') return [`started ${event.clients}, ${event.skipped} skipped`];
  if (event.kind === 'skipped') return [`skipped ${event.client}: ${event.reason} ${event.code}`];
  if (event.kind === 'postponed') return [`postponed ${event.visit.client}: ${event.visit.code}`];
  if (event.kind === 'visited') {
    return [`visited ${event.visit.client}: ${event.visit.code ?? 'ok'}, ${event.done} of ${event.clients}`];
  }
  return event.kind === 'note' && event.message.includes(' is visited by its site ') ? [event.message] : [];
}

const web1 = makeClient('web-1');
const web2 = makeClient('web-2');

test('a retired client is named and not visited, nor is one of a site, which is named if asked for', async () => {
  const fleet = makeFleet();
  const retired = makeClient('old', { state: 'retired' });
  const ofSite = makeClient('far', { arrival: { kind: 'site', site: 'fra' }, labels: { site: 'fra' } });
  const { attempts, transportFor } = failing(fleet, {});
  const all = await run(fleet, [web1, retired, ofSite], { transportFor });
  assert.deepEqual(all.said, [
    'skipped old: retired null',
    'started 1, 0 skipped',
    'visiting web-1',
    'visited web-1: ok, 1 of 1',
  ]);
  const named = await run(fleet, [web1, retired, ofSite], { transportFor, only: new Set(['far']) });
  assert.deepEqual(named.said, ['far is visited by its site fra: run collect there', 'started 0, 0 skipped']);
  assert.deepEqual(attempts, ['web-1']);
});

test('what this machine lacks is one fault of the run, with the number of the visits, whatever they were', async () => {
  const fleet = makeFleet();
  const clients = ['web-1', 'web-2', 'web-3', 'web-4'].map((name) => makeClient(name));
  const own = { 'web-1': fault('descriptors-exhausted'), 'web-2': fault('descriptors-exhausted') };
  const { transportFor } = failing(fleet, { ...own, 'web-3': fault('connect-refused') });
  const { result } = await run(fleet, clients, { transportFor });
  const faults = fleet.events.flatMap((event) => (event.kind === 'fault' ? [event.fault] : []));
  assert.deepEqual(
    faults.map(({ code, message }) => `${code}: ${message}`),
    ['descriptors-exhausted: 2 of 4 visits failed on this machine: no'],
  );
  assert.match(faults[0]?.advice ?? '', /ulimit -n/);
  assert.deepEqual([result.exitStatus, result.failures.length], [3, 3]);
});

test('a client that refused the login is left alone for a while, unless somebody asks for it', async () => {
  const fleet = makeFleet();
  const { attempts, transportFor } = failing(fleet, { 'web-2': fault('auth-failed') });
  const first = await run(fleet, [web1, web2], { transportFor });
  assert.ok(first.said.includes('started 2, 0 skipped'), first.said.join());
  const second = await run(fleet, [web1, web2], { transportFor });
  assert.deepEqual(second.said, [
    'started 1, 1 skipped',
    'skipped web-2: login_refused auth-failed',
    'visiting web-1',
    'visited web-1: ok, 1 of 1',
  ]);
  assert.deepEqual([second.result.clients, second.result.succeeded, second.result.skipped], [2, 1, 1]);
  const skipped = fleet.events.find((event) => event.kind === 'skipped');
  assert.ok(skipped?.kind === 'skipped' && (skipped.nextAttemptAtMs ?? 0) > Date.now(), 'the next attempt is named');
  assert.deepEqual(attempts.filter((name) => name === 'web-2').length, 1);
  const asked = await run(fleet, [web1, web2], { transportFor, ignoreBackoff: true });
  assert.ok(asked.said.includes('started 2, 0 skipped'), asked.said.join());
});

test('a fault that may pass is tried again once at the end, and counts once', async () => {
  const fleet = makeFleet();
  const faults = { 'web-1': fault('connect-failed', true) };
  const { transportFor } = failing(fleet, faults, 1);
  const { said, result } = await run(fleet, [web1, web2], { transportFor, retries: 1 });
  assert.deepEqual(said.filter((one) => !one.startsWith('visiting ')).toSorted(), [
    'postponed web-1: connect-failed',
    'started 2, 0 skipped',
    'visited web-1: ok, 2 of 2',
    'visited web-2: ok, 1 of 2',
  ]);
  assert.deepEqual([result.succeeded, result.failed, result.exitStatus], [2, 0, 0]);
  const again = failing(fleet, faults);
  const twice = await run(fleet, [web1], { transportFor: again.transportFor, retries: 1 });
  assert.deepEqual([again.attempts.length, twice.result.failed], [2, 1]);
});

test('a fault that stays is not tried again, nor is any fault without retries', async () => {
  const fleet = makeFleet();
  for (const [thrown, retries] of [
    [fault('connect-refused'), 2],
    [fault('connect-failed', true), 0],
  ] as const) {
    const { attempts, transportFor } = failing(fleet, { 'web-1': thrown });
    const { said, result } = await run(fleet, [web1], { transportFor, retries });
    assert.deepEqual([attempts, result.failed], [['web-1'], 1], thrown.code);
    assert.deepEqual(said, ['started 1, 0 skipped', 'visiting web-1', `visited web-1: ${thrown.code}, 1 of 1`]);
  }
});

test('clients whose turn does not come before the end are named, and the run says that it was ended', async () => {
  const fleet = makeFleet();
  const ending = new AbortController();
  const first: Transport = {
    connect: () => {
      ending.abort(new FleetError({ code: 'interrupted', stage: 'run', message: 'enough' }));
      return Promise.reject(fault('connect-refused'));
    },
  };
  const names = ['a', 'b', 'c'].map((name) => makeClient(name));
  const transportFor = (): Transport => first;
  const { said, result } = await run(fleet, names, { transportFor, signal: ending.signal, concurrency: 1 });
  const unreached = said.filter((one) => one.endsWith(': unreached null'));
  assert.equal(unreached.length, 2);
  assert.deepEqual(
    [result.failed, result.skipped, result.unreached, result.outcome, result.exitStatus],
    [1, 2, 2, 'interrupted', 1],
  );
});

test('a client that was to be tried again has its first outcome if the run ends before', async () => {
  const fleet = makeFleet();
  const ending = new AbortController();
  let calls = 0;
  const transportFor = (): Transport => ({
    connect: () => {
      if ((calls += 1) === 2) ending.abort();
      return Promise.reject(fault('connect-failed', true));
    },
  });
  const options = { transportFor, signal: ending.signal, concurrency: 1, retries: 1 };
  const { said, result } = await run(fleet, [web1, web2], options);
  assert.deepEqual([result.failed, result.unreached, result.outcome], [2, 0, 'interrupted'], said.join());
});

test('an sshd that turned a login away for their number is always asked once more', async () => {
  const fleet = makeFleet();
  const { attempts, transportFor } = failing(fleet, { 'web-1': fault('sshd-rejection', true) });
  await run(fleet, [web1], { transportFor, retries: 0 });
  assert.deepEqual(attempts, ['web-1', 'web-1']);
});

test('inventories and states come with the figures of one client, and after those of all', async () => {
  const fleet = makeFleet();
  const one = await run(fleet, [web1]);
  assert.equal(one.result.reports.stored, 3);
  const others = ['a', 'b', 'c'].map((name) => makeClient(name));
  const { attempts, transportFor } = failing(fleet, {});
  const all = await run(fleet, others, { transportFor, concurrency: 1 });
  assert.equal(all.result.reports.stored, 9);
  assert.deepEqual(new Set(attempts.slice(0, 3)).size, 3, 'the figures of all come first');
  assert.ok(attempts.length > 3, attempts.join());
});

test('a dry run shows the reports, stores nothing, and minds no refused login', async () => {
  const fleet = makeFleet();
  const refusing = failing(fleet, { 'web-1': fault('auth-failed') });
  await run(fleet, [web1], { transportFor: refusing.transportFor });
  const before = await fleet.count('visits');
  const { said, result } = await run(fleet, [web1], { dryRun: true });
  assert.deepEqual(said, ['started 1, 0 skipped', 'visiting web-1', 'visited web-1: ok, 1 of 1']);
  const shown = fleet.events.flatMap((event) => (event.kind === 'report' ? event.client : []));
  assert.ok(shown.includes('web-1') && result.reports.stored === 0);
  assert.deepEqual([await fleet.count('visits'), await fleet.count('stats'), fleet.sealedFiles()], [before, 0, []]);
});

test('a client that pushes and is silent is a failed visit with a row, and one that pushes is a success', async () => {
  const fleet = makeFleet();
  const pushes = { arrival: { kind: 'comes', everyMs: 300_000 } } as const;
  const [silent, heard, broken] = ['silent', 'heard', 'broken'].map((name) => makeClient(name, pushes));
  assert.ok(silent && heard && broken);
  const storage = await fleet.openStorage();
  const startedAtMs = Date.now() - 60_000;
  await storage.reports.saveVisits([
    visit({ client: 'heard', startedAtMs }),
    visit({ client: 'broken', startedAtMs, ok: false, stage: 'report', code: 'agent-failed', message: 'no' }),
  ]);
  await storage.close();
  const { said, result } = await run(fleet, [silent, heard, broken]);
  assert.deepEqual(said, [
    'started 0, 0 skipped',
    'visited silent: push-silent, 2 of 2',
    'visited broken: agent-failed, 2 of 2',
  ]);
  assert.deepEqual([result.clients, result.succeeded, result.failed], [3, 1, 2]);
  const rows = await fleet.query('SELECT client, code FROM visits ORDER BY client');
  assert.deepEqual(
    rows.map(({ client, code }) => [client, code]),
    [
      ['broken', 'agent-failed'],
      ['heard', null],
      ['silent', 'push-silent'],
    ],
  );
});

for (const [what, reason, collector, code, outcome] of [
  ['the deadline of the run', null, { runDeadlineMs: 300 }, 'run-deadline', 'finished'],
  ['a signal without a reason', new Error('x'), {}, 'interrupted', 'interrupted'],
  ['a signal with one', fault('run-deadline'), {}, 'run-deadline', 'interrupted'],
] as const) {
  test(`a visit that ${what} ends has the code ${code}, and the run is ${outcome}`, async () => {
    const fleet = makeFleet();
    const ending = new AbortController();
    const transportFor = (): Transport => ({
      connect: ({ signal }) => {
        if (reason !== null) ending.abort(reason);
        return new Promise((_resolve, reject) => {
          const end = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error('no reason'));
          if (signal.aborted) end();
          else signal.addEventListener('abort', end);
        });
      },
    });
    const options = { transportFor, signal: ending.signal, concurrency: 1, collector };
    const { said, result } = await run(fleet, [web1, web2], options);
    const visited = said.filter((one) => one.startsWith('visited '));
    assert.ok(visited[0]?.includes(`: ${code}, `), said.join('\n'));
    assert.deepEqual([result.outcome, result.unreached, result.exitStatus], [outcome, 1, 1]);
  });
}
