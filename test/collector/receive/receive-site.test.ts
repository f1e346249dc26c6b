import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';

import {
  boundJournals,
  forwardedName,
  journalTime,
  readJournal,
  siteOfJournal,
} from '../../../src/collector/pass/journal-files.ts';
import { encodeClocks, payloadsOf, type Forwarded } from '../../../src/collector/receive/forwarded.ts';
import { openReceiver } from '../../../src/collector/receive/receiver.ts';
import { receiveSite } from '../../../src/collector/receive/receive-site.ts';
import type { Client } from '../../../src/config/config.ts';
import { encodeFrame, encodeJsonFrame } from '../../../src/report/frames.ts';
import { protocolVersion } from '../../../src/report/wire.ts';
import { pushMarker } from '../../../src/seal/push.ts';
import { generateKeyPair } from '../../../src/seal/key-pair.ts';
import { folderOfClient } from '../../../src/state/client-folder.ts';
import { siteId } from '../../../src/state/collector-id.ts';
import { statePaths } from '../../../src/state/paths.ts';
import { runEnd, runStart, visit } from '../../storage/support/samples.ts';
import { acknowledgedIn } from '../../support/pushed-stream.ts';
import { sealedSample } from '../../support/sealed-report.ts';
import { makeClient, makeConfig, makeFleet } from '../../support/fleet.ts';

const forwarded = (name: string, site: string): Client =>
  makeClient(name, { arrival: { kind: 'site', site }, labels: { site } });

/** Makes a collector with the database and clients of two sites. */
function makeCollector() {
  const { stateDir } = makeFleet();
  const clients = [forwarded('web-1', 'fra'), forwarded('web-2', 'ber'), forwarded('web-3', 'fra')];
  const config = makeConfig(stateDir, [...clients, makeClient('hq-1')]);
  const { journal, encryptedStats } = statePaths(stateDir);
  /** Sends one stream of these frames. Returns the ids that are acknowledged, and the fault. */
  const sendFrames = async (frames: readonly Buffer[], { site = 'fra', aheadMs = 0 } = {}) => {
    const hello = { v: protocolVersion, agent: 'site', wall_ms: Date.now() + aheadMs, monotonic_ms: 0, boot_id: null };
    const end = { left: 0, place: null, spool_error: null };
    const body = Buffer.concat([pushMarker, encodeJsonFrame('H', hello), ...frames, encodeJsonFrame('E', end)]);
    const receiver = await openReceiver(config, Date.now());
    const { signal } = new AbortController();
    const { answer, fault } = await receiveSite({
      ...{ receiver, config, site, input: Readable.from([body]), signal, now: Date.now },
    });
    return { acknowledged: acknowledgedIn(answer), fault };
  };
  /** Sends one stream of records. Returns the number of frames that are acknowledged, and the fault. */
  const send = async (records: readonly Forwarded[], options: { site?: string; aheadMs?: number } = {}) => {
    const frames = records.flatMap(payloadsOf).map((payload) => encodeFrame('V', payload));
    const { acknowledged, fault } = await sendFrames(frames, options);
    return { acknowledged: acknowledged.length, frames: frames.length, fault };
  };
  /** Returns the frames of a new report of a client, and its id. */
  const report = async (client: string) => {
    const { id, publicKey } = (await openReceiver(config, Date.now())).keyRing.sealing;
    const { reportId, sealed } = sealedSample({ key: { ...generateKeyPair(), id, publicKey }, inside: { client } });
    const clocks = encodeClocks({ receivedAtMs: Date.now(), clock: null });
    return { reportId, frames: Buffer.concat([clocks, encodeFrame('R', sealed)]) };
  };
  const folderOf = (client: string): string => path.join(encryptedStats, folderOfClient(client));
  return {
    send,
    sendFrames,
    report,
    folderOf,
    journal,
    names: () => readdirSync(journal).filter((name) => !name.startsWith('.')),
  };
}

test('reports that cannot be written are not acknowledged, and hold up no others, though one comes twice', async () => {
  const { sendFrames, report, folderOf } = makeCollector();
  const [one, two, lost, three] = await Promise.all(['web-1', 'web-1', 'web-3', 'web-1'].map(report));
  assert.ok(one && two && lost && three);
  mkdirSync(path.dirname(folderOf('web-3')), { mode: 0o700 });
  writeFileSync(folderOf('web-3'), 'in place of a folder');
  const sent = await sendFrames([two, two, one, lost, three].map(({ frames }) => frames));
  assert.deepEqual(sent.acknowledged.toSorted(), [one, two, two, three].map(({ reportId }) => reportId).toSorted());
  assert.deepEqual([sent.fault?.code, sent.fault?.client], ['state-unusable', 'web-3']);
  const files = readdirSync(folderOf('web-1')).map((name) => name.split('.')[0]);
  assert.deepEqual(files.toSorted(), [one, two, three].map(({ reportId }) => reportId).toSorted());
  rmSync(folderOf('web-3'));
  assert.deepEqual((await sendFrames([lost.frames])).acknowledged, [lost.reportId]);
});

