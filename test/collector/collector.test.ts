import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { documentsOf } from '../../src/collector/inbox/origins.ts';
import { takeLock } from '../../src/state-folder/lock.ts';
import { statePaths } from '../../src/state-folder/paths.ts';
import { FleetError, type ErrorCode } from '../../src/platform/errors/errors.ts';
import type { Client } from '../../src/config/config.ts';
import type { Storage } from '../../src/storage/store/storage.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { makeClient, makeFleet, storageAway, type Fleet } from '../support/fleets/fleet.ts';
import { pluckAll } from '../support/pluck.ts';
import { assertWithin } from '../support/within.ts';

const clientsOf = (...names: string[]): Client[] => names.map((name) => makeClient(name));
const silent: Transport = { connect: () => new Promise(() => undefined) };
const failing = (code: ErrorCode): Transport => ({
  connect: () => Promise.reject(new FleetError({ code, stage: 'connect', message: `made to fail: ${code}` })),
});

/** Waits until the agent has deleted all acknowledged reports, which may happen after the pass has ended. */
async function emptied(fleet: Fleet, client: string): Promise<void> {
  const until = Date.now() + 5000;
  while (fleet.spooledAt(client).length > 0) {
    assert.ok(Date.now() < until, `still spooled at ${client}: ${String(fleet.spooledAt(client))}`);
    await sleep(10);
  }
}

test('a run stores reports, inventories, visits and its own row; the next one brings nothing along', async () => {
  const fleet = makeFleet();
  const clients = clientsOf('web-1', 'web-2', 'ümläut & co');
  const names = clients.map(({ name }) => name).toSorted();
  const first = await fleet.collect(clients);
  assert.deepEqual(
    { failures: first.failures, faults: first.faults, exitStatus: first.exitStatus, outcome: first.outcome },
    { failures: [], faults: [], exitStatus: 0, outcome: 'finished' },
  );
  assert.equal(first.clients, 3);
  assert.equal(first.succeeded, 3);
  assert.equal(first.failed, 0);
  assert.equal(first.skipped, 0);
  assert.deepEqual(first.reports, { stored: 9, duplicate: 0, quarantined: 0, waiting: 0 });
  const rows = await fleet.query('SELECT client, run_id, observed_at, received_at FROM stats ORDER BY client');
  for (const [index, row] of rows.entries()) {
    assert.deepEqual([row['client'], row['run_id']], [names[index], first.runId]);
    assert.ok(String(row['observed_at']) <= String(row['received_at']));
  }
  assert.deepEqual([rows.length, await fleet.count('inventory')], [3, 3]);
  const kinds = fleet.events.map((event) => event.kind);
  assert.deepEqual(kinds.filter((kind) => kind !== 'visiting').slice(0, 2), ['note', 'started']);
  assert.equal(kinds.filter((kind) => kind === 'visited').length, 3);

  const second = await fleet.collect(clients);
  assert.deepEqual(second.reports, { stored: 3, duplicate: 0, quarantined: 0, waiting: 0 });
  const visits = await fleet.column("SELECT run_id || ' ' || ok FROM visits ORDER BY id");
  const [ofFirst, ofSecond] = [`${first.runId} 1`, `${second.runId} 1`];
  assert.deepEqual(visits, [ofFirst, ofFirst, ofFirst, ofSecond, ofSecond, ofSecond]);
  const runs = await fleet.query('SELECT outcome, scope, clients, succeeded, failed FROM runs');
  for (const run of runs) {
    assert.deepEqual({ ...run }, { outcome: 'finished', scope: 'full', clients: 3, succeeded: 3, failed: 0 });
  }
  assert.deepEqual(fleet.sealedFiles(), []);
  for (const { name } of clients) await emptied(fleet, name);
  assert.equal(statSync(fleet.stateDir).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(documentsOf(statePaths(fleet.stateDir), { kind: 'collector' })), []);
});

