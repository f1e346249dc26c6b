// Second tier: waits for pauses between pushes.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';

import { listSpool } from '../../agent/spool/spool.ts';
import { push, type PushOptions, type PushResult } from '../../src/agent-program/push/push.ts';
import { readSettings } from '../../src/agent-program/settings.ts';
import type { PushTransport } from '../../src/agent-program/push/push-transports.ts';
import { openReceiver } from '../../src/collector/receive/receiver.ts';
import { receiveVisit } from '../../src/collector/receive/receive-visit.ts';
import { dayMs, minuteMs } from '../../src/platform/units.ts';
import { generateKeyPair } from '../../src/report/seal/key-pair.ts';
import { makeClient, makeConfig, makeFleet, type Fleet } from '../support/fleets/fleet.ts';
import { isWide } from '../support/long-tests.ts';
import { sealedSample } from '../support/clients/sealed-report.ts';
import { tempFolder } from '../support/temp-folder.ts';

const laptop = makeClient('laptop', { arrival: { kind: 'comes', everyMs: 300_000 } });

const anyKey = generateKeyPair();

/** Enrols a laptop at the collector of a fleet. Returns the functions of the laptop. */
async function enrolled(fleet: Fleet) {
  const config = makeConfig(fleet.stateDir, [laptop]);
  const { keyRing } = await openReceiver(config, Date.now());
  const dir = tempFolder();
  const state = path.join(dir, 'state');
  const file = path.join(dir, 'agent.json');
  const collector = randomUUID();
  const content = {
    client: 'laptop',
    collector,
    publicKey: Buffer.from(keyRing.sealing.publicKey).toString('base64url'),
    pushKey: Buffer.alloc(32, 7).toString('base64url'),
    push: { to: 'ssh://nobody@collector.invalid', every: '5m' },
    state_directory: state,
    options: {},
    // Other tests add accounts to this machine.
    changes: 'no',
  };
  writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
  const settings = readSettings(file);
  const { enrolment } = settings;
  assert.ok(enrolment !== null);
  const run = (more: Partial<PushOptions> & Pick<PushOptions, 'transport'>): Promise<PushResult> =>
    push({ settings, enrolment, atOnce: true, inventory: false, signal: new AbortController().signal, ...more });
  const place = (): string => {
    const [machine = ''] = readdirSync(state);
    const [client = ''] = readdirSync(path.join(state, machine, collector));
    return path.join(state, machine, collector, client);
  };
  const spooled = (): readonly string[] => listSpool([place()]).map(({ id }) => id);
  /** Spools a report of an earlier time. Returns its id. */
  const spool = (atMs: number): string => {
    const { reportId, sealed } = sealedSample({
      key: { ...anyKey, id: keyRing.sealing.id, publicKey: keyRing.sealing.publicKey },
      inside: { client: 'laptop', datetime: new Date(atMs).toISOString(), boot_id: null },
    });
    writeFileSync(path.join(place(), `${atMs}-${reportId}.fhs`), sealed, { mode: 0o600 });
    return reportId;
  };
  /** Sends a body to the receiver of the collector, without a network. */
  const transport: PushTransport = async (body, signal) => {
    const receiver = await openReceiver(config, Date.now());
    const [input, output] = [new PassThrough(), new PassThrough()];
    const chunks: Buffer[] = [];
    output.on('data', (chunk: Buffer) => chunks.push(chunk));
    input.end(body);
    await receiveVisit({ receiver, config, client: laptop, input, output, signal, now: Date.now });
    return Buffer.concat(chunks);
  };
  return { run, transport, spooled, spool, place, state };
}

/** Requires these fields of a push's result. */
function assertPush(result: PushResult, expected: Partial<PushResult>): void {
  assert.deepEqual(result, { ...result, ...expected });
}

const away: PushTransport = () => Promise.reject(new Error('connect ECONNREFUSED'));

test('a push sends its report and those of failed pushes, and removes what was acknowledged', async () => {
  const fleet = makeFleet();
  const { run, transport, spooled } = await enrolled(fleet);
  const beganMs = performance.now();
  const failed = await run({ transport: away });
  assertPush(failed, { acknowledged: 0, kept: 1, failure: 'connect ECONNREFUSED', fault: null });
  assert.equal(spooled().length, 1);
  const sent = await run({ transport });
  assertPush(sent, { acknowledged: 2, kept: 0, failure: null });
  assert.deepEqual(spooled(), []);
  const spentMs = performance.now() - beganMs;
  const { reports } = await fleet.collect([laptop]);
  assert.deepEqual([reports.stored, reports.quarantined], [2, 0]);
  assert.deepEqual(await fleet.column('SELECT COUNT(*) FROM stats WHERE memory_percent > 0'), [2]);
  // agent.wall_ms must not include the time before the push, in which this process ran other tests.
  const [wallMs] = await fleet.column("SELECT SUM(json_extract(report, '$.agent.wall_ms')) FROM reports");
  assert.ok(Number(wallMs) > 0 && Number(wallMs) <= spentMs + 2, `${String(wallMs)} of ${spentMs}`);
});

