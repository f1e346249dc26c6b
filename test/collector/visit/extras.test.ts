/** The extras of a visit, with agents in memory: when there is time for them, and what they ask for. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';

import { bundleOf } from '../../../src/collector/agent/agent-bundles.ts';
import type { Visit } from '../../../src/collector/visit/call-agent.ts';
import { taskOf, type VisitContext } from '../../../src/collector/visit/context.ts';
import { fullTimeouts } from '../../../src/collector/visit/adaptive-timeouts.ts';
import { takeExtras, takePutOff, type DueExtras } from '../../../src/collector/visit/further.ts';
import { VisitProgress } from '../../../src/collector/visit/visit-progress.ts';
import { visit } from '../../../src/collector/visit/visit.ts';
import type { Client } from '../../../src/config/config.ts';
import { decodeRequest } from '../../../src/report/agent-request.ts';
import { encodeFrame, encodeJsonFrame } from '../../../src/report/frames.ts';
import { generateKeyPair } from '../../../src/report/seal/key-pair.ts';
import { sealReport } from '../../../src/report/seal/seal.ts';
import type { AgentRequest } from '../../../src/report/wire.ts';
import type { ClientFacts } from '../../../src/storage/store/storage.ts';
import type { ChannelExit, Connection } from '../../../src/transport/transport.ts';

const key = generateKeyPair();
const bundle = bundleOf(Buffer.from('agent'));
const client = {
  ...{ name: 'web-1', was: 'old', changes: 'yes', probeOptions: { mounts: ['/x'] }, arrival: { kind: 'ssh' } },
  ...{ checks: [{ requested: { name: 'a', command: ['/x'] } }], ssh: { node: '/node', unsealed: 'refuse' } },
} as unknown as Client;
const collector = {
  ...{ tcpTimeoutMs: 1, connectTimeoutMs: 2, agentTimeoutMs: 60_000, clientDeadlineMs: 120_000 },
  ...{ everyMs: 300_000, pipelining: false, sharedSite: null },
};

interface Answering {
  /** The kinds whose exec fails. */
  readonly failing?: readonly AgentRequest['kind'][];
}

/** Returns a visit to a client that answers each request with a report, and what it was asked. */
function visiting(more: Partial<Visit> = {}, { failing = [] }: Answering = {}) {
  const asked: AgentRequest[] = [];
  const calls: string[] = [];
  const exec: Connection['exec'] = (command) => {
    const request = decodeRequest(/'(eyJ2Ijox[\w-]+)'/.exec(command)?.[1] ?? '');
    asked.push(request);
    if (failing.includes(request.kind)) return Promise.reject(new Error('refused'));
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const { publicKey } = key;
    const report = sealReport({
      publicKey,
      reportId: crypto.randomUUID(),
      client: 'web-1',
      plaintext: Buffer.from('{}'),
    });
    stdout.write(Buffer.from(request.marker, 'base64url'));
    stdout.write(encodeJsonFrame('H', { v: 1, agent: '9', wall_ms: 1, monotonic_ms: 1, boot_id: 'now' }));
    stdout.write(encodeFrame('R', report));
    stdout.end(encodeJsonFrame('E', { left: 0, place: null, spool_error: null, stamp: 'new stamp' }));
    // The exchange with the agent listens for its end; whoever asks again waits for it.
    let isHeard = false;
    const exit = (): Promise<ChannelExit> => {
      if (isHeard) calls.push('wait for the end');
      isHeard = true;
      return Promise.resolve({ status: 0, signal: null });
    };
    return Promise.resolve({
      ...{ stdin, stdout, stderr },
      get exit() {
        return exit();
      },
    });
  };
  const connection: Connection = {
    ...{ connectMs: 7, exec, bytes: () => ({ in: 0, out: 0 }), destroy: () => void calls.push('destroy') },
    leave: () => Promise.resolve(void calls.push('leave')),
  };
  const known = { has: () => true, describeMissing: () => assert.fail() };
  const context = {
    ...{ config: { collector }, start: { id: 'run-1', collectorId: 'own' } },
    ...{ keyRing: { sealing: key, known, opening: null, made: false }, dryRun: false, now: () => 1 },
    ...{ bundles: { agent: bundle, inventory: bundle, shell: bundle }, restricted: { has: () => false } },
    ...{ signal: new AbortController().signal, facts: null, keep: () => Promise.resolve() },
    sawAgent: () => void calls.push('saw agent'),
    sawInventory: () => void calls.push('saw inventory'),
    transportFor: () => ({
      connect: () => {
        calls.push('connect');
        return Promise.resolve(connection);
      },
    }),
  } as unknown as VisitContext;
  const progress = new VisitProgress();
  const timeouts = fullTimeouts(context.config.collector);
  const deadline = { pause: () => undefined, resume: () => undefined };
  const onLogin = (): void => void calls.push('login');
  const visited: Visit = { ...context, client, timeouts, onLogin, progress, deadline, ...more };
  return { visited, asked, calls, progress, context };
}
const kinds = (asked: readonly AgentRequest[]): readonly string[] => asked.map(({ kind }) => kind);
const due = (more: Partial<DueExtras> = {}): DueExtras => ({ reader: 'node', inventory: true, attempt: 2, ...more });
const time = (leftMs: number) => ({ signal: new AbortController().signal, endsAt: performance.now() + leftMs });

