// Second tier: clients that answer anything.
/** Whatever waits in the state folder, and whatever clients and sites answer: a run stores the rest. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable, Transform, Writable } from 'node:stream';
import { test } from 'node:test';

import fc from 'fast-check';

import { loadKeyRing } from '../../src/collector/keys/key-ring.ts';
import { openReceiver } from '../../src/collector/receive/receiver.ts';
import { receiveSiteFile } from '../../src/collector/receive/receive-site-file.ts';
import { receiveVisit } from '../../src/collector/receive/receive-visit.ts';
import type { Client } from '../../src/config/config.ts';
import { encodeFrame } from '../../src/report/frames.ts';
import { pushMarker } from '../../src/report/seal/push.ts';
import { sealReport } from '../../src/report/seal/seal.ts';
import { statePaths } from '../../src/state-folder/paths.ts';
import type { VisitRecord } from '../../src/storage/store/storage.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { sampleReport } from '../report/support/sample-report.ts';
import { madeEvent } from './events/support/event-samples.ts';
import { runEnd, runStart, visit } from '../storage/support/samples.ts';
import { makeClient, makeConfig, makeFleet, type Fleet } from '../support/fleets/fleet.ts';
import { changedJson, changes, type Change } from '../support/clients/hostile-values.ts';
import { isLong, isWide } from '../support/long-tests.ts';
import { namesBelow } from '../support/names-below.ts';
import { scriptedAgent } from '../support/clients/scripted-agents.ts';

const nowMs = Date.now();
const start = runStart({ startedAtMs: nowMs - 60_000 });
const badVisit = visit({ runId: start.id, client: 'bad-1', startedAtMs: nowMs - 60_000, nextAttemptAtMs: 1, epoch: 3 });
const end = runEnd(start);
const documents = [
  { run: { start, end: null }, visits: [badVisit, { ...badVisit, client: 'bad-2' }] },
  { run: { start, end } },
  { events: [madeEvent('e')] },
];
const uuids = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'] as const;
const folders = ['collector', 'events', 'site-fra/collector', 'site-x/collector'];
const names = ['1.json', `${'0'.repeat(15)}-${uuids[0]}.json`, `.${'0'.repeat(15)}-${uuids[0]}.json.open`];
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((some) => Buffer.from(some)),
  fc.constant(Buffer.from('['.repeat(6000))),
  fc
    .tuple(fc.nat(documents.length - 1), changes)
    .map(([index, those]) => Buffer.from(changedJson(documents[index], those))),
);
const digits = fc.constantFrom('0', '-', '1', '9999999999999999', '8640000000000001', '253402300800000', String(nowMs));

interface Outside {
  readonly documents: readonly (readonly [folder: number, name: number, Buffer])[];
  /** Sealed files: the parts of their names, and changes of the report inside. */
  readonly sealed: readonly (readonly [readonly string[], readonly Change[]])[];
  readonly raw: Buffer;
  readonly hello: readonly Change[];
}

const outside: fc.Arbitrary<Outside> = fc.record({
  documents: fc.array(fc.tuple(fc.nat(folders.length - 1), fc.nat(names.length - 1), bytes), { maxLength: 6 }),
  sealed: fc.array(fc.tuple(fc.array(digits, { minLength: 3, maxLength: 3 }), changes), { maxLength: 3 }),
  raw: fc.uint8Array({ maxLength: 100 }).map((some) => Buffer.from(some)),
  hello: changes,
});

/** An agent whose hello is refused does not end by itself. */
const collector = { agentTimeoutMs: 2500 };
const hello = { v: 1, agent: 'x', wall_ms: nowMs, monotonic_ms: 5, boot_id: 'b' };
const last = { left: 0, place: null, spool_error: null };
const ofSite = makeClient('site-1', {
  ...{ arrival: { kind: 'site', site: 'fra' }, labels: { site: 'fra' } },
});
const clients = ['good-1', 'bad-1', 'bad-2'].map((name) => makeClient(name));

function frameOf(type: 'H' | 'E', content: string): Buffer {
  return encodeFrame(type, Buffer.from(content));
}

/** Writes files into the state folder, as nobody of ours does: some are those of a site, and rsync brought them. */
function putFiles(fleet: Fleet, given: Outside): void {
  const paths = statePaths(fleet.stateDir);
  const { publicKey } = loadKeyRing(paths, nowMs).sealing;
  const sealedFolders = [path.join(paths.encryptedStats, 'bad-1'), path.join(paths.inbox, 'site-fra', 'site-1')];
  for (const dir of [...sealedFolders, ...folders.map((folder) => path.join(paths.inbox, folder))]) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  }
  for (const [folder, name, content] of given.documents) {
    writeFileSync(path.join(paths.inbox, folders[folder] ?? '', names[name] ?? ''), content);
  }
  for (const folder of sealedFolders) {
    const client = path.basename(folder);
    for (const [number, [parts, those]] of given.sealed.entries()) {
      const reportId = `${number}`.padStart(8, client === 'bad-1' ? '0' : '1') + uuids[0].slice(8);
      const plaintext = Buffer.from(changedJson({ ...sampleReport, client, report_id: reportId }, those));
      const content = sealReport({ publicKey, reportId, client, plaintext });
      writeFileSync(path.join(folder, `${reportId}.${parts.join('.')}.-.fhs`), content);
    }
    writeFileSync(path.join(folder, 'raw.fhs'), given.raw);
  }
}

