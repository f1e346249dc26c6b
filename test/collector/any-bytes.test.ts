/** Whatever waits in the state folder, and whatever clients and sites answer: a run stores the rest. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable, Transform, Writable } from 'node:stream';
import { test } from 'node:test';

import fc from 'fast-check';

import { loadKeyRing } from '../../src/collector/keys/key-ring.ts';
import { openReceiver } from '../../src/collector/receive/receiver.ts';
import { receiveSite } from '../../src/collector/receive/receive-site.ts';
import { receiveVisit } from '../../src/collector/receive/receive-visit.ts';
import type { Client } from '../../src/config/config.ts';
import { encodeFrame } from '../../src/report/frames.ts';
import { pushMarker } from '../../src/seal/push.ts';
import { sealReport } from '../../src/seal/seal.ts';
import { statePaths } from '../../src/state/paths.ts';
import type { VisitRecord } from '../../src/storage/store/storage.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { sampleReport } from '../report/support/sample-report.ts';
import { runEnd, runStart, visit } from '../storage/support/samples.ts';
import { makeClient, makeConfig, makeFleet, type Fleet } from '../support/fleet.ts';
import { changedJson, changes, type Change } from '../support/hostile-values.ts';
import { isWide } from '../support/long-tests.ts';
import { namesBelow } from '../support/names-below.ts';
import { scriptedAgent } from '../support/scripted-agents.ts';

const nowMs = Date.now();
const start = runStart({ startedAtMs: nowMs - 60_000 });
const badVisit = visit({ runId: start.id, client: 'bad-1', startedAtMs: nowMs - 60_000, nextAttemptAtMs: 1, epoch: 3 });
const lines = [
  { kind: 'start', start },
  { kind: 'visits', visits: [badVisit, { ...badVisit, client: 'bad-2' }] },
  { kind: 'end', end: runEnd(start) },
  { kind: 'forwarded', start, end: runEnd(start) },
];
const uuids = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'] as const;
const journalNames = [
  '1.jsonl',
  `${'0'.repeat(15)}-${uuids[0]}.jsonl`,
  `${'0'.repeat(15)}-${uuids[0]}.${uuids[1]}.jsonl`,
];
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((some) => Buffer.from(some)),
  fc
    .array(fc.tuple(fc.nat(lines.length - 1), changes), { maxLength: 5 })
    .map((some) => Buffer.from(some.map(([index, those]) => `${changedJson(lines[index], those)}\n`).join(''))),
);
const digits = fc.constantFrom('0', '-', '1', '9999999999999999', '8640000000000001', '253402300800000', String(nowMs));

interface Outside {
  readonly journals: readonly (readonly [number, Buffer])[];
  /** Sealed files: the parts of their names, and changes of the report inside. */
  readonly sealed: readonly (readonly [readonly string[], readonly Change[]])[];
  readonly raw: Buffer;
  readonly hello: readonly Change[];
  readonly frames: readonly (readonly [number, readonly Change[]])[];
}

const outside: fc.Arbitrary<Outside> = fc.record({
  journals: fc.array(fc.tuple(fc.nat(journalNames.length - 1), bytes), { maxLength: 4 }),
  sealed: fc.array(fc.tuple(fc.array(digits, { minLength: 3, maxLength: 3 }), changes), { maxLength: 3 }),
  raw: fc.uint8Array({ maxLength: 100 }).map((some) => Buffer.from(some)),
  hello: changes,
  frames: fc.array(fc.tuple(fc.nat(2), changes), { maxLength: 3 }),
});

/** An agent whose hello is refused does not end by itself. */
const collector = { agentTimeoutMs: 2500 };
const hello = { v: 1, agent: 'x', wall_ms: nowMs, monotonic_ms: 5, boot_id: 'b' };
const end = { left: 0, place: null, spool_error: null };
const ofSite = makeClient('site-1', {
  ...{ arrival: { kind: 'site', site: 'fra' }, labels: { site: 'fra' } },
});
const clients = ['good-1', 'bad-1', 'bad-2'].map((name) => makeClient(name));

function frameOf(type: 'H' | 'C' | 'V' | 'E', content: string): Buffer {
  return encodeFrame(type, Buffer.from(content));
}

