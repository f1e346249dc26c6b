import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { test, type TestContext } from 'node:test';

import { forward, type Forwarding } from '../../../src/collector/forward/forward.ts';
import type { SiteAnswer } from '../../../src/collector/forward/site-link.ts';
import { openReceiver } from '../../../src/collector/receive/receiver.ts';
import { parseForwarded, payloadsOf } from '../../../src/collector/receive/forwarded.ts';
import { receiveSite } from '../../../src/collector/receive/receive-site.ts';
import { boundJournals, journalPath } from '../../../src/collector/pass/journal-files.ts';
import { journalOf } from '../../../src/collector/pass/journal.ts';
import { openSealedSpool } from '../../../src/collector/spool/sealed-spool.ts';
import type { Client, CollectorConfig } from '../../../src/config/config.ts';
import { FleetError } from '../../../src/errors.ts';
import { dayMs, hourMs, minuteMs } from '../../../src/platform/units.ts';
import { createFrameParser } from '../../../src/report/frames.ts';
import type { Frame } from '../../../src/report/wire.ts';
import { pushLimits, pushMarker } from '../../../src/seal/push.ts';
import { readHeader } from '../../../src/seal/sealed-message.ts';
import { generateKeyPair } from '../../../src/seal/key-pair.ts';
import { siteId } from '../../../src/state/collector-id.ts';
import { runEnd, runStart, visit } from '../../storage/support/samples.ts';
import { makeClient, makeConfig, makeFleet, type Fleet } from '../../support/fleet.ts';
import { sealedSample } from '../../support/sealed-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const forwarded = (name: string, site = 'fra'): Client =>
  makeClient(name, { arrival: { kind: 'site', site }, labels: { site } });
const clients = [forwarded('web-1'), forwarded('web-2'), forwarded('db-1', 'ber'), makeClient('hq-1')];

interface SiteOptions {
  /** The site's clock minus that of the other collector, in milliseconds. */
  readonly aheadMs?: number;
  readonly collector?: Partial<CollectorConfig>;
}

/** Makes a site whose streams a real receiver reads, without HTTP between. */
async function makeSite(t: TestContext, fleet: Fleet, { aheadMs = 0, collector = {} }: SiteOptions = {}) {
  const config = makeConfig(fleet.stateDir, clients, collector);
  const { keyRing } = await openReceiver(config, Date.now());
  const { id, publicKey } = keyRing.sealing;
  const key = { ...generateKeyPair(), id, publicKey };
  const dir = tempFolder(t);
  const spool = openSealedSpool(path.join(dir, 'encrypted_stats'));
  const journals = path.join(dir, 'journal');
  const bodies: Buffer[] = [];
  const faults: (FleetError | null)[] = [];
  const hooks: { after: (count: number) => void; aheadMs: number } = { after: () => undefined, aheadMs };
  const send = async (body: Buffer): Promise<SiteAnswer> => {
    const receiver = await openReceiver(config, Date.now());
    const { signal } = new AbortController();
    const now = (): number => Date.now() - hooks.aheadMs;
    const { answer, fault } = await receiveSite({
      ...{ receiver, config, site: 'fra', input: Readable.from([body]), signal, now },
    });
    faults.push(fault);
    bodies.push(body);
    hooks.after(bodies.length);
    const hex = answer.subarray(pushMarker.length).toString('hex');
    return { kind: 'taken', acknowledged: new Set(hex.match(/.{32}/g) ?? []) };
  };
  const report = async (
    client: string,
    atMs: number,
    header: { readonly client?: string; plaintext?: Buffer } = {},
  ) => {
    const inside = { client: header.client ?? client, datetime: new Date(atMs).toISOString(), boot_id: randomUUID() };
    const { reportId, sealed } = sealedSample({
      key,
      inside,
      ...(header.plaintext && { plaintext: header.plaintext }),
    });
    const clock = { offsetMs: 0, monotonicZeroMs: atMs - 1000, bootId: 'aa' };
    return await spool.add({ client, reportId, sealed, receivedAtMs: atMs, clock });
  };
  const run = (atMs: number, names: readonly string[], ok = true): string => {
    const start = runStart({ startedAtMs: atMs, id: randomUUID(), host: 'site-1' });
    const journal = journalOf(journals, start);
    journal.begin();
    journal.visits(
      names.map((client) =>
        visit({ runId: start.id, client, startedAtMs: atMs, ok, code: ok ? null : 'connect-failed' }),
      ),
    );
    journal.end(runEnd(start, { finishedAtMs: atMs + 1000 }));
    return journalPath(journals, atMs, start.id);
  };
  const forwardAll = async (
    present: { readonly reports: readonly Awaited<ReturnType<typeof report>>[]; readonly journal: string | null },
    way: (body: Buffer) => Promise<SiteAnswer> = send,
    more: Pick<Parameters<typeof forward>[0], 'refusedBefore' | 'slowAfterMs'> & { readonly failures?: number } = {},
  ): Promise<Forwarding> => {
    const { reports } = await spool.scan();
    const own = new Set(present.reports.map(({ file }) => file));
    return await forward({
      ...{
        spool,
        present,
        failures: 0,
        endsAt: Infinity,
        now: Date.now,
        onDamaged: () => assert.fail('a damaged report'),
      },
      link: { url: 'http://hq/v1/visit', send: way },
      backlog: {
        reports: reports.filter(({ file }) => !own.has(file)),
        journals: boundJournals(journals).kept.filter((file) => file !== present.journal),
      },
      signal: new AbortController().signal,
      remove: (one) => spool.remove(one),
      ...more,
    });
  };
  const waiting = async (): Promise<number> =>
    (await spool.scan()).reports.length + boundJournals(journals).kept.length;
  return { send, report, run, forwardAll, waiting, bodies, faults, hooks, dir, spool };
}