test('a dry run shows reports, needs no database, and leaves everything for the next run', async () => {
  const fleet = makeFleet();
  const clients = clientsOf('web-1', 'web-2');
  const openStorage = (): Promise<Storage> => assert.fail('a dry run opens no storage');
  const dry = await fleet.collect(clients, { dryRun: true, openStorage });
  assert.equal(dry.exitStatus, 0);
  assert.equal(dry.succeeded, 2);
  assert.equal(dry.reports.stored, 0);
  const shown = fleet.events.filter((event) => event.kind === 'report');
  const names = shown.map(({ client, report }) => `${client} ${report.client}`).toSorted();
  assert.deepEqual(names, ['web-1 web-1', 'web-2 web-2']);
  assert.deepEqual(fleet.sealedFiles(), []);
  assert.equal(existsSync(path.join(fleet.stateDir, 'fleet.db')), false);
  assert.equal(fleet.spooledAt('web-1').length, 1);
  await fleet.collect(clients);
  assert.equal(await fleet.count('stats'), 4);
  await emptied(fleet, 'web-1');
});

test('while the database is away reports wait, and the next run stores all with runs and visits', async () => {
  const fleet = makeFleet();
  const clients = clientsOf('web-1', 'web-2', 'web-3');
  for (let pass = 0; pass < 2; pass++) {
    const result = await fleet.collect(clients, { openStorage: () => storageAway() });
    assert.equal(result.exitStatus, 3);
    const codes = result.faults.map(({ code }) => code);
    assert.deepEqual(
      { codes, succeeded: result.succeeded, waiting: result.reports.waiting },
      { codes: ['storage-unavailable'], succeeded: 3, waiting: (pass + 1) * 3 },
    );
  }
  assert.equal(fleet.sealedFiles().length, 6);
  for (const { name } of clients) await emptied(fleet, name);
  const back = await fleet.collect(clients);
  assert.deepEqual([back.exitStatus, back.reports.waiting], [0, 0]);
  assert.equal(await fleet.count('stats'), 9);
  assert.equal(await fleet.count('visits'), 9);
  const runs = await fleet.column("SELECT outcome || ' ' || succeeded FROM runs");
  assert.deepEqual(runs, Array(3).fill('finished 3'));
  assert.deepEqual(fleet.sealedFiles(), []);
  assert.deepEqual(readdirSync(documentsOf(statePaths(fleet.stateDir), { kind: 'collector' })), []);
});

test('a database that goes away in the middle costs nothing either, and is closed', async () => {
  const fleet = makeFleet();
  const clients = clientsOf('web-1', 'web-2', 'web-3');
  const gone = (): Promise<never> => storageAway('connection lost');
  let isClosed = false;
  const result = await fleet.collect(clients, {
    openStorage: async () => {
      const storage = await fleet.openStorage();
      const reports = { ...storage.reports, ingest: gone, saveVisits: gone, endRun: gone };
      const close = async (): Promise<void> => {
        await storage.close();
        isClosed = true;
      };
      return { ...storage, reports, close };
    },
  });
  assert.equal(isClosed, true);
  assert.equal(result.exitStatus, 3);
  assert.equal(result.succeeded, 3);
  assert.equal(result.reports.waiting, 9);
  const back = await fleet.collect(clients);
  assert.equal(back.exitStatus, 0);
  assert.equal(await fleet.count('stats'), 6);
  assert.equal(await fleet.count('visits'), 6);
  assert.deepEqual(await fleet.column('SELECT outcome FROM runs'), ['finished', 'finished']);
});

test('one client of each failure is a row with its code, and the others are stored', async () => {
  const fleet = makeFleet();
  const codes: readonly ErrorCode[] = ['dns', 'connect-refused', 'host-key-changed', 'auth-failed', 'no-runtime'];
  const clients = clientsOf('good', ...codes);
  const result = await fleet.collect(clients, {
    transportFor: (client) => (client.name === 'good' ? fleet.transportFor(client) : failing(client.name as ErrorCode)),
  });
  assert.equal(result.exitStatus, 1);
  assert.equal(result.succeeded, 1);
  assert.equal(result.failed, 5);
  assert.deepEqual(result.faults, []);
  const rows = await fleet.query('SELECT client, ok, code, stage, message FROM visits ORDER BY client');
  for (const row of rows.filter((row) => row['client'] !== 'good')) {
    const code = String(row['client']);
    const message = `made to fail: ${code}`;
    assert.deepEqual({ ...row }, { client: code, ok: 0, code, stage: 'connect', message });
  }
  assert.equal(rows.length, 6);
  assert.equal(await fleet.count('stats'), 1);
});

