// Second tier: two accounts with different rights on one database.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';

import type { CollectResult } from '../../src/collector/collect-options.ts';
import { keyName } from '../../src/collector/keys/key-files.ts';
import { loadKeyRing, rotateKeys } from '../../src/collector/keys/key-ring.ts';
import { openSealedSpool } from '../../src/collector/sealed-reports/sealed-spool.ts';
import { FleetError } from '../../src/platform/errors/errors.ts';
import { takeLock } from '../../src/state-folder/lock.ts';
import type { Report } from '../../src/report/report.ts';
import { generateKeyPair, privateKeyToPem, type KeyPair } from '../../src/report/seal/key-pair.ts';
import { sqlTime } from '../../src/storage/sql/sql-time.ts';
import type { Storage } from '../../src/storage/store/storage.ts';
import type { SealedItem } from '../../src/storage/store/sealed-store.ts';
import { worker } from '../report/support/sample-report.ts';
import { makeClient, storageAway } from '../support/fleets/fleet.ts';
import { makeInventoriedIn } from '../support/clients/inventoried.ts';
import { isWide } from '../support/long-tests.ts';
import { pluckAll } from '../support/pluck.ts';
import { sealedSample } from '../support/clients/sealed-report.ts';
import { makeSplitFleet, type SplitFleet } from '../support/fleets/split-fleet.ts';

const web = [makeClient('web-1')];
const sealedOnly = { open: false };

/** Returns the opener's newest private key, as the sealing side needs it. */
const newestKey = ({ opener }: SplitFleet): KeyPair => loadKeyRing(opener, Date.now()).sealing;

async function store(one: SplitFleet, items: readonly Partial<SealedItem>[]): Promise<void> {
  const storage = await one.fleet.openStorage();
  await storage.reports.saveSealed(
    items.map((item) => ({
      client: 'web-1',
      reportId: '',
      keyId: one.keyId,
      runId: 'r',
      receivedAtMs: Date.now(),
      clock: null,
      sealed: Buffer.alloc(0),
      ...item,
    })),
  );
  await storage.close();
}

function everyFile(dir: string): readonly string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [path.join(entry.parentPath, entry.name)] : [],
  );
}

/** Returns the texts of a report that only its client knows: all values of its rows with at least six characters. */
function markersOf(report: Report): readonly string[] {
  const values = report.worker_reports.flatMap((one) =>
    one.function_reports.flatMap(({ data }) => data.flatMap((row) => Object.values(row))),
  );
  return [...new Set(values.map(String))].filter((text) => text.length >= 6);
}