/** Sends the stream of a client that pushes, and a file of a site. */
async function push(fleet: Fleet, helloText: string, body: Buffer): Promise<void> {
  const config = makeConfig(fleet.stateDir, [...clients, ofSite]);
  const { signal } = new AbortController();
  const stream = Buffer.concat([pushMarker, frameOf('H', helloText), frameOf('E', JSON.stringify(last))]);
  const receiver = await openReceiver(config, nowMs);
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const [, bad] = clients;
  assert.ok(bad);
  const input = Readable.from([stream]);
  await receiveVisit({ receiver, config, signal, now: Date.now, client: bad, input, output });
  for (const [folder, name] of [
    ['collector', `${'0'.repeat(15)}-${uuids[1]}.json`],
    ['site-1', `${uuids[1]}.1.-.-.-.fhs`],
  ] as const) {
    assert.equal(await receiveSiteFile({ receiver, config, site: 'fra', folder, name, body }), null);
  }
}

/** Returns a transport to an agent whose hello is changed. */
function changedAgent(name: string, those: readonly Change[]): Transport {
  const { transport } = scriptedAgent(name);
  const change = (chunk: Buffer): Buffer => {
    const at = chunk.indexOf('{"v"');
    if (at === -1) return chunk;
    const size = chunk.readUInt32BE(at - 4);
    const content: unknown = JSON.parse(chunk.toString('utf8', at, at + size));
    return Buffer.concat([
      chunk.subarray(0, at - 5),
      frameOf('H', changedJson(content, those)),
      chunk.subarray(at + size),
    ]);
  };
  return {
    connect: async (...given) => {
      const connection = await transport.connect(...given);
      return {
        ...connection,
        exec: async (command) => {
          const channel = await connection.exec(command);
          const changed = new Transform({ transform: (chunk: Buffer, _encoding, done) => done(null, change(chunk)) });
          return { ...channel, stdout: channel.stdout.pipe(changed) };
        },
      };
    },
  };
}

test('no bytes that wait, and no answers of clients and sites, keep a run from storing the rest', async () => {
  await fc.assert(
    fc.asyncProperty(outside, async (given) => {
      const fleet = makeFleet();
      putFiles(fleet, given);
      await push(fleet, changedJson(hello, given.hello), given.raw);
      const transportFor = (client: Client): Transport =>
        client.name === 'good-1' ? fleet.transportFor(client) : changedAgent(client.name, given.hello);
      for (const times of [1, 2, 3]) {
        const { exitStatus, faults, runId } = await fleet.collect([...clients, ofSite], { transportFor, collector });
        assert.deepEqual([faults, exitStatus === 3], [[], false], JSON.stringify(faults));
        assert.deepEqual(await fleet.column(`SELECT outcome FROM runs WHERE id = '${runId}'`), ['finished']);
        assert.equal(await fleet.count(`stats WHERE client = 'good-1'`), times);
        assert.equal(await fleet.count(`visits WHERE client = 'good-1' AND ok = 1`), times);
      }
      const { inbox, encryptedStats } = statePaths(fleet.stateDir);
      const waiting = [...namesBelow(encryptedStats, '.fhs'), ...namesBelow(inbox, '')];
      assert.deepEqual(
        waiting.filter(
          (name) => /\.(?:fhs|json)$|^collector\/.*open$/.test(name) && !/quarantine\/|set-aside\//.test(name),
        ),
        [],
      );
      fleet.remove();
    }),
    { numRuns: isLong ? 60 : isWide ? 20 : 4 },
  );
});

const siteVisit = visit({ runId: 'r', client: 'site-1', startedAtMs: nowMs, nextAttemptAtMs: 1 });
const times: readonly (readonly [what: string, startedAtMs: number, visit: Partial<VisitRecord>, stored: number])[] = [
  ['a clock in the year 287000', 9e15, { nextAttemptAtMs: 1 }, 0],
  ['a clock of 1970', 0, { nextAttemptAtMs: 8_639_999_999_999_999 }, 0],
  ['a visit in the year 3000', nowMs, { startedAtMs: Date.UTC(3000, 0, 1), nextAttemptAtMs: 0 }, 1],
  ['an attempt in the year 10000', nowMs, { nextAttemptAtMs: 253_402_300_800_000 }, 1],
  ['an attempt before the year 0', nowMs, { nextAttemptAtMs: -62_167_219_200_001 }, 1],
  ['fractions', nowMs - 0.5, { startedAtMs: nowMs - 0.5, nextAttemptAtMs: 0.1, durationMs: 0.3, bytesIn: 0.7 }, 1],
];

for (const [what, startedAtMs, changed, stored] of times) {
  test(`one file of a site with ${what} does not end storing for everybody`, async () => {
    const fleet = makeFleet();
    const run = { start: { ...start, startedAtMs }, end: { ...end, finishedAtMs: startedAtMs } };
    const sent = { run, visits: [{ ...siteVisit, startedAtMs, ...changed, ok: false }] };
    await push(fleet, JSON.stringify({ ...hello, wall_ms: startedAtMs }), Buffer.from(JSON.stringify(sent)));
    const { faults } = await fleet.collect([...clients, ofSite]);
    assert.deepEqual(faults, []);
    assert.equal(await fleet.count(`visits WHERE client = 'site-1'`), stored);
    assert.equal(await fleet.count(`stats WHERE client = 'good-1'`), 1);
  });
}