const onlyWide = { skip: !isWide && 'takes four inventories of this machine' };
test('the inventory goes with a push that succeeded, once a day and after a boot', onlyWide, async () => {
  const fleet = makeFleet();
  const { run, transport, place } = await enrolled(fleet);
  const sent = async (more: Partial<PushOptions> = {}): Promise<readonly number[]> => {
    const { acknowledged, kept } = await run({ transport, inventory: true, ...more });
    return [acknowledged, kept];
  };
  assert.deepEqual(await sent({ transport: away }), [0, 1]);
  assert.deepEqual(await sent(), [3, 0]);
  assert.deepEqual(await sent(), [1, 0]);
  let lost = 0;
  const losing: PushTransport = (body, signal) => ((lost += 1) === 1 ? transport(body, signal) : away(body, signal));
  const nowMs = (): number => Date.now() + dayMs;
  assert.deepEqual(await sent({ nowMs, transport: losing }), [1, 0]);
  assert.deepEqual([lost, await sent({ nowMs })], [2, [2, 0]], 'it is kept until it is acknowledged');
  writeFileSync(path.join(place(), 'inventory.json'), JSON.stringify({ atMs: nowMs() - 1, bootId: 'other' }));
  chmodSync(path.join(place(), 'inventory.json'), 0o600);
  assert.deepEqual(await sent({ nowMs }), [2, 0]);
  const { reports } = await fleet.collect([laptop]);
  assert.deepEqual([reports.stored, reports.quarantined], [9, 0]);
  assert.deepEqual(await fleet.column('SELECT COUNT(*) FROM inventory_reports'), [3]);
  assert.deepEqual(
    // Another test that adds an account at the same time causes a second inventory.
    await fleet.column('SELECT MIN(cpu_model IS NOT NULL OR facts IS NOT NULL) FROM inventory'),
    [1],
  );
});

const answers: readonly (readonly [string, PushTransport])[] = [
  ['an empty answer', () => Promise.resolve(Buffer.alloc(0))],
  ["a captive portal's page", () => Promise.resolve(Buffer.from('<html>'.repeat(50)))],
  [
    'the ids of other reports',
    () => Promise.resolve(Buffer.concat([Buffer.from('fleet-health v1\n'), Buffer.alloc(64)])),
  ],
];
for (const [what, transport] of answers) {
  test(`${what} keeps every report`, async () => {
    const { run, spooled } = await enrolled(makeFleet());
    const failure = 'the collector acknowledged nothing';
    assertPush(await run({ transport }), { acknowledged: 0, kept: 1, failure });
    assert.equal(spooled().length, 1);
  });
}

/** The reports of a week, one every five minutes; of three hours without test:wide. */
const missed = isWide ? 2016 : 36;

test('reports of a long time without the collector arrive in order, with their own times', async () => {
  const fleet = makeFleet();
  const { run, transport, spooled, spool } = await enrolled(fleet);
  await run({ transport: away });
  const newest = spooled();
  const beganMs = Date.now() - missed * 5 * minuteMs;
  const ids = Array.from({ length: missed }, (_, index) => spool(beganMs + index * 5 * minuteMs));
  const arrived: string[] = [];
  const noting: PushTransport = async (body, signal) => {
    const answer = await transport(body, signal);
    for (let at = 16; at < answer.length; at += 16) arrived.push(answer.toString('hex', at, at + 16));
    return answer;
  };
  const sent = await run({ transport: noting });
  assertPush(sent, { acknowledged: missed + 2, kept: 0, failure: null });
  assert.deepEqual(spooled(), []);
  assert.deepEqual(
    arrived.slice(0, missed + 1),
    [...ids, ...newest].map((id) => id.replaceAll('-', '')),
  );
  await fleet.collect([laptop]);
  assert.equal(await fleet.count('stats'), missed + 2);
  const times = await fleet.column(`SELECT observed_at FROM stats ORDER BY observed_at LIMIT ${missed}`);
  const offsets = times.map((time, index) =>
    Math.abs(Date.parse(`${String(time)}Z`) - (beganMs + index * 5 * minuteMs)),
  );
  assert.ok(Math.max(...offsets) < 2000, String(Math.max(...offsets)));
});