suite('reports of real agents, collected without the private key and opened elsewhere', () => {
  const one = makeSplitFleet('real');
  const { fleet, collector } = one;
  const clients = [
    makeClient('web-1'),
    makeClient('shell-1', { ssh: { ...makeClient('x').ssh, node: '/nowhere/node' } }),
  ];
  /** All files of the collector's state folder, before the reports are opened. */
  let stolen: readonly string[];
  let collected: CollectResult;

  test('are stored sealed, and no row shows figures', async () => {
    // The inventory of a client without Node passes through the collector unsealed, that of the other never does.
    if (!isWide) await makeInventoriedIn(fleet.stateDir, 'web-1');
    collected = await fleet.collect(clients, sealedOnly);
    assert.equal(collected.exitStatus, 0);
    assert.equal(collected.succeeded, 2);
    assert.equal(collected.reports.stored, await fleet.count('sealed_reports'));
    assert.deepEqual(fleet.sealedFiles(), []);
    assert.equal(existsSync(collector.keys), false);
    assert.equal(await fleet.count('stats'), 0);
    assert.equal(await fleet.count('inventory'), 0);
    stolen = everyFile(fleet.stateDir).map((file) => readFileSync(file, 'latin1'));
  });

  test('are rows as ever once they are opened', async () => {
    const { exitStatus, quarantined, keyless, clients: opened, stored } = await one.ingest(clients);
    assert.deepEqual(
      { exitStatus, quarantined, keyless, opened },
      { exitStatus: 0, quarantined: 0, keyless: 0, opened: 2 },
    );
    assert.equal(stored, collected.reports.stored);
    assert.equal(await fleet.count('sealed_reports'), 0);
    const stats = await fleet.query('SELECT client, observed_at, received_at, clock_offset_ms FROM stats');
    for (const row of stats) {
      assert.ok(Date.parse(String(row['observed_at'])) <= Date.parse(String(row['received_at'])));
      assert.notEqual(row['clock_offset_ms'], null);
    }
    assert.deepEqual(stats.map((row) => row['client']).toSorted(), ['shell-1', 'web-1']);
    assert.ok((await fleet.count('inventory')) >= 1);
    const reported = `last_report_at > '${sqlTime(Date.now() - 1_800_000)}' AS reported`;
    const known = await fleet.query(`SELECT name, sealed_to, ${reported} FROM clients ORDER BY name`);
    assert.deepEqual(pluckAll(known, 'name', 'sealed_to', 'reported'), [
      ['shell-1', one.keyId, 1],
      ['web-1', one.keyId, 1],
    ]);
    const runs = await fleet.query("SELECT outcome, host, clients, succeeded FROM runs WHERE program = 'ingest'");
    assert.deepEqual(
      runs.map((run) => ({ ...run })),
      [{ outcome: 'finished', host: 'opener', clients: 2, succeeded: stored }],
    );
  });

  test('show a thief of the collector names and times, and nothing that reports say', async () => {
    const reports = await fleet.column('SELECT report FROM reports');
    const markers = reports.flatMap((report) => markersOf(JSON.parse(String(report)) as Report));
    assert.ok(markers.length > 30, `${markers.length} markers are no test`);
    assert.ok(stolen.some((text) => text.includes('web-1') && text.includes('FHS1')));
    // The boot id is in the hello frame, so that a report can be dated. This machine's name is also that of the
    // collector.
    const open = new Set((await fleet.column('SELECT boot_id FROM stats')).map(String));
    for (const marker of markers.filter((one) => !open.has(one))) {
      assert.ok(!stolen.some((text) => text.includes(Buffer.from(marker).toString('latin1'))), marker);
    }
  });
});

test('without a public key nothing is visited, and none is made; without a private one nothing is opened', async () => {
  const one = makeSplitFleet();
  renameSync(one.collector.publicKeys, `${one.collector.publicKeys}-away`);
  await assert.rejects(one.fleet.collect(web, sealedOnly), { code: 'keys-invalid', exitStatus: 3 });
  assert.equal(existsSync(one.collector.keys), false);
  renameSync(one.opener.keys, `${one.opener.keys}-away`);
  await assert.rejects(one.ingest(web), { code: 'keys-invalid', message: /holds no private key/ });
  assert.equal(existsSync(one.opener.keys), false);
  const [row] = await one.fleet.query("SELECT outcome, host, clients FROM runs WHERE program = 'ingest'");
  assert.deepEqual({ ...row }, { outcome: 'failed', host: 'opener', clients: 0 });
});

test('a run that the database breaks off is a row that says so, and the next one takes what waits', async () => {
  const one = makeSplitFleet();
  await one.fleet.collect(web, sealedOnly);
  const broken = new FleetError({ code: 'storage-failed', stage: 'storage', message: 'broken off' });
  const openStorage = async (): Promise<Storage> => {
    const storage = await one.fleet.openStorage();
    return { ...storage, reports: { ...storage.reports, ingest: () => Promise.reject(broken) } };
  };
  await assert.rejects(one.ingest(web, { openStorage }), broken);
  assert.equal((await one.ingest(web)).exitStatus, 0);
  const outcomes = "SELECT outcome FROM runs WHERE program = 'ingest' ORDER BY started_at";
  assert.deepEqual(await one.fleet.column(outcomes), ['failed', 'finished']);
});

test('while the database is away reports wait sealed, and later are opened as of when they came', async () => {
  const one = makeSplitFleet();
  const away = () => storageAway('gone');
  const first = await one.fleet.collect(web, { ...sealedOnly, openStorage: away });
  assert.deepEqual([first.exitStatus, first.reports.waiting], [3, 1]);
  const second = await one.fleet.collect(web, sealedOnly);
  assert.deepEqual([second.exitStatus, second.reports.waiting], [0, 0]);
  await one.ingest(web);
  const rows = await one.fleet.query('SELECT observed_at, received_at FROM stats ORDER BY received_at');
  assert.equal(rows.length, 2);
  for (const row of rows) {
    const age = Date.parse(String(row['received_at'])) - Date.parse(String(row['observed_at']));
    assert.ok(age >= 0 && age < 5000, String(age));
  }
});

