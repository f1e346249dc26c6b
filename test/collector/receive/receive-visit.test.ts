import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';

import { documentsOf } from '../../../src/collector/inbox/origins.ts';
import { RememberedReports } from '../../../src/collector/receive/known-reports.ts';
import { openReceiver } from '../../../src/collector/receive/receiver.ts';
import { receiveVisit, type ReceivedVisit } from '../../../src/collector/receive/receive-visit.ts';
import type { Client, CollectorConfig } from '../../../src/config/config.ts';
import { encodeFrame, encodeJsonFrame } from '../../../src/report/frames.ts';
import { pushLimits, pushMarker } from '../../../src/report/seal/push.ts';
import { protocolVersion } from '../../../src/report/wire.ts';
import { generateKeyPair } from '../../../src/report/seal/key-pair.ts';
import { statePaths } from '../../../src/state-folder/paths.ts';
import { makeClient, makeConfig, makeFleet, type Fleet } from '../../support/fleets/fleet.ts';
import { acknowledgedIn, pushedStream } from '../../support/clients/pushed-stream.ts';
import { sealedSample, type SealedSample } from '../../support/clients/sealed-report.ts';

const pushing = (name: string): Client => makeClient(name, { arrival: { kind: 'comes', everyMs: 300_000 } });
const web = pushing('web-1');

interface Pushed extends ReceivedVisit {
  readonly answer: Buffer;
}

/** Pushes these bytes as web-1. */
async function push(
  fleet: Fleet,
  bytes: Buffer,
  collector: Partial<CollectorConfig> = {},
  remembered = new RememberedReports(),
): Promise<Pushed> {
  const config = makeConfig(fleet.stateDir, [web], collector);
  const receiver = await openReceiver(config, Date.now());
  const [input, output] = [new PassThrough(), new PassThrough()];
  const chunks: Buffer[] = [];
  output.on('data', (chunk: Buffer) => chunks.push(chunk));
  input.end(bytes);
  const { signal } = new AbortController();
  const received = await receiveVisit({
    ...{ receiver, config, client: web, input, output, signal, remembered },
    now: Date.now,
  });
  return { ...received, answer: Buffer.concat(chunks) };
}

/** Returns a report of web-1 that is sealed to the newest key of the fleet. */
async function sample(fleet: Fleet, client = 'web-1'): Promise<SealedSample> {
  const { keyRing } = await openReceiver(makeConfig(fleet.stateDir, [web]), Date.now());
  const { id, publicKey } = keyRing.sealing;
  return sealedSample({ key: { ...generateKeyPair(), id, publicKey }, inside: { client } });
}

test('pushed reports are files before they are acknowledged, and rows after the next run, once', async () => {
  const fleet = makeFleet();
  const [one, two] = [await sample(fleet), await sample(fleet)];
  const stream = pushedStream({ sealed: [one.sealed, two.sealed] });
  const { answer, record, fault } = await push(fleet, stream);
  assert.equal(fault, null);
  assert.deepEqual(acknowledgedIn(answer), [one.reportId, two.reportId]);
  assert.deepEqual(
    { ok: record.ok, reader: record.reader, bytesIn: record.bytesIn, bytesOut: record.bytesOut },
    { ok: true, reader: 'push', bytesIn: stream.length, bytesOut: answer.length },
  );
  assert.equal(fleet.sealedFiles().length, 2);

  const first = await fleet.collect([web]);
  assert.deepEqual(
    { exitStatus: first.exitStatus, clients: first.clients, succeeded: first.succeeded, failures: first.failures },
    { exitStatus: 0, clients: 1, succeeded: 1, failures: [] },
  );
  assert.deepEqual([first.reports.stored, fleet.sealedFiles().length], [2, 0]);
  assert.deepEqual(readdirSync(documentsOf(statePaths(fleet.stateDir), { kind: 'collector' })), []);
  assert.deepEqual(await fleet.column('SELECT ok FROM visits'), [1]);
  assert.deepEqual(await fleet.column('SELECT reader FROM clients'), ['push']);

  // The acknowledgement was lost, so both reports are pushed again.
  assert.equal(acknowledgedIn((await push(fleet, stream)).answer).length, 2);
  const second = await fleet.collect([web]);
  assert.deepEqual([second.reports.stored, second.reports.duplicate], [0, 2]);
  assert.equal(await fleet.count('stats'), 2);
  assert.deepEqual(await fleet.column('SELECT ok FROM visits'), [1, 1]);
});

test('a push that comes again is acknowledged, and makes neither a file nor a visit', async () => {
  const fleet = makeFleet();
  const [one, two] = [await sample(fleet), await sample(fleet)];
  const stream = pushedStream({ sealed: [one.sealed] });
  const remembered = new RememberedReports();
  const visits = (): number => readdirSync(documentsOf(statePaths(fleet.stateDir), { kind: 'collector' })).length;
  await push(fleet, stream, {}, remembered);
  const files = fleet.sealedFiles();
  // The push reaches another process, which finds the file, and then the same process.
  for (const known of [new RememberedReports(), remembered]) {
    const { answer, fault } = await push(fleet, stream, {}, known);
    assert.deepEqual([acknowledgedIn(answer), fault], [[one.reportId], null]);
    assert.deepEqual([fleet.sealedFiles(), visits()], [files, 1]);
  }
  await fleet.collect([web]);
  const later = await push(fleet, stream, {}, remembered);
  assert.deepEqual(acknowledgedIn(later.answer), [one.reportId]);
  assert.deepEqual(fleet.sealedFiles(), []);
  assert.equal(visits(), 0);
  await push(fleet, pushedStream({ sealed: [one.sealed, two.sealed] }), {}, remembered);
  assert.deepEqual([fleet.sealedFiles().length, visits()], [1, 1]);
});

