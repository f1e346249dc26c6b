// Second tier: two collectors and what fails between them.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { forward, type Forwarding } from '../../../src/collector/forward/forward.ts';
import type { PutAnswer, PutFile } from '../../../src/collector/forward/site-link.ts';
import { waitingFiles } from '../../../src/collector/forward/waiting-files.ts';
import { documentsIn } from '../../../src/collector/inbox/document-files.ts';
import { runDocuments } from '../../../src/collector/inbox/run-documents.ts';
import { openReceiver } from '../../../src/collector/receive/receiver.ts';
import { receiveSiteFile } from '../../../src/collector/receive/receive-site-file.ts';
import type { SpooledReport } from '../../../src/collector/sealed-reports/sealed-names.ts';
import { openSealedSpool, readSealed } from '../../../src/collector/sealed-reports/sealed-spool.ts';
import type { Client, CollectorConfig } from '../../../src/config/config.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import { dayMs, hourMs, minuteMs } from '../../../src/platform/units.ts';
import { generateKeyPair } from '../../../src/report/seal/key-pair.ts';
import { siteId } from '../../../src/state-folder/collector-id.ts';
import { runEnd, runStart, visit } from '../../storage/support/samples.ts';
import { makeClient, makeConfig, makeFleet, type Fleet } from '../../support/fleets/fleet.ts';
import { sealedSample } from '../../support/clients/sealed-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const forwarded = (name: string, site = 'fra'): Client =>
  makeClient(name, { arrival: { kind: 'site', site }, labels: { site } });
const clients = [forwarded('web-1'), forwarded('web-2'), forwarded('db-1', 'ber'), makeClient('hq-1')];

type Put = (file: PutFile) => Promise<PutAnswer>;
interface Present {
  readonly reports: readonly SpooledReport[];
  readonly documents: readonly string[];
}

/** Makes a site whose files a real receiver takes, without HTTP between. */
async function makeSite(t: TestContext, fleet: Fleet, collector: Partial<CollectorConfig> = {}) {
  const config = makeConfig(fleet.stateDir, clients, collector);
  const { keyRing } = await openReceiver(config, Date.now());
  const { id, publicKey } = keyRing.sealing;
  const key = { ...generateKeyPair(), id, publicKey };
  const dir = tempFolder(t);
  const spool = openSealedSpool(path.join(dir, 'encrypted_stats'));
  const documents = path.join(dir, 'inbox', 'collector');
  const sent: PutFile[] = [];
  const receiver = await openReceiver(config, Date.now());
  const put: Put = async (file) => {
    sent.push(file);
    try {
      const refusal = await receiveSiteFile({ receiver, config, site: 'fra', ...file });
      return { kind: refusal === null ? 'taken' : 'refused' };
    } catch (thrown) {
      if (thrown instanceof FleetError && thrown.code === 'spool-full') return { kind: 'refused' };
      throw thrown;
    }
  };
  const report = async (client: string, atMs: number, named = client) => {
    const inside = { client: named, datetime: new Date(atMs).toISOString(), boot_id: randomUUID() };
    const { reportId, sealed } = sealedSample({ key, inside });
    const clock = { offsetMs: 0, monotonicZeroMs: atMs - 1000, bootId: 'aa' };
    return await spool.add({ client, reportId, sealed, receivedAtMs: atMs, clock });
  };
  const run = async (atMs: number, names: readonly string[]): Promise<readonly string[]> => {
    const before = new Set(documentsIn(documents));
    const start = runStart({ startedAtMs: atMs, id: randomUUID(), host: 'site-1' });
    const own = runDocuments(documents, start);
    own.begin();
    await own.visits(names.map((client) => visit({ runId: start.id, client, startedAtMs: atMs })));
    own.end(runEnd(start, { finishedAtMs: atMs + 1000 }));
    return documentsIn(documents).filter((file) => !before.has(file));
  };
  const forwardAll = async (
    present: Present = { reports: [], documents: [] },
    way: Put = put,
    refusedBefore: readonly string[] = [],
  ): Promise<Forwarding> => {
    const { reports } = await spool.scan();
    const own = new Set([...present.reports.map(({ file }) => file), ...present.documents]);
    return await forward({
      link: { url: 'http://hq/v1/visit', put: way, close: () => undefined },
      files: waitingFiles({
        ...{ spool, present, refusedBefore },
        backlog: {
          reports: reports.filter(({ file }) => !own.has(file)),
          documents: documentsIn(documents).filter((file) => !own.has(file)),
        },
        onDamaged: () => assert.fail('a damaged report'),
        onUnreadable: () => assert.fail('an unreadable document'),
      }),
      endsAt: Infinity,
      signal: new AbortController().signal,
    });
  };
  const waiting = async (): Promise<number> => (await spool.scan()).reports.length + documentsIn(documents).length;
  return { put, report, run, forwardAll, waiting, sent, spool };
}