test('a file that was stored and not removed, in time or at all, is opened once', async () => {
  const one = makeSplitFleet();
  const key = newestKey(one);
  const spool = openSealedSpool(one.collector.encryptedStats);
  const { sealed, reportId } = sealedSample({ key });
  const put = () => spool.add({ client: 'web-1', reportId, sealed, receivedAtMs: Date.now(), clock: null });
  await put();
  await one.fleet.collect([], sealedOnly);
  await put();
  const again = await one.fleet.collect([], sealedOnly);
  assert.deepEqual([again.reports.duplicate, await one.fleet.count('sealed_reports')], [1, 1]);
  await one.ingest(web);
  await put();
  const late = await one.fleet.collect([], sealedOnly);
  assert.deepEqual([late.reports.duplicate, await one.fleet.count('sealed_reports')], [1, 0]);
  // Both programs may read the folder at the same moment.
  const storage = await one.fleet.openStorage();
  await storage.reports.saveSealed([]);
  await storage.close();
  assert.equal(await one.fleet.count('stats'), 1);
  assert.deepEqual(one.fleet.sealedFiles(), []);
});

test('one bad report never stops the others; each is in quarantine with its reason, notified once', async () => {
  const one = makeSplitFleet();
  const key = newestKey(one);
  const good = () => sealedSample({ key });
  const bad = good();
  const changed = Buffer.from(bad.sealed);
  changed[changed.length - 1] = (changed[changed.length - 1] ?? 0) ^ 1;
  const foreign = sealedSample({ key, inside: { client: 'web-2' } });
  const old = sealedSample({ key, inside: { datetime: '2001-01-01T00:00:00.000Z' } });
  await store(one, [
    good(),
    { reportId: bad.reportId, sealed: changed },
    foreign,
    good(),
    old,
    { reportId: '../../../../etc/passwd', sealed: good().sealed },
    { reportId: '00000000-0000-4000-8000-000000000001', sealed: Buffer.alloc(0) },
    { reportId: '00000000-0000-4000-8000-000000000002', sealed: Buffer.from('FHS1') },
    good(),
  ]);
  const result = await one.ingest(web);
  assert.equal(result.exitStatus, 1);
  assert.equal(result.stored, 3);
  assert.equal(result.quarantined, 6);
  assert.equal(await one.fleet.count('sealed_reports'), 0);
  const place = path.join(one.opener.encryptedStats, 'web-1', 'quarantine');
  const codes = readdirSync(place)
    .filter((name) => name.endsWith('.json'))
    .map((name) => (JSON.parse(readFileSync(path.join(place, name), 'utf8')) as { code: string }).code);
  assert.deepEqual(codes.toSorted(), ['report-foreign', 'report-too-old', ...Array<string>(4).fill('seal-corrupt')]);
  assert.equal(one.events.filter(({ kind }) => kind === 'quarantined').length, 6);
  // A pass that died between the file and the row reads the same bytes again.
  await store(one, [{ reportId: bad.reportId, sealed: changed }]);
  await one.ingest(web);
  assert.equal(readdirSync(place).filter((name) => name.startsWith(bad.reportId)).length, 2);
  const quiet = await one.ingest(web);
  assert.deepEqual([quiet.exitStatus, quiet.quarantined], [0, 0]);
});