test('a task has what config.xml says of the client, and no checks under a restricted key', () => {
  const { context } = visiting();
  const task = taskOf({ ...context, client }, { kind: 'visit', agentTimeoutMs: 5, stamp: true });
  const { bundles: _, publicKey, ...rest } = task;
  assert.deepEqual(rest, {
    ...{
      client: 'web-1',
      was: 'old',
      kind: 'visit',
      runId: 'run-1',
      collectorId: 'own',
      agentTimeoutMs: 5,
      stamp: true,
    },
    ...{
      probeOptions: { mounts: ['/x'] },
      checks: [{ name: 'a', command: ['/x'] }],
      node: '/node',
      unsealed: 'refuse',
    },
  });
  assert.deepEqual(publicKey, key.publicKey);
  const call = { kind: 'state', agentTimeoutMs: 5, probeOptions: { noFiles: true } } as const;
  const restricted = taskOf({ ...context, client, restricted: { has: () => true } }, call);
  assert.deepEqual([restricted.checks, restricted.probeOptions], [[], { noFiles: true }]);
});

for (const [what, more, expected] of [
  ['both', {}, ['inventory', 'state']],
  ['the inventory alone', { attempt: null }, ['inventory']],
  ['the state alone', { inventory: false }, ['state']],
  ['the state of a client without node', { inventory: false, reader: 'shell' }, ['visit']],
] as const) {
  test(`what is due is asked for over a connection of its own, and is left: ${what}`, async () => {
    const { visited, asked, calls, progress } = visiting();
    await takePutOff(visited, due(more), time(60_000), 0);
    assert.deepEqual(kinds(asked), expected);
    assert.deepEqual([calls.slice(0, 2), calls.at(-1)], [['connect', 'login'], 'leave']);
    const isState = expected.at(-1) !== 'inventory';
    assert.deepEqual(progress.state, isState ? { stamp: 'new stamp', runs: 2 } : null);
    assert.equal(calls.includes('saw inventory'), asked[0]?.kind === 'inventory');
    assert.deepEqual(
      [asked.at(-1)?.stamp, asked.at(-1)?.state],
      [isState ? true : undefined, 'reader' in more ? true : undefined],
    );
    assert.equal(progress.connection, null);
  });
}