const nothing = { reports: [], journal: null };

/** Returns the times of the reports and records of streams, in their order. */
function timesIn(bodies: readonly Buffer[]): readonly number[] {
  const frames = bodies.flatMap((body): readonly Frame[] => {
    const limits = { ...pushLimits, maxGreetingBytes: 0, maxReportBytes: 2 ** 20, forwards: true };
    return createFrameParser({ ...limits, marker: pushMarker }).push(body);
  });
  return frames.flatMap(({ type, payload }) => {
    if (type !== 'C' && type !== 'V') return [];
    const { receivedAtMs, start, visits } = JSON.parse(payload.toString()) as {
      readonly receivedAtMs?: number;
      readonly start?: { readonly startedAtMs: number };
      readonly visits?: readonly { readonly startedAtMs: number }[];
    };
    return receivedAtMs ?? start?.startedAtMs ?? visits?.[0]?.startedAtMs ?? [];
  });
}

/** Asserts that the three records of the present come first, and the others in the order of their times. */
function assertPresentFirst(bodies: readonly Buffer[], nowMs: number): void {
  const times = timesIn(bodies.slice(0, 3));
  assert.deepEqual(times.slice(0, 3), [nowMs, nowMs, nowMs]);
  // The third stream is sent twice.
  for (const some of [times.slice(3), timesIn(bodies.slice(3))]) {
    const late = some.filter((time, index) => time < (some[index - 1] ?? 0) - minuteMs);
    assert.deepEqual(late, []);
  }
}

test(
  'days without the link: the present goes first, then all of it in order, once',
  { timeout: 120_000 },
  async (t) => {
    const fleet = makeFleet();
    const site = await makeSite(t, fleet);
    const nowMs = Math.floor(Date.now() / 1000) * 1000;
    const hours = 3 * 24;
    for (let hour = hours; hour > 0; hour -= 1) {
      const atMs = nowMs - hour * hourMs;
      site.run(atMs, ['web-1', 'web-2']);
      for (const name of ['web-1', 'web-2']) await site.report(name, atMs + 100);
    }
    const present = { reports: [await site.report('web-1', nowMs)], journal: site.run(nowMs, ['web-1']) };
    // The answer to the third stream is lost, so the stream is sent again.
    site.hooks.after = (count) => {
      if (count === 3) throw new FleetError({ code: 'push-failed', stage: 'run', message: 'the answer was lost' });
    };
    const first = await site.forwardAll(present, site.send, { failures: 5 });
    assert.match(first.fault?.message ?? '', /the answer was lost/);
    assert.ok(first.reports > 0 && first.left > 0, JSON.stringify(first));
    const second = await site.forwardAll(nothing);
    assert.equal(second.fault, null);
    assert.equal(second.left, 0);
    assert.deepEqual(second.refused, []);
    assert.equal(await site.waiting(), 0);
    assertPresentFirst(site.bodies, nowMs);
    assert.deepEqual(
      site.faults.filter((fault) => fault !== null),
      [],
    );
    const result = await fleet.collect([...clients.slice(0, 2)]);
    assert.deepEqual(
      { clients: result.clients, faults: result.faults, quarantined: result.reports.quarantined },
      { clients: 0, faults: [], quarantined: 0 },
    );
    assert.equal(await fleet.count('stats'), 2 * hours + 1);
    assert.equal(await fleet.count('visits'), 2 * hours + 1);
    const runs = await fleet.column(`SELECT COUNT(*) FROM runs WHERE collector_id = '${siteId('fra')}'`);
    assert.deepEqual(runs, [hours + 1]);
    const newest = await fleet.column("SELECT last_visit_at FROM clients WHERE name = 'web-1'");
    assert.equal(Date.parse(`${String(newest[0]).replace(' ', 'T')}Z`), nowMs);
  },
);