test('a client whose way throws something unforeseen fails alone', async () => {
  const fleet = makeFleet();
  const result = await fleet.collect(clientsOf('good', 'thrower', 'rejecter'), {
    transportFor: (client) => {
      if (client.name === 'thrower') throw new TypeError('a fault in the program');
      if (client.name === 'rejecter') return { connect: () => Promise.reject(new TypeError('another')) };
      return fleet.transportFor(client);
    },
  });
  assert.deepEqual([result.succeeded, result.failed], [1, 2]);
  assert.ok(result.failures.every(({ code }) => code === 'internal'));
});

test('a refused login is not tried in the same run again nor in the one after next, except by name', async () => {
  const fleet = makeFleet();
  const attempts: string[] = [];
  const minutes = (count: number): number => 1_795_000_000_000 + count * 60_000;
  const pass = (minute: number, more = {}) =>
    fleet.collect(clientsOf('locked'), {
      retries: 3,
      now: () => minutes(minute),
      transportFor: () => {
        attempts.push(String(minute));
        return failing('auth-failed');
      },
      ...more,
    });
  const results = [];
  for (const minute of [0, 5, 10, 15]) results.push(await pass(minute));
  assert.deepEqual(attempts, ['0', '5', '15']);
  const ends = results.map(({ skipped, failed, exitStatus }) => [skipped, failed, exitStatus].join());
  assert.deepEqual(ends, ['0,1,1', '0,1,1', '1,0,1', '0,1,1']);
  await pass(20, { only: new Set(['locked']), ignoreBackoff: true });
  assert.deepEqual(attempts, ['0', '5', '15', '20']);
});

test('retryable failures are tried again at the end, and one row says how it ended', async () => {
  const fleet = makeFleet();
  const attempts: string[] = [];
  const result = await fleet.collect(clientsOf('shy', 'down', 'refused', 'good'), {
    retries: 2,
    concurrency: 1,
    transportFor: (client) => {
      attempts.push(client.name);
      const count = attempts.filter((name) => name === client.name).length;
      if (client.name === 'down') return failing('connect-timeout');
      if (client.name === 'refused') return failing('host-key-changed');
      return client.name === 'shy' && count < 3 ? failing('connect-failed') : fleet.transportFor(client);
    },
  });
  const counts = (name: string): number => attempts.filter((attempt) => attempt === name).length;
  assert.deepEqual([counts('shy'), counts('down'), counts('refused'), counts('good')], [4, 3, 1, 2]);
  assert.equal(new Set(attempts.slice(0, 4)).size, 4, 'first everybody once');
  assert.deepEqual(attempts.slice(-2).toSorted(), ['good', 'shy'], 'at last inventory and state');
  assert.deepEqual([result.succeeded, result.failed], [2, 2]);
  const ends = await fleet.column("SELECT client || ' ' || ok FROM visits ORDER BY client");
  assert.deepEqual(ends, ['down 0', 'good 1', 'refused 0', 'shy 1']);
  assert.equal(fleet.events.filter(({ kind }) => kind === 'postponed').length, 4);
});

test('a second run beside a running one ends at once with 0, names the holder and leaves a row', async () => {
  const fleet = makeFleet();
  mkdirSync(fleet.stateDir);
  const lock = await takeLock({ file: statePaths(fleet.stateDir).lock, nowMs: 1234 });
  if (lock.kind !== 'held') assert.fail('nobody else can hold it');
  const clients = clientsOf('web-1');
  const result = await fleet.collect(clients, { transportFor: () => assert.fail('nobody is visited') });
  assert.deepEqual([result.outcome, result.exitStatus], ['overlapped', 0]);
  assert.deepEqual(result.holder, { pid: process.pid, startedAtMs: 1234 });
  await fleet.collect(clients, { openStorage: () => storageAway() });
  lock.release();
  await fleet.collect(clients);
  const outcomes = await fleet.column('SELECT outcome FROM runs ORDER BY started_at');
  assert.deepEqual(outcomes, ['overlapped', 'overlapped', 'finished']);
});