for (const [leftMs, usualMs, isTaken] of [
  [4000, 0, false],
  [6000, 0, true],
  [6000, 7000, false],
  [9000, 7000, true],
] as const) {
  test(`with ${leftMs} ms left after a visit of ${usualMs} ms extras ${isTaken ? 'begin' : 'wait'}`, async () => {
    const { visited, asked, calls } = visiting();
    await takePutOff(visited, due({ attempt: null }), time(leftMs), usualMs);
    assert.deepEqual([kinds(asked), calls.includes('connect')], [isTaken ? ['inventory'] : [], isTaken]);
  });
}

test('extras have no more time than a visit of their client', async () => {
  const { visited, asked } = visiting({
    timeouts: { ...fullTimeouts(visiting().context.config.collector), clientDeadlineMs: 4000 },
  });
  await takePutOff(visited, due(), time(60_000), 0);
  assert.deepEqual(asked, []);
});

test('an inventory that fails costs another connection, and not the state', async () => {
  const { visited, asked, calls, progress } = visiting({}, { failing: ['inventory'] });
  await takePutOff(visited, due(), time(60_000), 0);
  assert.deepEqual(kinds(asked), ['inventory', 'state']);
  assert.deepEqual(
    calls.filter((call) => call === 'connect' || call === 'leave'),
    ['connect', 'leave', 'connect', 'leave'],
  );
  assert.ok(!calls.includes('saw inventory'));
  assert.equal(progress.state?.stamp, 'new stamp');
});

test('a state that fails is an attempt all the same, and its faults are not those of the visit', async () => {
  const { visited, progress } = visiting({}, { failing: ['state'] });
  await takePutOff(visited, due({ inventory: false, attempt: 3 }), time(60_000), 0);
  assert.deepEqual([progress.state, progress.anomaly], [{ stamp: null, runs: 3 }, null]);
  const refusing = visiting({ keep: () => Promise.reject(new Error('full')) });
  await takePutOff(refusing.visited, due({ inventory: false, attempt: 3 }), time(60_000), 0);
  assert.deepEqual([refusing.progress.state, refusing.progress.anomaly], [{ stamp: null, runs: 3 }, null]);
});

test('a run that has ended takes no extras, and is not disturbed by them', async () => {
  const { visited, asked } = visiting();
  await takePutOff(visited, due(), { ...time(60_000), signal: AbortSignal.abort(new Error('ended')) }, 0);
  assert.deepEqual(asked, []);
});

const digests = { os: 'a' };
for (const [what, more, expected] of [
  ['what is known', { knownState: () => Promise.resolve(digests) }, { known: digests }],
  ['nothing, as the database is away', { knownState: () => Promise.reject(new Error('away')) }, { known: {} }],
  ['nothing, as reports are opened elsewhere', {}, { known: {} }],
  [
    'nothing, under a restricted key',
    { knownState: () => Promise.resolve(digests), restricted: { has: () => true } },
    { known: {} },
  ],
  ['files, as config.xml says', { client: { ...client, changes: 'no-files' } }, { known: {}, noFiles: true }],
] satisfies readonly [string, Partial<Visit>, object][]) {
  test(`a state report leaves out ${what}`, async () => {
    const { visited, asked } = visiting(more);
    await takePutOff(visited, due({ inventory: false }), time(60_000), 0);
    assert.deepEqual(asked[0]?.options, expected);
  });
}

test('extras of a visit of one client go over its own connection if its agent has ended', async () => {
  const { visited, asked, calls } = visiting();
  visited.progress.connection = await visited.transportFor(client).connect({} as never);
  calls.length = 0;
  await takeExtras(visited, due(), { ...time(60_000), reconnect: false });
  assert.deepEqual([kinds(asked), calls.includes('connect')], [['inventory', 'state'], false]);
  await takeExtras(visited, due({ attempt: null }), { ...time(60_000), reconnect: true });
  assert.deepEqual(calls.filter((call) => call !== 'saw agent').slice(-4), [
    'leave',
    'connect',
    'login',
    'saw inventory',
  ]);
});