test('a site speaks for its own clients alone, and for no other collector', { timeout: 60_000 }, async (t) => {
  const fleet = makeFleet();
  const site = await makeSite(t, fleet);
  const nowMs = Date.now();
  await site.report('hq-1', nowMs);
  await site.report('db-1', nowMs);
  await site.report('web-1', nowMs + 1);
  await site.report('web-2', nowMs, { client: 'hq-1' });
  site.run(nowMs, ['hq-1', 'db-1', 'web-2', 'unknown'], false);
  const sent = await site.forwardAll(nothing);
  assert.deepEqual({ fault: sent.fault, reports: sent.reports, left: sent.left }, { fault: null, reports: 1, left: 3 });
  assert.match(site.faults[0]?.message ?? '', /site fra: config.xml does not give "(?:hq|db)-1" to it/);
  await fleet.collect(clients.slice(0, 3));
  assert.deepEqual(await fleet.column('SELECT client FROM stats'), ['web-1']);
  assert.deepEqual(await fleet.column('SELECT client FROM visits'), ['web-2']);
  const run = await fleet.column(
    "SELECT program || ' ' || host FROM runs WHERE collector_id = '" + siteId('fra') + "'",
  );
  assert.deepEqual(run, ['collect site-1 (site fra)']);
});

test('a wrong clock of the site moves nothing, and a record from the future is of now', async (t) => {
  const fleet = makeFleet();
  const aheadMs = 3 * dayMs;
  const site = await makeSite(t, fleet, { aheadMs });
  const nowMs = Math.floor(Date.now() / 1000) * 1000;
  await site.report('web-1', nowMs - 2 * hourMs);
  site.run(nowMs - 2 * hourMs, ['web-1']);
  site.run(nowMs + 300 * dayMs, ['web-2']);
  assert.equal((await site.forwardAll(nothing)).fault, null);
  await fleet.collect(clients.slice(0, 2));
  const timeOf = async (sql: string): Promise<number> =>
    Date.parse(`${String((await fleet.column(sql))[0]).replace(' ', 'T')}Z`) - (nowMs - aheadMs);
  assert.ok(Math.abs((await timeOf('SELECT received_at FROM stats')) + 2 * hourMs) < minuteMs);
  const visits = "SELECT started_at FROM visits WHERE client = 'web-1'";
  assert.ok(Math.abs((await timeOf(visits)) + 2 * hourMs) < minuteMs);
  assert.ok(Math.abs(await timeOf("SELECT started_at FROM visits WHERE client = 'web-2'")) < minuteMs);
});

test('a request that somebody sends again later ends no run anew', async (t) => {
  const fleet = makeFleet();
  const site = await makeSite(t, fleet, { aheadMs: 3 * hourMs });
  const times = `SELECT started_at || ' ' || finished_at FROM runs WHERE collector_id = '${siteId('fra')}'`;
  const nowMs = Date.now();
  site.run(nowMs - 4 * hourMs, ['web-1']);
  await site.forwardAll(nothing);
  await fleet.collect(clients.slice(0, 2));
  const before = await fleet.column(times);
  site.hooks.aheadMs = 0;
  await site.send(site.bodies[0] ?? Buffer.alloc(0));
  await fleet.collect(clients.slice(0, 2));
  assert.equal(before.length, 1);
  assert.deepEqual(await fleet.column(times), before);
});