const lost = (message: string): Promise<never> =>
  Promise.reject(new FleetError({ code: 'push-failed', stage: 'run', message }));

/** Returns the time in the name of a file. */
function timeOf({ name }: PutFile): number {
  return Number(name.endsWith('.fhs') ? name.split('.')[1] : name.slice(0, 15));
}

/** Returns the times of files in the order in which each was sent first: without an answer it is sent once more. */
function timesOf(sent: readonly PutFile[]): readonly number[] {
  return [...new Map(sent.map((file) => [file.name, timeOf(file)])).values()];
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
      await site.run(atMs, ['web-1', 'web-2']);
      for (const name of ['web-1', 'web-2']) await site.report(name, atMs + 100);
    }
    const present = { reports: [await site.report('web-1', nowMs)], documents: await site.run(nowMs, ['web-1']) };
    // Ten files in, the link breaks, and some answers are lost.
    const first = await site.forwardAll(present, async (file) => {
      const answer = await site.put(file);
      return site.sent.length > 10 ? lost('the answer was lost') : answer;
    });
    assert.match(first.fault?.message ?? '', /the answer was lost/);
    assert.ok(first.reports > 0 && first.left > 0, JSON.stringify(first));
    const again = site.sent.length;
    const second = await site.forwardAll();
    assert.deepEqual([second.fault, second.left, second.refused, await site.waiting()], [null, 0, [], 0]);
    const [firstTimes, secondTimes] = [timesOf(site.sent.slice(0, again)), timesOf(site.sent.slice(again))];
    assert.deepEqual(firstTimes.slice(0, 3), [nowMs, nowMs, nowMs]);
    for (const times of [firstTimes.slice(3), secondTimes]) {
      assert.deepEqual(
        times.filter((time, index) => time < (times[index - 1] ?? 0) - minuteMs),
        [],
      );
    }
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
  await site.report('web-2', nowMs, 'hq-1');
  await site.run(nowMs, ['hq-1', 'db-1', 'web-2', 'unknown']);
  const sent = await site.forwardAll();
  assert.deepEqual(
    { fault: sent.fault, reports: sent.reports, left: sent.left, refused: sent.refused.toSorted() },
    { fault: null, reports: 2, left: 2, refused: ['db-1', 'hq-1'] },
  );
  const { reports } = await fleet.collect(clients.slice(0, 3));
  assert.deepEqual([reports.stored, reports.quarantined], [1, 1], 'the report of hq-1 in the folder of web-2');
  assert.deepEqual(await fleet.column('SELECT client FROM stats'), ['web-1']);
  assert.deepEqual(await fleet.column('SELECT client FROM visits'), ['web-2']);
  const run = await fleet.column(`SELECT program || ' ' || host FROM runs WHERE collector_id = '${siteId('fra')}'`);
  assert.deepEqual(run, ['collect site-1 (site fra)']);
});

test('a file that somebody sends again later changes nothing', async (t) => {
  const fleet = makeFleet();
  const site = await makeSite(t, fleet);
  const times = `SELECT started_at || ' ' || finished_at FROM runs WHERE collector_id = '${siteId('fra')}'`;
  await site.run(Date.now() - hourMs, ['web-1']);
  await site.report('web-1', Date.now() - hourMs);
  await site.forwardAll();
  await fleet.collect(clients.slice(0, 2));
  const before = await fleet.column(times);
  for (const file of [...site.sent]) await site.put(file);
  const { reports } = await fleet.collect(clients.slice(0, 2));
  assert.deepEqual([reports.stored, reports.duplicate, before.length], [0, 1, 1]);
  assert.deepEqual(await fleet.column(times), before);
  assert.equal(await fleet.count("visits WHERE client = 'web-1'"), 1);
});