test('an agent has eight tenths of the time that is left, and no more than its own', async () => {
  const { visited, asked } = visiting();
  await takePutOff(visited, due({ attempt: null }), time(10_000), 0);
  const { deadlineMs = 0 } = asked[0] ?? {};
  assert.ok(deadlineMs > 5000 && deadlineMs <= 7500, String(deadlineMs));
  const { visited: short, asked: shortAsked } = visiting({
    timeouts: { ...visited.timeouts, agentTimeoutMs: 3000 },
  });
  await takePutOff(short, due({ attempt: null }), time(60_000), 0);
  assert.equal(shortAsked[0]?.deadlineMs, 2500);
});

const known: ClientFacts = {
  ...{ name: 'web-1', address: 'web-1', lastVisitAtMs: 1, lastReportAtMs: 1, bootId: 'now', reader: 'node' },
  ...{ consecutiveFailures: 0, uncountedFailures: 0, failedCode: null, attemptDigest: null, nextAttemptAtMs: null },
  ...{ inventoryAtMs: 1, stateStamp: 'new stamp', stateAtMs: 1, stateRuns: 1, stateWantedAtMs: null },
};
const factsOf = (more: Partial<ClientFacts> = {}): Pick<Visit, 'facts'> => ({
  facts: new Map([['web-1', { ...known, ...more }]]),
});

for (const [what, more, expected, connections, isSame] of [
  ['of a client that was never seen', { facts: new Map() }, ['visit', 'inventory', 'state'], 1, false],
  ['whose facts are known and whose state is the same', factsOf(), ['visit'], 1, true],
  ['while the database is away', { facts: null }, ['visit'], 1, false],
  ['that is tried alone', { facts: new Map(), dryRun: true }, ['visit'], 1, false],
  [
    'of a client whose changes are not read',
    { facts: new Map(), client: { ...client, changes: 'no' } },
    ['visit', 'inventory'],
    1,
    false,
  ],
  [
    'of a client whose state was never read',
    { ...factsOf({ stateStamp: null }), client: { ...client, changes: 'no' } },
    ['visit'],
    1,
    false,
  ],
  ['whose stamp is another', factsOf({ stateStamp: 'old' }), ['visit', 'state'], 2, false],
  ['after a boot', factsOf({ bootId: 'before' }), ['visit', 'inventory', 'state'], 2, false],
] satisfies readonly [string, Partial<Visit>, readonly string[], number, boolean][]) {
  test(`a visit ${what} asks for ${expected.join(', ')} over ${connections} connections`, async () => {
    const { visited, asked, calls } = visiting(more);
    const { fault, record, extras } = await visit(visited, visited.client);
    assert.deepEqual([fault, extras, kinds(asked)], [null, null, expected]);
    assert.equal(calls.filter((call) => call === 'connect').length, connections);
    assert.deepEqual([record.stateSame === true, calls.at(-1)], [isSame, 'leave']);
    const readsState = visited.facts !== null && !visited.dryRun && visited.client.changes !== 'no';
    assert.equal(asked[0]?.stamp === true, readsState, 'only who reads the state asks for its stamp');
  });
}

for (const putsOff of [false, true]) {
  test(`a visit ${putsOff ? 'of several clients puts its extras off' : 'of one client takes its extras'}`, async () => {
    const { visited, asked, calls } = visiting({ facts: new Map() });
    const { extras, record } = await visit(visited, client, { putsOff });
    assert.deepEqual(kinds(asked), putsOff ? ['visit'] : ['visit', 'inventory', 'state']);
    assert.equal(calls.includes('wait for the end'), !putsOff, 'only who needs the connection waits for its agent');
    assert.deepEqual([record.state?.runs, extras === null], [putsOff ? undefined : 1, !putsOff]);
    let logins = 0;
    const row = await extras?.(time(60_000), () => void (logins += 1));
    assert.deepEqual(kinds(asked), ['visit', 'inventory', 'state']);
    assert.deepEqual([row?.state?.runs, logins], putsOff ? [1, 1] : [undefined, 0]);
  });
}