test('records go in small frames, so that a thin link gets one across', () => {
  const visits = Array.from({ length: 400 }, (_, index) => visit({ client: `web-${index}` }));
  const payloads = payloadsOf({ kind: 'visits', visits });
  assert.ok(payloads.every(({ length }) => length < 5000));
  const parsed = payloads.map(parseForwarded).flatMap((one) => (one?.kind === 'visits' ? one.visits : []));
  assert.equal(parsed.length, 400);
});

test('what the other side cannot keep stays at the site', async (t) => {
  const fleet = makeFleet();
  const site = await makeSite(t, fleet, { collector: { spoolBytes: 4096 } });
  for (let at = 0; at < 5; at += 1) await site.report('web-1', Date.now() + at);
  const sent = await site.forwardAll(nothing);
  assert.deepEqual([sent.reports, sent.left, await site.waiting()], [1, 4, 4]);
  assert.match(site.faults[0]?.message ?? '', /the limit of <collector spool>/);
  const again = await site.forwardAll(nothing);
  assert.deepEqual([again.reports, again.fault?.code], [0, 'push-failed']);
});

test('clients that are refused hold up no others, and go last in the run after', { timeout: 60_000 }, async (t) => {
  const fleet = makeFleet();
  const site = await makeSite(t, fleet);
  const present = { reports: [await site.report('web-1', Date.now())], journal: null };
  // The delay keeps the streams at the smallest size, because a quick answer doubles the size.
  const send = async (body: Buffer): Promise<SiteAnswer> => {
    await new Promise((resolve) => setTimeout(resolve, 1100));
    return await site.send(body);
  };
  for (let at = 0; at < 80; at += 1) await site.report(`strange-${at}`, Date.now() - dayMs + at);
  await site.report('web-2', Date.now() - hourMs);
  const sent = await site.forwardAll(present, send, { failures: 10 });
  assert.deepEqual(
    { fault: sent.fault, reports: sent.reports, left: sent.left, refused: sent.refused.length },
    { fault: null, reports: 2, left: 80, refused: 80 },
  );
  const streams = site.bodies.length;
  await site.report('web-2', Date.now());
  const again = await site.forwardAll(nothing, site.send, { refusedBefore: sent.refused });
  assert.deepEqual(
    { fault: again.fault, reports: again.reports, isRefused: again.isRefused },
    { fault: null, reports: 1, isRefused: false },
  );
  const times = timesIn(site.bodies.slice(streams));
  assert.equal(times[0], Math.max(...times));
});

test('a report that is refused holds up no others of its client', async (t) => {
  const site = await makeSite(t, makeFleet());
  const bad = await site.report('web-1', Date.now() - hourMs);
  // The reports of web-2 are sent in between, so that the next report of web-1 is in a later stream.
  const fill = Array.from({ length: 12 }, async (_, at) => await site.report('web-2', Date.now() - hourMs + 1 + at));
  await Promise.all(fill);
  await site.report('web-1', Date.now());
  const id = path.basename(bad.file).split('.', 1)[0]?.replaceAll('-', '') ?? '';
  const send = async (body: Buffer): Promise<SiteAnswer> => {
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const answer = await site.send(body);
    if (answer.kind !== 'taken') return answer;
    return { ...answer, acknowledged: new Set([...answer.acknowledged].filter((one) => one !== id)) };
  };
  const sent = await site.forwardAll({ reports: [bad], journal: null }, send, { failures: 10 });
  assert.deepEqual(
    { fault: sent.fault, reports: sent.reports, left: sent.left, refused: sent.refused },
    { fault: null, reports: 13, left: 1, refused: [] },
  );
});

test('a damaged stream, and records of another form, are acknowledged by nothing', async (t) => {
  const fleet = makeFleet();
  const site = await makeSite(t, fleet);
  await site.report('web-1', Date.now());
  site.run(Date.now(), ['web-1']);
  let whole: Buffer = Buffer.alloc(0);
  await site.forwardAll(nothing, (body) => {
    whole = body;
    return Promise.resolve({ kind: 'taken', acknowledged: new Set() });
  });
  for (const cut of [17, whole.length >> 1, whole.length - 60]) {
    const answer = await site.send(whole.subarray(0, cut));
    assert.ok(answer.kind === 'taken' && answer.acknowledged.size <= 2);
  }
  const strange = Buffer.from(whole.toString('latin1').replace('"kind":"visits"', '"kind":"vibits"'), 'latin1');
  const answer = await site.send(strange);
  assert.ok(answer.kind === 'taken' && answer.acknowledged.size === 2);
  assert.match(site.faults.at(-1)?.message ?? '', /of a form that this version does not know/);
  await fleet.collect(clients.slice(0, 2));
  assert.equal(await fleet.count('stats'), 1);
});