test('a signal ends the visits, and what was received is stored', { timeout: 60_000 }, async () => {
  const fleet = makeFleet();
  const controller = new AbortController();
  const started = performance.now();
  const result = await fleet.collect(clientsOf('good', 'silent-1', 'silent-2', 'later'), {
    concurrency: 3,
    signal: controller.signal,
    transportFor: (client) => (client.name.startsWith('silent') ? silent : fleet.transportFor(client)),
    observe: (event) => {
      fleet.events.push(event);
      if (event.kind === 'visited' && fleet.events.filter(({ kind }) => kind === 'visited').length === 2) {
        controller.abort();
      }
    },
  });
  assertWithin(started, 10_000);
  assert.equal(result.outcome, 'interrupted');
  assert.equal(result.exitStatus, 1);
  assert.equal(result.succeeded, 2);
  assert.equal(result.failed, 2);
  assert.equal(result.reports.stored, 2, 'the figures, and nothing that was put off');
  assert.ok(result.failures.every(({ code }) => code === 'interrupted'));
  assert.deepEqual(await fleet.column('SELECT outcome FROM runs'), ['interrupted']);
});

test('a run that was aborted before it began visits nobody and says so', async () => {
  const fleet = makeFleet();
  const result = await fleet.collect(clientsOf('web-1'), { signal: AbortSignal.abort() });
  assert.equal(result.outcome, 'interrupted');
  assert.equal(result.exitStatus, 1);
  assert.equal(result.skipped, 1);
  assert.equal(result.unreached, 1);
  const skipped = fleet.events.flatMap((event) => (event.kind === 'skipped' ? [[event.client, event.reason]] : []));
  assert.deepEqual(skipped, [['web-1', 'unreached']]);
});

test('a retired client is named as not visited, and not counted', async () => {
  const fleet = makeFleet();
  const [client] = clientsOf('old');
  assert.ok(client);
  const result = await fleet.collect([{ ...client, state: 'retired' }]);
  assert.equal(result.exitStatus, 0);
  assert.equal(result.clients, 0);
  assert.equal(result.skipped, 0);
  const skipped = fleet.events.flatMap((event) => (event.kind === 'skipped' ? [[event.client, event.reason]] : []));
  assert.deepEqual(skipped, [['old', 'retired']]);
});

test('the run deadline cuts off what goes on and leaves the rest to the next run', { timeout: 60_000 }, async () => {
  const fleet = makeFleet();
  const started = performance.now();
  const result = await fleet.collect(clientsOf('a', 'b', 'c', 'd'), {
    concurrency: 2,
    collector: { runDeadlineMs: 700 },
    transportFor: () => silent,
  });
  assertWithin(started, 5000);
  assert.equal(result.outcome, 'finished');
  assert.equal(result.exitStatus, 1);
  assert.equal(result.failed, 2);
  assert.equal(result.unreached, 2);
  for (const failure of result.failures) assert.equal(failure.code, 'run-deadline');
});

test('a client that heeds no signal is left at its deadline', { timeout: 60_000 }, async () => {
  const fleet = makeFleet();
  const started = performance.now();
  const result = await fleet.collect(clientsOf('good', 'deaf'), {
    collector: { clientDeadlineMs: 3000 },
    transportFor: (client) => (client.name === 'deaf' ? silent : fleet.transportFor(client)),
  });
  assertWithin(started, 5000);
  assert.deepEqual([result.succeeded, result.failures[0]?.code], [1, 'visit-deadline']);
});

test('a renamed client keeps its history, and what it had spooled under its former name comes home', async () => {
  const fleet = makeFleet();
  await fleet.collect(clientsOf('old'));
  await fleet.collect(clientsOf('old'), { dryRun: true });
  const renamed = makeClient('new', { was: 'old' });
  const sameHome = { transportFor: () => fleet.transportFor(makeClient('old')) };
  await fleet.collect([renamed], sameHome);
  assert.deepEqual(await fleet.column('SELECT client FROM stats'), ['new', 'new', 'new']);
  assert.ok(fleet.events.some((event) => event.kind === 'note' && event.message === 'old is now called new'));
  await emptied(fleet, 'old');
});

