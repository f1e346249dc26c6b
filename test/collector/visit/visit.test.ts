import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { test } from 'node:test';

import type { ReceivedReport } from '../../../src/collector/agent/agent-stream.ts';
import { visit } from '../../../src/collector/visit/visit.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import type { KeyRing } from '../../../src/collector/keys/key-ring.ts';
import { generateKeyPair, privateKeysOf, type KeyPair } from '../../../src/report/seal/key-pair.ts';
import type { ClientFacts } from '../../../src/storage/store/storage.ts';
import type { Connection } from '../../../src/transport/transport.ts';
import { runStart } from '../../storage/support/samples.ts';
import { isWide } from '../../support/long-tests.ts';
import { bundles, makeClient, makeConfig, makeFleet } from '../../support/fleets/fleet.ts';
import type { VisitContext } from '../../../src/collector/visit/context.ts';
import { assertWithin } from '../../support/within.ts';

const fleet = makeFleet('real');
/** Agents in memory, where the visits are the subject and not what the agents do. */
const inMemory = makeFleet();
const key = generateKeyPair();
let clients = 0;

function ringOf(sealing: KeyPair): KeyRing {
  const known: KeyRing['known'] = {
    has: (keyId) => keyId === sealing.id,
    describeMissing: (keyId) => ({ clause: `key ${keyId}, which went`, advice: 'Bring it back.' }),
  };
  return { sealing, opening: privateKeysOf([sealing]), known, made: false };
}

/** Makes a visit to a new client with the real agent, or in another fleet. `exec` may replace the commands. */
function watched(
  more: Partial<VisitContext> = {},
  exec: (command: string, number: number) => string = (c) => c,
  of = fleet,
) {
  const client = makeClient(`visit-${clients++}`);
  const kept: ReceivedReport[] = [];
  /** The calls on connections, in order: connect, exec, leave, destroy. */
  const calls: string[] = [];
  let execs = 0;
  const watch = (connection: Connection): Connection => ({
    ...connection,
    exec: (command) => {
      calls.push('exec');
      return connection.exec(exec(command, execs++));
    },
    leave: () => {
      calls.push('leave');
      return connection.leave();
    },
    destroy: () => {
      calls.push('destroy');
      connection.destroy();
    },
  });
  const context: VisitContext = {
    config: makeConfig(of.stateDir, [client]),
    start: runStart({ id: randomUUID() }),
    keyRing: ringOf(key),
    bundles,
    dryRun: false,
    signal: new AbortController().signal,
    now: () => Date.now(),
    transportFor: (to) => ({
      connect: async (options) => {
        calls.push('connect');
        return watch(await of.transportFor(to).connect(options));
      },
    }),
    restricted: { has: () => false },
    captures: { isDear: () => false, spentMs: () => 0, note: () => undefined, save: () => undefined },
    sawAgent: () => undefined,
    facts: null,
    keep: (_client, report) => {
      kept.push(report);
      return Promise.resolve();
    },
    ...more,
  };
  const spooled = () => of.spooledAt(client.name).length;
  return { context, client, kept, calls, spooled };
}

const knownFacts = (client: string, more: Partial<ClientFacts> = {}): ReadonlyMap<string, ClientFacts> => {
  const nowMs = Date.now();
  const facts: ClientFacts = {
    name: client,
    address: client,
    lastVisitAtMs: nowMs,
    lastReportAtMs: nowMs,
    consecutiveFailures: 0,
    uncountedFailures: 0,
    failedCode: null,
    attemptDigest: null,
    nextAttemptAtMs: null,
    bootId: null,
    inventoryAtMs: nowMs,
    reader: 'node',
    ...{ stateStamp: '', stateAtMs: nowMs, stateRuns: 1, stateWantedAtMs: null },
    ...more,
  };
  return new Map([[client, facts]]);
};

test('with the agent in place a visit is one connection and one exec, and is left, not destroyed', async () => {
  const { context, client, kept, calls } = watched();
  const first = await visit(context, client);
  assert.deepEqual(
    { fault: first.fault, ok: first.record.ok, uploaded: first.record.uploaded },
    { fault: null, ok: true, uploaded: true },
  );
  assert.deepEqual(calls, ['connect', 'exec', 'exec', 'leave']);
  calls.length = 0;
  const second = await visit(context, client);
  const { ok, uploaded, reader } = second.record;
  assert.deepEqual({ ok, uploaded, reader }, { ok: true, uploaded: false, reader: 'node' });
  assert.match(second.record.bootId ?? '', /^[0-9a-f-]{36}$/);
  assert.deepEqual(calls, ['connect', 'exec', 'leave']);
  assert.equal(kept.length, 2);
});

test('the first visit with a database takes inventory and state over the same connection', async () => {
  const { context, client, kept, calls } = watched({ facts: new Map() });
  const { fault, record } = await visit(context, client);
  assert.equal(fault, null);
  assert.equal(calls.filter((call) => call === 'connect').length, 1);
  assert.deepEqual(calls.slice(-1), ['leave']);
  assert.equal(kept.length, 3);
  assert.match(record.state?.stamp ?? '', /^[0-9a-f]{32}$/);
  assert.equal(record.state?.runs, 1);
});