test('after pushes that failed there is a pause, in which reports are made and kept', async () => {
  const fleet = makeFleet();
  const { run, transport, spooled } = await enrolled(fleet);
  const t0 = Date.now();
  const pauses: number[] = [];
  let atMs = t0;
  for (let round = 0; round < 8; round += 1) {
    const { pausedUntilMs } = await run({ transport: away, nowMs: () => atMs, atOnce: false });
    pauses.push(Math.round((pausedUntilMs ?? 0) - atMs) / minuteMs);
    atMs = (pausedUntilMs ?? 0) + 1;
  }
  const longest = [2, 4, 8, 16, 32, 60, 60, 60];
  for (const [index, most] of longest.entries()) {
    assert.ok((pauses[index] ?? 0) >= most / 2 && (pauses[index] ?? 0) <= most, pauses.join(' '));
  }
  const paused = await run({ transport, nowMs: () => atMs - 2, atOnce: false });
  assertPush(paused, { acknowledged: 0, failure: null });
  assert.equal(spooled().length, 9);
  // A pause is ignored if it was set by a clock that was far ahead.
  const past = await run({ transport, nowMs: () => t0 - 24 * 60 * minuteMs, atOnce: false });
  assertPush(past, { acknowledged: 10, pausedUntilMs: null });
  assert.equal((await run({ transport, atOnce: false })).pausedUntilMs, null);
});

test('a damaged file is set aside and counted, and stops nothing', async () => {
  const fleet = makeFleet();
  const { run, transport, spool, place, spooled } = await enrolled(fleet);
  await run({ transport });
  const id = spool(Date.now() - minuteMs);
  const [name = ''] = readdirSync(place()).filter((one) => one.includes(id));
  writeFileSync(path.join(place(), name), 'damaged');
  const sent = await run({ transport });
  assertPush(sent, { acknowledged: 1, kept: 0, failure: null });
  assert.deepEqual(spooled(), []);
  assert.equal(readFileSync(path.join(place(), 'damaged-report'), 'utf8'), 'damaged');
  await fleet.collect([laptop]);
  const [dropped] = await fleet.column(
    "SELECT MAX(CAST(json_extract(report, '$.agent.dropped_reports') AS INTEGER)) FROM reports",
  );
  assert.equal(dropped, 1);
});

test('a report that could neither be kept nor delivered is reported', async () => {
  const { run, transport, state } = await enrolled(makeFleet());
  await run({ transport });
  chmodSync(state, 0o755);
  const { kept, failure } = await run({ transport: away });
  assert.equal(kept, 0);
  assert.match(failure ?? '', /^connect ECONNREFUSED; the newest report is lost: .* is open to others \(mode 755\)\)$/);
  const unread = await run({ transport: () => Promise.resolve(Buffer.from('fleet-health v1\n')) });
  assert.match(unread.failure ?? '', /^the collector acknowledged nothing; the newest report is lost/);
  const sent = await run({ transport });
  assertPush(sent, { acknowledged: 1, kept: 0, failure: null });
});

test('a push that a signal ended makes no pause', async () => {
  const { run } = await enrolled(makeFleet());
  const ended = await run({ transport: away, signal: AbortSignal.abort(), atOnce: false });
  assertPush(ended, { kept: 1, failure: 'connect ECONNREFUSED', pausedUntilMs: null });
  assert.notEqual((await run({ transport: away, atOnce: false })).pausedUntilMs, null);
});

test('after pushes that failed the streams are smaller, and one report always goes', async () => {
  const { run, transport, spool, spooled, place } = await enrolled(makeFleet());
  await run({ transport });
  for (let minute = 80; minute > 0; minute -= 1) spool(Date.now() - minute * minuteMs);
  const sizes: number[] = [];
  const noting: PushTransport = (body) => {
    sizes.push(body.length);
    return Promise.reject(new Error('slow'));
  };
  for (const failures of [0, 1, 4, 60]) {
    writeFileSync(path.join(place(), 'push.json'), JSON.stringify({ failures, untilMs: 0 }), { mode: 0o600 });
    await run({ transport: noting });
  }
  const maxReports = [256, 128, 16, 8].map((kib) => kib * 1024 + 1024);
  for (const [index, most] of maxReports.entries()) assert.ok((sizes[index] ?? 0) <= most, sizes.join(' '));
  assert.equal(new Set(sizes).size, 4, sizes.join(' '));
  // On a fast link the size of a push grows.
  const few = sizes.length;
  const { failure } = await run({ transport: (body, signal) => (sizes.push(body.length), transport(body, signal)) });
  assert.equal(failure, null);
  assert.deepEqual(spooled(), []);
  assert.ok((sizes[few] ?? 0) < 10_000 && Math.max(...sizes.slice(few)) > 10_000, sizes.join(' '));
});