test('a report that came twice to the site is sent twice, and a journal of no run goes', async (t) => {
  const fleet = makeFleet();
  const site = await makeSite(t, fleet);
  const { file } = await site.report('web-1', Date.now());
  const sealed = site.spool.read({ client: 'web-1', file, receivedAtMs: 0, clock: null });
  const reportId = path.basename(file).split('.', 1)[0] ?? '';
  await site.spool.add({ client: 'web-1', reportId, sealed, receivedAtMs: Date.now() + 5000, clock: null });
  site.run(Date.now(), []);
  writeFileSync(path.join(site.dir, 'journal', `${'1'.padStart(15, '0')}-x.jsonl`), '{"kind":"sta');
  // The journal of this run does not exist, because it could not be written.
  const sent = await site.forwardAll({ reports: [], journal: path.join(site.dir, 'journal', 'none.jsonl') });
  assert.equal(sent.fault, null);
  assert.equal(sent.reports, 2);
  assert.equal(await site.waiting(), 0);
  await fleet.collect(clients.slice(0, 2));
  assert.equal(await fleet.count('stats'), 1);
});

test('a report that is too large for the link goes last in the next run, and no other waits for it', async (t) => {
  const site = await makeSite(t, makeFleet());
  const nowMs = Date.now();
  const large = await site.report('web-1', nowMs - hourMs, { plaintext: randomBytes(64 * 1024) });
  for (let minute = 50; minute > 40; minute -= 1) await site.report('web-2', nowMs - minute * minuteMs);
  const id = Buffer.from(readHeader(site.spool.read(large)).reportId.replaceAll('-', ''), 'hex');
  const thin = (body: Buffer): Promise<SiteAnswer> =>
    body.includes(id)
      ? Promise.reject(new FleetError({ code: 'push-failed', stage: 'run', message: 'not done within 60000 ms' }))
      : site.send(body);
  // A slow link has reduced the streams to one report each.
  const options = { failures: 30, slowAfterMs: 0 };
  const first = await site.forwardAll(nothing, thin, options);
  assert.deepEqual(
    { slow: first.slow, reports: first.reports, left: first.left },
    { slow: 'web-1', reports: 0, left: 11 },
  );
  assert.equal(first.fault?.message, 'not done within 60000 ms', 'nothing says yet that the link is well');
  const second = await site.forwardAll(nothing, thin, { ...options, refusedBefore: ['web-1'] });
  assert.deepEqual(
    { slow: second.slow, reports: second.reports, left: second.left },
    { slow: 'web-1', reports: 10, left: 1 },
  );
  assert.match(second.fault?.message ?? '', /^a report of web-1 did not get across, and smaller ones did: not done/);
  const quick = await site.forwardAll(nothing, thin, { failures: 30, refusedBefore: ['web-1'] });
  assert.deepEqual([quick.slow, quick.left], [null, 1], 'a request that fails at once says nothing about its size');
});

test('records that got across show as well that only the report is too large for the link', async (t) => {
  const site = await makeSite(t, makeFleet());
  const large = await site.report('web-1', Date.now(), { plaintext: randomBytes(64 * 1024) });
  const journal = site.run(Date.now(), ['web-2']);
  const id = Buffer.from(readHeader(site.spool.read(large)).reportId.replaceAll('-', ''), 'hex');
  const late = new FleetError({ code: 'push-failed', stage: 'run', message: 'not done' });
  const thin = (body: Buffer): Promise<SiteAnswer> => (body.includes(id) ? Promise.reject(late) : site.send(body));
  const options = { failures: 30, slowAfterMs: 0 };
  const { reports, records, fault } = await site.forwardAll({ reports: [], journal }, thin, options);
  assert.deepEqual({ reports, records }, { reports: 0, records: 2 });
  assert.match(fault?.message ?? '', /^a report of web-1 did not get across, and smaller ones did: not done/);
});