test('the state is taken when the stamp differs, with the digests of what is stored', { skip: !isWide }, async () => {
  const asked: string[] = [];
  const knownState = (client: string): Promise<Readonly<Record<string, string>>> => {
    asked.push(client);
    return Promise.resolve({});
  };
  const { context, client, kept } = watched({ knownState });
  const facts = knownFacts(client.name, { stateStamp: 'another' });
  const { record } = await visit({ ...context, facts }, client);
  assert.deepEqual([asked, kept.length, record.state?.runs], [[client.name], 2, 2]);
});

test('a state report that fails is an attempt, and does not fail the visit', { skip: !isWide }, async () => {
  const { context, client, kept } = watched({}, (command, number) => (number < 2 ? command : 'exit 1'));
  const facts = knownFacts(client.name, { stateStamp: 'another' });
  const { fault, record } = await visit({ ...context, facts }, client);
  assert.deepEqual([fault, kept.length, record.state], [null, 1, { stamp: null, runs: 2 }]);
});

test('after a boot the inventory is taken over a connection of its own', { skip: !isWide }, async () => {
  const { client, kept, calls, context } = watched();
  const facts = knownFacts(client.name, { bootId: 'another-boot' });
  assert.equal((await visit({ ...context, facts }, { ...client, changes: 'no' })).fault, null);
  assert.equal(calls.filter((call) => call === 'connect').length, 2);
  assert.equal(calls.filter((call) => call !== 'exec').join(' '), 'connect leave connect leave');
  assert.equal(kept.length, 2);
});

test('an inventory that fails, or for which no time is left, does not fail the visit', async () => {
  const broken = watched({ facts: new Map() }, (command, number) => (number < 2 ? command : 'exit 1'));
  const outcome = await visit(broken.context, broken.client);
  assert.deepEqual([outcome.fault, broken.kept.length], [null, 1]);
  const config = makeConfig(inMemory.stateDir, [], { clientDeadlineMs: 4900 });
  const hurried = watched({ facts: new Map(), config }, undefined, inMemory);
  assert.equal((await visit(hurried.context, hurried.client)).fault, null);
  assert.equal(hurried.kept.length, 1);
});

test('a run that ends during the inventory leaves the visit a success', { timeout: 60_000 }, async () => {
  const controller = new AbortController();
  const { context, client, kept } = watched({ facts: new Map(), signal: controller.signal }, (command, number) => {
    if (number < 2) return command;
    setTimeout(() => controller.abort(new FleetError({ code: 'interrupted', stage: 'run', message: 'ended' })), 50);
    return 'exec cat >/dev/null';
  });
  const { fault, record } = await visit(context, client);
  assert.equal(fault, null);
  assert.equal(record.ok, true);
  assert.equal(kept.length, 1);
});

const silences = [
  { what: 'says nothing', script: 'exec sleep 60', code: 'visit-deadline', message: /did not end within 1500 ms/ },
  { what: 'prints garbage', script: 'while :; do echo garbage garbage; done', code: 'agent-output', message: /./ },
  { what: 'ends at once', script: 'exit 7', code: 'no-shell', message: /status 7/ },
];
for (const { what, script, code, message } of silences) {
  test(`a client that ${what} is ${code}, within the deadline`, { timeout: 60_000 }, async () => {
    const config = makeConfig(fleet.stateDir, [], { clientDeadlineMs: 1500 });
    const { context, client, calls } = watched({ config }, () => script);
    const started = performance.now();
    const { fault, record } = await visit(context, client);
    assertWithin(started, 10_000);
    assert.deepEqual([record.ok, record.code], [false, code]);
    assert.match(fault?.message ?? '', message);
    assert.equal(calls.at(-1), 'destroy');
  });
}

test('a report sealed to a key that is not live is neither kept nor acknowledged, unlike those beside it', async () => {
  const { context, client, kept, spooled } = watched({}, undefined, inMemory);
  const retired = generateKeyPair();
  await visit({ ...context, keyRing: ringOf(retired), dryRun: true }, client);
  assert.equal(spooled(), 1);
  kept.length = 0;
  const { fault, record } = await visit(context, client);
  assert.equal(fault?.code, 'seal-no-key');
  assert.equal(fault.stage, 'seal');
  assert.equal(record.ok, false);
  assert.match(fault.message, new RegExp(`sealed to key ${retired.id}, which went; it stays on the client$`));
  assert.equal(fault.advice, 'Bring it back.');
  assert.equal(kept.length, 1);
});

test('what cannot be made safe here is not acknowledged and comes again', async () => {
  const full = new FleetError({ code: 'spool-full', stage: 'spool', message: 'ENOSPC' });
  const { context, client, kept, spooled } = watched({ keep: () => Promise.reject(full) }, undefined, inMemory);
  const { fault } = await visit(context, client);
  assert.equal(fault, full);
  assert.equal(spooled(), 1);
  const keep: VisitContext['keep'] = (_client, report) => {
    kept.push(report);
    return Promise.resolve();
  };
  assert.equal((await visit({ ...context, keep }, client)).fault, null);
  assert.equal(kept.length, 2);
});