test('a damaged file of the same report is no reason to acknowledge it', async () => {
  const fleet = makeFleet();
  const { sealed, reportId } = await sample(fleet);
  const stream = pushedStream({ sealed: [sealed] });
  await push(fleet, stream);
  const [file = ''] = fleet.sealedFiles();
  writeFileSync(path.resolve(statePaths(fleet.stateDir).encryptedStats, file), sealed.subarray(0, 100));
  const { answer } = await push(fleet, stream);
  assert.deepEqual([acknowledgedIn(answer), fleet.sealedFiles().length], [[reportId], 2]);
});

test('the report of another client, or for another key, is not acknowledged, and those beside it are', async () => {
  const fleet = makeFleet();
  const own = await sample(fleet);
  const foreign = await sample(fleet, 'db-1');
  const keyless = sealedSample({ key: generateKeyPair(), inside: { client: 'web-1' } });
  for (const [other, code] of [
    [foreign, 'report-foreign'],
    [keyless, 'seal-no-key'],
  ] as const) {
    const { answer, fault, record } = await push(fleet, pushedStream({ sealed: [other.sealed, own.sealed] }));
    assert.equal(fault?.code, code);
    assert.equal(record.ok, false);
    assert.equal(record.code, code);
    assert.deepEqual(acknowledgedIn(answer), [own.reportId]);
  }
  assert.deepEqual(readdirSync(statePaths(fleet.stateDir).encryptedStats), ['web-1']);
});

const hello = { v: protocolVersion, agent: 'test', wall_ms: 1, monotonic_ms: 1, boot_id: null };
const started = Buffer.concat([pushMarker, encodeJsonFrame('H', hello)]);
const hostile: readonly { readonly what: string; readonly bytes: Buffer; readonly code: string }[] = [
  { what: 'says nothing', bytes: Buffer.alloc(0), code: 'agent-output' },
  { what: 'never comes to its marker', bytes: Buffer.alloc(200_000, 'x'), code: 'agent-output' },
  { what: 'ends in the middle', bytes: started, code: 'agent-output' },
  {
    what: 'speaks another version',
    bytes: Buffer.concat([pushMarker, encodeJsonFrame('H', { ...hello, v: 9 })]),
    code: 'agent-output',
  },
  {
    what: 'announces a report of 2 GiB',
    bytes: Buffer.concat([started, Buffer.from([82, 127, 255, 255, 255])]),
    code: 'report-too-large',
  },
  {
    what: 'sends what is not sealed',
    bytes: Buffer.concat([started, Buffer.from('U'), pushMarker]),
    code: 'agent-output',
  },
  {
    what: 'sends more than is taken',
    bytes: Buffer.concat([
      started,
      ...Array<Buffer>(pushLimits.maxReports + 1).fill(encodeFrame('R', Buffer.from('x'))),
    ]),
    code: 'agent-output',
  },
];
for (const { what, bytes, code } of hostile) {
  test(`a client that ${what} is ${code}, and nothing is kept`, async () => {
    const fleet = makeFleet();
    const { fault, record, acknowledged } = await push(fleet, bytes);
    assert.deepEqual(
      { code: fault?.code, acknowledged, ok: record.ok, sealedFiles: fleet.sealedFiles() },
      { code, acknowledged: 0, ok: false, sealedFiles: [] },
    );
  });
}

test('what does not fit into the spool stays on the client', async () => {
  const fleet = makeFleet();
  const { sealed } = await sample(fleet);
  const { fault, answer } = await push(fleet, pushedStream({ sealed: [sealed] }), { spoolBytes: 1000 });
  assert.equal(fault?.code, 'spool-full');
  assert.deepEqual(acknowledgedIn(answer), []);
  assert.deepEqual(fleet.sealedFiles(), []);
});

test('reports that a run finds while it goes are not disturbed by those that arrive', async () => {
  const fleet = makeFleet();
  const folder = path.join(statePaths(fleet.stateDir).encryptedStats, 'web-1');
  for (let round = 0; round < 5; round += 1) {
    const { sealed } = await sample(fleet);
    const [{ fault }] = await Promise.all([push(fleet, pushedStream({ sealed: [sealed] })), fleet.collect([web])]);
    assert.equal(fault, null);
  }
  await fleet.collect([web]);
  assert.deepEqual([await fleet.count('stats'), await fleet.count('visits WHERE ok = 1')], [5, 5]);
  assert.deepEqual(readdirSync(folder), []);
});

test('a receiver leaves files alone that only a holder of the lock may rename', async () => {
  const { stateDir } = makeFleet();
  const folder = path.join(statePaths(stateDir).encryptedStats, 'web-1');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const name = Buffer.from('\xff.fhs', 'latin1');
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), name]), '');
  await openReceiver(makeConfig(stateDir, [web]), Date.now());
  assert.deepEqual(readdirSync(folder, { encoding: 'buffer' }), [name]);
});