test('reports sealed to a key that is not here wait, are reported once, and are taken when the key is', async () => {
  const one = makeSplitFleet();
  const stranger = generateKeyPair();
  const own = newestKey(one);
  const [a, b, c] = [sealedSample({ key: stranger }), sealedSample({ key: stranger }), sealedSample({ key: own })];
  await store(one, [{ ...a, keyId: stranger.id }, { ...b, keyId: stranger.id }, c]);
  const first = await one.ingest(web);
  assert.equal(first.exitStatus, 1);
  assert.equal(first.stored, 1);
  assert.equal(first.keyless, 2);
  const faults = first.faults.map(({ code, message, advice }) => `${code} ${message} ${advice}`);
  assert.equal(faults.length, 1);
  const said = `^seal-no-key reports of web-1 are sealed to key ${stranger.id}, which is not live here`;
  assert.match(faults[0] ?? '', new RegExp(said));
  const second = await one.ingest(web);
  assert.equal(second.exitStatus, 0);
  assert.equal(second.keyless, 0);
  assert.equal(second.faults.length, 0);
  writeFileSync(path.join(one.opener.keys, keyName(stranger.id, 0)), privateKeyToPem(stranger), { mode: 0o600 });
  const third = await one.ingest(web);
  assert.deepEqual([third.exitStatus, third.stored], [0, 2]);
  assert.equal(await one.fleet.count('sealed_reports'), 0);
});

test('a collector that has not got the new key yet goes on with the old one', async () => {
  const one = makeSplitFleet();
  const made = rotateKeys(one.opener, Date.now());
  await one.fleet.collect(web, sealedOnly);
  assert.equal((await one.ingest(web)).exitStatus, 0);
  one.copyKeys();
  await one.fleet.collect(web, sealedOnly);
  assert.deepEqual(await one.fleet.column('SELECT DISTINCT key_id FROM sealed_reports'), [made.id]);
  assert.equal((await one.ingest(web)).exitStatus, 0);
});

test('a collector that opens nothing says when no ingest does, but not while one has only begun to wait', async () => {
  const one = makeSplitFleet();
  assert.equal((await one.fleet.collect(web, sealedOnly)).exitStatus, 0);
  const late = { ...sealedOnly, collector: { everyMs: 1, runDeadlineMs: 240_000 } };
  const result = await one.fleet.collect(web, late);
  assert.deepEqual([result.exitStatus, result.faults.map(({ code }) => code)], [1, ['ingest-silent']]);
  await one.ingest(web);
  assert.deepEqual((await one.fleet.collect([], late)).faults, []);
});

test('a second ingest on the machine ends at once; it needs no lock of the collector beside it', async () => {
  const one = makeSplitFleet();
  await one.fleet.collect(web, sealedOnly);
  const mine = await takeLock({ file: one.opener.ingestLock, nowMs: 1234 });
  const beside = await one.ingest(web);
  assert.equal(beside.outcome, 'overlapped');
  assert.equal(beside.exitStatus, 0);
  assert.equal(beside.holder?.pid, process.pid);
  if (mine.kind === 'held') mine.release();
  const collecting = await takeLock({ file: one.opener.lock, nowMs: 1234 });
  const result = await one.ingest(web);
  assert.deepEqual([result.outcome, result.stored > 0], ['finished', true]);
  if (collecting.kind === 'held') collecting.release();
});

test('what somebody moved out of quarantine is opened by the next ingest', async () => {
  const one = makeSplitFleet();
  const { sealed, reportId } = sealedSample({ key: newestKey(one) });
  const folder = path.join(one.opener.encryptedStats, 'web-1');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, `${reportId}.fhs`), sealed);
  assert.equal((await one.ingest(web)).stored, 1);
  assert.deepEqual(readdirSync(folder), []);
});

test('an ingest that is interrupted has opened whole batches, and the next one goes on', async () => {
  const one = makeSplitFleet();
  const key = newestKey(one);
  const big = { worker_reports: [worker('x', [{ name: 'x', data: [{ text: 'y'.repeat(200) }] }])] };
  const samples = Array.from({ length: 300 }, () => sealedSample({ key, inside: big }));
  await store(one, samples);
  const controller = new AbortController();
  const cut = await one.ingest(web, {
    signal: controller.signal,
    openStorage: async () => {
      const storage = await one.fleet.openStorage();
      const ingest: Storage['reports']['ingest'] = async (items) => {
        controller.abort();
        return await storage.reports.ingest(items);
      };
      return { ...storage, reports: { ...storage.reports, ingest } };
    },
  });
  assert.equal(cut.outcome, 'interrupted');
  assert.equal(cut.exitStatus, 1);
  assert.equal(cut.stored, 200);
  assert.equal(await one.fleet.count('stats'), 200);
  assert.equal(await one.fleet.count('sealed_reports'), 100);
  assert.equal((await one.ingest(web)).stored, 100);
});