test('what the other side cannot keep stays at the site', async (t) => {
  const site = await makeSite(t, makeFleet(), { spoolBytes: 4096 });
  for (let at = 0; at < 5; at += 1) await site.report('web-1', Date.now() + at);
  const sent = await site.forwardAll();
  assert.deepEqual([sent.reports, sent.left, sent.fault, await site.waiting()], [1, 4, null, 4]);
  const again = await site.forwardAll();
  assert.deepEqual([again.reports, again.fault?.message], [0, 'http://hq/v1/visit acknowledged nothing']);
});

test('clients that are refused hold up no others, and go last in the run after', { timeout: 60_000 }, async (t) => {
  const site = await makeSite(t, makeFleet());
  const present = { reports: [await site.report('web-1', Date.now())], documents: [] };
  for (let at = 0; at < 80; at += 1) await site.report(`strange-${at % 40}`, Date.now() - dayMs + at);
  await site.report('web-2', Date.now() - hourMs);
  const sent = await site.forwardAll(present);
  assert.deepEqual(
    { fault: sent.fault, reports: sent.reports, left: sent.left, refused: sent.refused.length },
    { fault: null, reports: 2, left: 80, refused: 40 },
  );
  assert.ok(site.sent.length <= 2 + 40 + 8, `${site.sent.length} files were sent`);
  const before = site.sent.length;
  await site.report('web-2', Date.now());
  const again = await site.forwardAll(undefined, site.put, sent.refused);
  assert.deepEqual([again.fault, again.reports, site.sent[before]?.folder], [null, 1, 'web-2']);
});

test('a report that came twice is sent twice, and a file that a person removed is passed over', async (t) => {
  const fleet = makeFleet();
  const site = await makeSite(t, fleet);
  const { file } = await site.report('web-1', Date.now());
  const sealed = readSealed(file);
  const reportId = path.basename(file).split('.', 1)[0] ?? '';
  await site.spool.add({ client: 'web-1', reportId, sealed, receivedAtMs: Date.now() + 5000, clock: null });
  const gone = await site.report('web-2', Date.now());
  rmSync(gone.file);
  const sent = await site.forwardAll({ reports: [gone], documents: [] });
  assert.deepEqual([sent.fault, sent.reports, sent.left, await site.waiting()], [null, 2, 0, 0]);
  await fleet.collect(clients.slice(0, 2));
  assert.equal(await fleet.count('stats'), 1);
});

test('a link that is broken is tried twice, and a report that is too large for it holds up no other', async (t) => {
  const site = await makeSite(t, makeFleet());
  for (let minute = 50; minute > 40; minute -= 1) await site.report('web-2', Date.now() - minute * minuteMs);
  const large = await site.report('web-1', Date.now() - 45 * minuteMs);
  let tries = 0;
  const broken = await site.forwardAll(undefined, () => {
    tries += 1;
    return lost('no route');
  });
  assert.deepEqual([broken.fault?.message, broken.left, tries], ['no route', 11, 2]);
  const thin: Put = (file) => (file.name === path.basename(large.file) ? lost('not done') : site.put(file));
  const sent = await site.forwardAll(undefined, thin);
  assert.deepEqual([sent.reports, sent.left], [10, 1]);
  assert.match(sent.fault?.message ?? '', /^a report of web-1 did not get across, and others did: not done/);
});

test('a collector that is busy is asked again, and a connection that broke is made anew', async (t) => {
  const site = await makeSite(t, makeFleet());
  for (let at = 0; at < 3; at += 1) await site.report('web-1', Date.now() + at);
  let asked = 0;
  const fault = new FleetError({ code: 'push-failed', stage: 'run', message: 'answered 503' });
  const sent = await site.forwardAll(undefined, async (file) => {
    asked += 1;
    if (asked === 2) return await lost('socket hang up');
    return asked === 1 ? { kind: 'busy', fault } : await site.put(file);
  });
  assert.equal(sent.fault?.message, 'socket hang up', 'nothing says yet that the link is well');
  assert.equal(sent.reports, 2);
  for (let at = 0; at < 2; at += 1) await site.report('web-2', Date.now() + at);
  const again = await site.forwardAll(undefined, async (file) => {
    asked += 1;
    return asked % 2 === 0 ? await site.put(file) : await lost('socket hang up');
  });
  // The first file of a run is not sent again at once: the link may be broken.
  assert.deepEqual([again.left, again.reports], [1, 2]);
});