/** Returns the records of a run of a site. */
function run(startedAtMs: number, client = 'web-1', count = 1, host = 'site-1'): readonly Forwarded[] {
  const start = runStart({ startedAtMs, id: randomUUID(), host });
  const visits = Array.from({ length: count }, () => visit({ runId: start.id, client, startedAtMs }));
  return [
    { kind: 'visits', visits },
    { kind: 'run', start, end: runEnd(start, { finishedAtMs: startedAtMs + 1000 }) },
  ];
}

test('the records of one stream are one file, which the same records replace whatever the clock says', async () => {
  const { send, journal, names } = makeCollector();
  const atMs = Date.now() - 60_000;
  const records = [...run(atMs, 'web-1', 100), ...run(atMs + 1)];
  const sent = await send(records);
  assert.ok(sent.frames > 4);
  assert.deepEqual(
    { acknowledged: sent.acknowledged, fault: sent.fault, names: names().length },
    { acknowledged: sent.frames, fault: null, names: 1 },
  );
  await send(records, { aheadMs: 600_000 });
  const [name = '', ...others] = names();
  assert.deepEqual(others, []);
  const { lines } = readJournal(path.join(journal, name));
  const visits = lines.flatMap((line) => (line.kind === 'visits' ? line.visits : []));
  assert.deepEqual([visits.length, lines.filter(({ kind }) => kind === 'forwarded').length], [101, 2]);
});

test('records wait under the time of the newest of them, in whose order a run stores them', async () => {
  const { send, names } = makeCollector();
  const atMs = Date.now() - 60_000;
  await send([...run(atMs - 1000), ...run(atMs), ...run(atMs - 2000)]);
  assert.deepEqual(names().map(journalTime), [atMs]);
});

test('a site fills its own share of the journal, and nothing that was acknowledged is dropped', async () => {
  const { send, journal, names } = makeCollector();
  assert.equal((await send(run(Date.now() - 0.5))).fault, null);
  assert.deepEqual(names().map(siteOfJournal), [siteId('fra')]);
  const large = path.join(journal, forwardedName(1, siteId('fra'), randomUUID()));
  writeFileSync(large, '');
  truncateSync(large, 32 * 1024 * 1024);
  const refused = await send(run(Date.now()));
  assert.equal(refused.acknowledged, 0);
  assert.match(refused.fault?.message ?? '', /^site fra: 335\d+ bytes of its visits and runs wait to be stored/);
  // Records with a fraction in their time count towards the site's share, too.
  assert.equal((await send(run(Date.now() + 0.5))).acknowledged, 0);
  const other = await send(run(Date.now(), 'web-2'), { site: 'ber' });
  assert.deepEqual([other.acknowledged, other.fault], [2, null]);
  const before = names();
  const { kept, dropped } = boundJournals(journal, 0);
  assert.deepEqual([dropped, kept.map((file) => path.basename(file))], [0, before.toSorted()]);
});

test('a long host does not cut off whose run it is', async () => {
  const { send, journal, names } = makeCollector();
  await send(run(Date.now(), 'web-1', 1, 'h'.repeat(255)));
  const [line] = readJournal(path.join(journal, names()[0] ?? '')).lines.flatMap((one) =>
    one.kind === 'forwarded' ? one.start.host : [],
  );
  assert.equal(line, `${'h'.repeat(100)} (site fra)`);
});

test('a host that is cut within a character is a run all the same', async () => {
  const { send, journal, names } = makeCollector();
  await send(run(Date.now(), 'web-1', 1, `${'h'.repeat(99)}${'😀'.repeat(50)}`));
  const { lines, strange } = readJournal(path.join(journal, names()[0] ?? ''));
  const hosts = lines.flatMap((one) => (one.kind === 'forwarded' ? one.start.host : []));
  assert.deepEqual([hosts, strange], [[`${'h'.repeat(99)} (site fra)`], 0]);
});

test('visits of a client that config.xml does not give to the site are left out, and said', async () => {
  const { send, journal, names } = makeCollector();
  const foreign = [run(Date.now(), 'web-2'), run(Date.now(), 'hq-1'), run(Date.now(), 'a\nb')];
  const own = run(Date.now());
  for (const [index, [visits]] of foreign.entries()) {
    const { acknowledged, frames, fault } = await send([...own, ...(visits === undefined ? [] : [visits])]);
    assert.equal(acknowledged, frames);
    const client = ['"web-2"', '"hq-1"', '"a\\nb"'][index];
    assert.deepEqual(
      [fault?.code, fault?.message],
      ['report-foreign', `site fra: config.xml does not give ${client} to it`],
    );
  }
  const lines = names().flatMap((name) => readJournal(path.join(journal, name)).lines);
  const visited = lines.flatMap((line) => (line.kind === 'visits' ? line.visits.map(({ client }) => client) : []));
  assert.deepEqual(visited, ['web-1', 'web-1', 'web-1']);
});