test('a folder that takes no sealed reports fails its client alone, and the reports come later', async () => {
  const fleet = makeFleet();
  const sealed = statePaths(fleet.stateDir).encryptedStats;
  mkdirSync(sealed, { recursive: true });
  writeFileSync(path.join(sealed, 'web-1'), 'a file where the folder should be');
  const result = await fleet.collect(clientsOf('web-1', 'web-2'));
  assert.equal(result.exitStatus, 1);
  assert.equal(result.succeeded, 1);
  assert.deepEqual(pluckAll(result.failures, 'client', 'code'), [['web-1', 'inbox-strange']]);
  assert.equal(fleet.spooledAt('web-1').length, 3);
  rmSync(path.join(sealed, 'web-1'));
  const later = await fleet.collect(clientsOf('web-1', 'web-2'));
  assert.equal(later.exitStatus, 0);
  await emptied(fleet, 'web-1');
  assert.equal(await fleet.count("stats WHERE client = 'web-1'"), 2);
});

test('a client that answers with the reports of another is not believed', async () => {
  const fleet = makeFleet();
  const clients = clientsOf('web-1', 'thief');
  await fleet.collect(clients, { dryRun: true });
  const thief: Transport = {
    connect: async (options) => {
      // The request asks the agent for reports of web-1.
      const connection = await fleet.transportFor(makeClient('web-1')).connect(options);
      return { ...connection, exec: (command) => connection.exec(asIfFor('web-1', command)) };
    },
  };
  const result = await fleet.collect(clients, {
    transportFor: (client) => (client.name === 'web-1' ? failing('connect-refused') : thief),
  });
  assert.equal(result.succeeded, 0);
  assert.equal(result.failed, 2);
  assert.equal(result.reports.stored, 0);
  assert.equal(result.failures.find(({ client }) => client === 'thief')?.code, 'report-foreign');
  assert.equal(fleet.spooledAt('web-1').length > 0, true);
});

/** Returns the loader's command with another client's name in the request. */
function asIfFor(client: string, command: string): string {
  return command.replace(/[A-Za-z0-9_-]{100,}/g, (text) => {
    const request = Buffer.from(text, 'base64url').toString();
    if (!request.startsWith('{')) return text;
    const parsed = JSON.parse(request) as Record<string, unknown>;
    return Buffer.from(JSON.stringify({ ...parsed, client })).toString('base64url');
  });
}

test('a run removes what killed programs left half written an hour ago', async () => {
  const fleet = makeFleet();
  const paths = statePaths(fleet.stateDir);
  const halves = [paths.dir, paths.keys, documentsOf(paths, { kind: 'collector' }), paths.lastGood].map((dir) => {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const file = path.join(dir, '.0011223344556677.part');
    writeFileSync(file, '');
    utimesSync(file, 0, 0);
    return file;
  });
  await fleet.collect(clientsOf('web-1'));
  assert.deepEqual(halves.filter(existsSync), []);
});

test('keys that cannot be used prevent the run', async () => {
  const fleet = makeFleet();
  mkdirSync(statePaths(fleet.stateDir).keys, { recursive: true });
  writeFileSync(path.join(statePaths(fleet.stateDir).keys, 'mine.pem'), '');
  await assert.rejects(fleet.collect(clientsOf('web-1')), { code: 'keys-invalid', exitStatus: 3 });
  rmSync(statePaths(fleet.stateDir).keys, { recursive: true });
  assert.equal((await fleet.collect(clientsOf('web-1'))).exitStatus, 0);
});

test('filters visit only those asked for, retired clients are left alone', async () => {
  const fleet = makeFleet();
  const clients = [...clientsOf('web-1', 'web-2'), makeClient('gone', { state: 'retired' })];
  const result = await fleet.collect(clients, { only: new Set(['web-2', 'gone']) });
  assert.deepEqual([result.clients, result.succeeded], [1, 1]);
  assert.deepEqual(await fleet.column('SELECT scope FROM runs'), ['filtered']);
  assert.equal(readFileSync(path.join(fleet.stateDir, 'collector-id'), 'utf8').trim().length, 36);
});