/** Writes files into the state folder, as nobody of ours does. */
function putFiles(fleet: Fleet, { journals, sealed, raw }: Outside): void {
  const paths = statePaths(fleet.stateDir);
  const { publicKey } = loadKeyRing(paths, nowMs).sealing;
  const folder = path.join(paths.encryptedStats, 'bad-1');
  for (const dir of [paths.journal, folder]) mkdirSync(dir, { recursive: true, mode: 0o700 });
  for (const [index, content] of journals) writeFileSync(path.join(paths.journal, journalNames[index] ?? ''), content);
  for (const [number, [parts, those]] of sealed.entries()) {
    const reportId = `${number}`.padStart(8, '0') + uuids[0].slice(8);
    const report = { ...sampleReport, client: 'bad-1', report_id: reportId };
    const plaintext = Buffer.from(changedJson(report, those));
    const content = sealReport({ publicKey, reportId, client: 'bad-1', plaintext });
    writeFileSync(path.join(folder, `${reportId}.${parts.join('.')}.-.fhs`), content);
  }
  writeFileSync(path.join(folder, 'raw.fhs'), raw);
}

const siteVisit = visit({ runId: 'r', client: 'site-1', startedAtMs: nowMs, nextAttemptAtMs: 1 });
const contents = [{ kind: 'visits', visits: [siteVisit] }, { kind: 'run', start, end: runEnd(start) }, { clock: null }];

/** Sends the streams of a client that pushes, and of a site. */
async function push(fleet: Fleet, helloText: string, frames: readonly Buffer[]): Promise<void> {
  const config = makeConfig(fleet.stateDir, [...clients, ofSite]);
  const { signal } = new AbortController();
  const stream = (inside: readonly Buffer[]): Readable =>
    Readable.from([Buffer.concat([pushMarker, frameOf('H', helloText), ...inside, frameOf('E', JSON.stringify(end))])]);
  const receiver = await openReceiver(config, nowMs);
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const shared = { receiver, config, signal, now: Date.now };
  const [, bad] = clients;
  assert.ok(bad);
  await receiveVisit({ ...shared, client: bad, input: stream([]), output });
  await receiveSite({ ...shared, site: 'fra', input: stream(frames) });
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
      const frames = given.frames.map(([index, those]) =>
        frameOf(index === 2 ? 'C' : 'V', changedJson(contents[index], those)),
      );
      await push(fleet, changedJson(hello, given.hello), frames);
      const transportFor = (client: Client): Transport =>
        client.name === 'good-1' ? fleet.transportFor(client) : changedAgent(client.name, given.hello);
      for (const times of [1, 2, 3]) {
        const { exitStatus, faults, runId } = await fleet.collect([...clients, ofSite], { transportFor, collector });
        assert.deepEqual([faults, exitStatus === 3], [[], false], JSON.stringify(faults));
        assert.deepEqual(await fleet.column(`SELECT outcome FROM runs WHERE id = '${runId}'`), ['finished']);
        assert.equal(await fleet.count(`stats WHERE client = 'good-1'`), times);
        assert.equal(await fleet.count(`visits WHERE client = 'good-1' AND ok = 1`), times);
      }
      const { journal, encryptedStats } = statePaths(fleet.stateDir);
      assert.deepEqual(
        readdirSync(journal).filter((name) => name !== 'set-aside'),
        [],
      );
      assert.deepEqual(
        namesBelow(encryptedStats, '.fhs').filter((name) => !name.includes('quarantine/')),
        [],
      );
      fleet.remove();
    }),
    { numRuns: isWide ? 60 : 4 },
  );
});

const times: readonly (readonly [what: string, helloMs: number, visit: Partial<VisitRecord>])[] = [
  ['a clock in the year 287000', 9e15, { nextAttemptAtMs: 1 }],
  ['a clock in the year 287000 and a visit in 3000', 9e15, { startedAtMs: Date.UTC(3000, 0, 1), nextAttemptAtMs: 0 }],
  ['a clock of 1970', 0, { nextAttemptAtMs: 8_639_999_999_999_999 }],
  ['an attempt in the year 10000', nowMs, { nextAttemptAtMs: 253_402_300_800_000 }],
  ['an attempt before the year 0', nowMs, { nextAttemptAtMs: -62_167_219_200_001 }],
  ['fractions', nowMs, { startedAtMs: nowMs - 0.5, nextAttemptAtMs: 0.1, durationMs: 0.3, bytesIn: 0.7 }],
];

for (const [what, wallMs, changed] of times) {
  test(`one push of a site with ${what} does not end storing for everybody`, async () => {
    const fleet = makeFleet();
    const sent = { kind: 'visits', visits: [{ ...siteVisit, ...changed, ok: false, startedAtMs: wallMs, ...changed }] };
    await push(fleet, JSON.stringify({ ...hello, wall_ms: wallMs }), [frameOf('V', JSON.stringify(sent))]);
    const { faults } = await fleet.collect([...clients, ofSite]);
    assert.deepEqual(faults, []);
    assert.equal(await fleet.count(`visits WHERE client = 'site-1'`), 1);
    assert.equal(await fleet.count(`stats WHERE client = 'good-1'`), 1);
  });
}
