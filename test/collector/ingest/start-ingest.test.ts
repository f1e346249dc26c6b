import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { createClientNames } from '../../../src/collector/sealed-reports/client-names.ts';
import { folderOfClient } from '../../../src/state-folder/client-folder.ts';
import type { CollectEvent } from '../../../src/collector/collect-options.ts';
import { startIngest } from '../../../src/collector/ingest/start-ingest.ts';
import type { Ingest, IngestOptions } from '../../../src/collector/ingest/ingest-options.ts';
import { defaultBounds, Quarantine, type QuarantineBounds } from '../../../src/collector/sealed-reports/quarantine.ts';
import { openSealedSpool } from '../../../src/collector/sealed-reports/sealed-spool.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import { generateKeyPair, privateKeysOf } from '../../../src/report/seal/key-pair.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import type { ReportStore, Storage } from '../../../src/storage/store/storage.ts';
import { makeClient, makeConfig } from '../../support/fleets/fleet.ts';
import { sealedSample, type SealedSampleOptions } from '../../support/clients/sealed-report.ts';
import { sampleReport, worker } from '../../report/support/sample-report.ts';
import { openMarks } from '../../../src/collector/ingest/opening-marks.ts';
import { noTimeLimit } from '../../../src/collector/ingest/ingest-queue.ts';
import { makeMigrated } from '../../support/databases/migrated.ts';
import { pluckAll } from '../../support/pluck.ts';

const root = mkdtempSync(path.join(tmpdir(), 'fh-ingest-'));
const opened: Storage[] = [];
after(async () => {
  await Promise.all(opened.map((storage) => storage.close()));
  rmSync(root, { recursive: true, force: true });
});

const key = generateKeyPair();
const day = 86_400_000;
let places = 0;

interface Bench {
  readonly dir: string;
  readonly storage: Storage;
  readonly events: CollectEvent[];
  readonly faults: FleetError[];
  readonly spool: ReturnType<typeof openSealedSpool>;
  start(more?: Partial<IngestOptions> & { readonly bounds?: Partial<QuarantineBounds> }): Promise<Ingest>;
  /** Spools a sealed report under the name of a client. */
  put(client: string, sealed: Uint8Array, reportId: string, receivedAtMs?: number): ReturnType<Bench['spool']['add']>;
  /** Seals and spools `count` reports. Returns the last. */
  putSamples(count: number, inside?: SealedSampleOptions['inside']): Promise<ReturnType<typeof sealedSample>>;
  /** Stores the spooled reports. Returns the counts. */
  drain(more?: Parameters<Bench['start']>[0]): Promise<ReturnType<Ingest['counts']>>;
  /** Returns the report store, with a call of `look` for each batch. */
  watching(look: (items: Parameters<ReportStore['ingest']>[0]) => void): ReportStore;
  stored(): Promise<readonly string[]>;
  /** Returns the code of each file in quarantine, with the client's folder. */
  quarantine(): readonly (readonly [folder: string, code: string])[];
}

const none = { stored: 0, duplicate: 0, quarantined: 0, waiting: 0 };

async function makeBench(): Promise<Bench> {
  const place = path.join(root, String(places++));
  const config = makeConfig(place, []);
  const dir = path.join(place, 'encrypted_stats');
  const spool = openSealedSpool(dir);
  await spool.add({ client: 'empty', reportId: 'x', sealed: Buffer.alloc(0), receivedAtMs: 0, clock: null });
  rmSync(path.join(dir, 'empty'), { recursive: true });
  await makeMigrated(config.storage);
  const storage = await openStorage({ storage: config.storage, migrate: true, program: 'collect' });
  opened.push(storage);
  const events: CollectEvent[] = [];
  const faults: FleetError[] = [];
  const start: Bench['start'] = async ({ bounds, ...more } = {}) => {
    const scan = await spool.scan();
    const allBounds = { ...defaultBounds, ...bounds };
    return startIngest({
      spool,
      quarantine: new Quarantine({
        places: scan.quarantines,
        setAside: '/nowhere',
        bounds: allBounds,
        nowMs: Date.now(),
        keepMs: 30 * day,
      }),
      leftovers: scan.reports,
      keys: privateKeysOf([key]),
      names: createClientNames([makeClient('web-1'), makeClient('new-name', { was: 'old-name' })]),
      store: storage.reports,
      times: noTimeLimit,
      runId: 'run',
      marks: openMarks(path.join(place, 'opening-files')),
      describeKey: (keyId) => ({ clause: `key ${keyId}, which is not live here`, advice: '' }),
      retentionMs: 30 * day,
      now: () => Date.now(),
      observe: (event) => void events.push(event),
      onFault: (fault) => void faults.push(fault),
      ...more,
    });
  };
  const put: Bench['put'] = (client, sealed, reportId, receivedAtMs = Date.now()) =>
    spool.add({ client, sealed, reportId, receivedAtMs, clock: null });
  return {
    dir,
    storage,
    events,
    faults,
    spool,
    start,
    put,
    putSamples: async (count, inside = {}) => {
      const samples = Array.from({ length: count }, () => sealedSample({ key, inside }));
      for (const [at, { sealed, reportId }] of samples.entries()) {
        await put('web-1', sealed, reportId, Date.now() - 10_000 + at);
      }
      return samples.at(-1) ?? assert.fail('none was asked for');
    },
    drain: async (more) => {
      const ingest = await start(more);
      assert.equal(await ingest.drain(), null);
      return ingest.counts();
    },
    watching: (look) => ({
      ...storage.reports,
      ingest: (items) => {
        look(items);
        return storage.reports.ingest(items);
      },
    }),
    stored: async () =>
      (await storage.history.query('SELECT client FROM stats ORDER BY client')).map((row) => String(row['client'])),
    quarantine: () =>
      readdirSync(dir).flatMap((folder) => {
        const place = path.join(dir, folder, 'quarantine');
        const names = existsSync(place) ? readdirSync(place).filter((name) => name.endsWith('.fhs')) : [];
        return names.map((name) => {
          const facts: unknown = JSON.parse(readFileSync(path.join(place, name.replace(/fhs$/, 'json')), 'utf8'));
          return [folder, (facts as { code: string }).code] as const;
        });
      }),
  };
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

const sample = (options: Omit<SealedSampleOptions, 'key'> = {}): Buffer => sealedSample({ key, ...options }).sealed;

const plain = (text: string): Buffer => sample({ plaintext: Buffer.from(text) });
const other = { inside: { client: 'web-2' } };
const long = '2001-01-01T00:00:00.000Z';

const rejects: readonly { readonly what: string; readonly code: string; readonly make: () => Buffer }[] = [
  { what: 'garbage', code: 'seal-corrupt', make: () => Buffer.from('not a report at all') },
  { what: 'an empty file', code: 'seal-corrupt', make: () => Buffer.alloc(0) },
  { what: 'a flipped bit in the key', code: 'seal-corrupt', make: () => flipped(sample(), 40) },
  { what: 'a flipped bit in the text', code: 'seal-corrupt', make: () => flipped(sample(), sample().length - 30) },
  { what: 'a byte too many', code: 'seal-corrupt', make: () => Buffer.concat([sample(), Buffer.from('x')]) },
  { what: 'a cut report', code: 'seal-corrupt', make: () => sample().subarray(0, -1) },
  { what: 'a foreign key', code: 'seal-no-key', make: () => sealedSample({ key: generateKeyPair() }).sealed },
  { what: 'something too large', code: 'report-too-large', make: () => Buffer.alloc(3 * 1024 * 1024) },
  { what: "another client's report", code: 'report-foreign', make: () => sample(other) },
  {
    what: "another client's name inside",
    code: 'report-foreign',
    make: () => sample({ ...other, header: { client: 'web-1' } }),
  },
  { what: 'another id inside', code: 'report-foreign', make: () => sample({ header: { reportId: randomUUID() } }) },
  { what: 'no JSON', code: 'report-invalid', make: () => plain('{') },
  { what: 'JSON of something else', code: 'report-invalid', make: () => plain('[1]') },
  {
    what: 'a lone surrogate',
    code: 'report-invalid',
    make: () => plain(JSON.stringify({ ...sampleReport, client: 'a\ud800' })),
  },
  { what: 'JSON too deep', code: 'report-invalid', make: () => plain('['.repeat(100) + ']'.repeat(100)) },
  {
    what: 'a report from before the retention',
    code: 'report-too-old',
    make: () => sample({ inside: { datetime: long } }),
  },
];

test('rejecting what one client brought takes its time, and reports of others do not wait for it', async () => {
  const bench = await makeBench();
  const batch = 200;
  const changed = Buffer.from(sealedSample({ key }).sealed);
  changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
  for (let at = 0; at < batch + 3; at += 1) await bench.put('web-1', changed, idOf(at), at);
  await bench.putSamples(1);
  const { sealed, reportId } = sealedSample({ key, inside: { client: 'new-name' } });
  await bench.put('new-name', sealed, reportId);
  const counts = await bench.drain({ times: { ...noTimeLimit, rejectedMs: 0 } });
  assert.deepEqual(counts, { ...none, stored: 1, quarantined: batch, waiting: 4 });
  assert.deepEqual(await bench.stored(), ['new-name']);
  const notes = bench.events.flatMap((event) => (event.kind === 'note' ? [event.message] : []));
  const folder = path.join(bench.dir, folderOfClient('web-1'));
  const line = `${folder}: 4 other reports wait for the next run: too many that came there are rejected`;
  assert.deepEqual(notes, [line]);
  assert.deepEqual(await bench.drain(), { ...none, stored: 1, quarantined: 3 });
});

test('of files that are no sealed reports at all people get twenty, and the others go at once', async () => {
  const bench = await makeBench();
  const large = Buffer.alloc(5000, 'no report ');
  for (let at = 0; at < 60; at += 1) await bench.put('web-1', large, idOf(at), at);
  for (let at = 0; at < 60; at += 1) await bench.put('new-name', Buffer.from('none'), idOf(at), at);
  await bench.putSamples(1);
  assert.deepEqual(await bench.drain(), { ...none, stored: 1, quarantined: 2 * 20 });
  const notes = bench.events.flatMap((event) => (event.kind === 'note' ? [event.message] : []));
  assert.deepEqual(notes, [`${path.join(bench.dir, 'web-1')}: 40 files that were no sealed reports went`]);
  const left = ['web-1', 'new-name'].flatMap((client) => readdirSync(path.join(bench.dir, client)));
  assert.deepEqual(left, ['quarantine', 'quarantine']);
});

test('what waits while the clock is ten years ahead is not too old', async () => {
  const bench = await makeBench();
  await bench.putSamples(1);
  assert.deepEqual(await bench.drain({ now: () => Date.now() + 3650 * day }), { ...none, stored: 1 });
});

const idOf = (at: number): string => `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`;

/** Ingests all of `rejects` and one good report in one run. */
async function ingestRejects() {
  const bench = await makeBench();
  for (const [at, { make }] of rejects.entries()) await bench.put('web-1', make(), idOf(at));
  await bench.putSamples(1);
  const counts = await bench.drain();
  return { bench, counts };
}
const ingested = ingestRejects();

for (const [at, { what, code }] of rejects.entries()) {
  test(`${what} goes to quarantine as ${code}`, async () => {
    const { bench } = await ingested;
    const facts = readFileSync(path.join(bench.dir, 'web-1', 'quarantine', `${idOf(at)}.json`), 'utf8');
    assert.equal((JSON.parse(facts) as { code: string }).code, code);
  });
}

test('what goes to quarantine stops nothing else, and is not looked at again', async () => {
  const { bench, counts } = await ingested;
  assert.deepEqual(counts, { ...none, stored: 1, quarantined: rejects.length });
  assert.deepEqual(await bench.stored(), ['web-1']);
  assert.deepEqual(bench.faults, []);
  const events = bench.events.filter((event) => event.kind === 'quarantined');
  assert.deepEqual(
    pluckAll(events, 'client', 'code').toSorted(),
    rejects.map(({ code }) => ['web-1', code]).toSorted(),
  );
  assert.deepEqual(await bench.drain(), none);
});

test('a report that is stored already is deleted and counted; an id of another client is quarantined', async () => {
  const bench = await makeBench();
  const { sealed, reportId } = sealedSample({ key });
  await bench.put('web-1', sealed, reportId, Date.now() - 1000);
  await bench.put('web-1', sealed, reportId);
  assert.deepEqual(await bench.drain(), { ...none, stored: 1, duplicate: 1 });
  const stolen = sealedSample({ key, inside: { client: 'web-2', report_id: reportId } });
  await bench.put('web-1', sealed, reportId);
  await bench.put('web-2', stolen.sealed, reportId);
  assert.deepEqual(await bench.drain(), { ...none, duplicate: 1, quarantined: 1 });
  assert.deepEqual(bench.quarantine(), [['web-2', 'report-foreign']]);
  assert.deepEqual(await bench.stored(), ['web-1']);
});

test('a report in a file with the id of another is quarantined; a name of one id alone does not matter', async () => {
  const bench = await makeBench();
  const { reportId } = await bench.putSamples(1);
  const [name = ''] = readdirSync(path.join(bench.dir, 'web-1'));
  const other = name.replace(reportId, idOf(7));
  copyFileSync(path.join(bench.dir, 'web-1', name), path.join(bench.dir, 'web-1', other));
  copyFileSync(path.join(bench.dir, 'web-1', name), path.join(bench.dir, 'web-1', `${idOf(8)}.fhs`));
  assert.deepEqual(await bench.drain(), { ...none, stored: 1, duplicate: 1, quarantined: 1 });
  assert.deepEqual(bench.quarantine(), [['web-1', 'report-foreign']]);
});

test('values out of any sense are stored as unknown, and said once', async () => {
  const bench = await makeBench();
  const inside = { worker_reports: [worker('memory', [{ name: 'memory', data: [{ used_percent: 4_000 }] }])] };
  await bench.putSamples(2, inside);
  assert.deepEqual(await bench.drain(), { ...none, stored: 2 });
  const [row] = await bench.storage.history.query('SELECT memory_percent FROM stats');
  assert.equal(row?.['memory_percent'], null);
  const notes = bench.events.flatMap((event) => (event.kind === 'note' ? [event.message] : []));
  assert.match(notes.join('\n'), /^web-1: 1 values out of any sense.*$/);
});

test('figures of checks beyond what a client may have are said once', async () => {
  const bench = await makeBench();
  const output = `| ${Array.from({ length: 50 }, (_, at) => `n${at}=1`).join(' ')}`;
  const checks = Array.from({ length: 5 }, (_, at) => {
    return { name: `check-${at}`, format: 'nagios' as const, exit: 0, why: null, output, age_s: 0 };
  });
  for (let visit = 0; visit < 2; visit++) {
    await bench.putSamples(1, { checks });
    assert.deepEqual(await bench.drain(), { ...none, stored: 1 });
  }
  const notes = bench.events.flatMap((event) => (event.kind === 'note' ? [event.message] : []));
  assert.deepEqual(notes, ['web-1: its checks have too many figures: 50 figures beyond 200 are not kept']);
});

test('a report that the database refuses goes to quarantine with its words, and the others are stored', async () => {
  const bench = await makeBench();
  const bad = await bench.putSamples(1);
  await bench.putSamples(1);
  const refusing: ReportStore = {
    ...bench.storage.reports,
    ingest: async (items) => {
      const others = items.filter(({ report }) => report.report_id !== bad.reportId);
      const results = [...(await bench.storage.reports.ingest(others))];
      return items.map(({ report }) =>
        report.report_id === bad.reportId
          ? { kind: 'refused', message: 'Invalid JSON text' }
          : (results.shift() ?? { kind: 'stored' }),
      );
    },
  };
  assert.deepEqual(await bench.drain({ store: refusing }), { ...none, stored: 1, quarantined: 1 });
  assert.deepEqual(bench.quarantine(), [['web-1', 'report-refused']]);
  assert.deepEqual(await bench.stored(), ['web-1']);
});

test('a renamed client takes what was sealed or spooled under its former name', async () => {
  const bench = await makeBench();
  for (const folder of ['new-name', 'old-name']) {
    for (const client of ['new-name', 'old-name']) {
      const { sealed, reportId } = sealedSample({ key, inside: { client } });
      await bench.put(folder, sealed, reportId);
    }
  }
  await bench.drain();
  assert.deepEqual(bench.quarantine(), []);
  assert.deepEqual(await bench.stored(), Array(4).fill('new-name'));
});

test('a long name is found again behind its hash, configured or not, but no other name is', async () => {
  const bench = await makeBench();
  const long = 'ü'.repeat(64);
  const own = sealedSample({ key, inside: { client: long } });
  const other = sealedSample({ key, inside: { client: 'web-1' } });
  await bench.put(long, own.sealed, own.reportId);
  await bench.put(long, other.sealed, other.reportId);
  await bench.drain();
  assert.deepEqual(await bench.stored(), [long]);
  assert.deepEqual(bench.quarantine(), [[folderOfClient(long), 'report-foreign']]);
});

test('while the database is away everything waits, and comes in order once it is back', async () => {
  const bench = await makeBench();
  await bench.putSamples(5);
  assert.deepEqual(await bench.drain({ store: null }), { ...none, waiting: 5 });
  const away = new FleetError({ code: 'storage-unavailable', stage: 'storage', message: 'gone' });
  let calls = 0;
  const failing: ReportStore = {
    ...bench.storage.reports,
    ingest: (items) => (calls++ === 0 ? Promise.reject(away) : bench.storage.reports.ingest(items)),
  };
  assert.deepEqual(await bench.drain({ store: failing }), { ...none, stored: 5 });
  assert.deepEqual(bench.faults, [away]);
  assert.deepEqual((await bench.spool.scan()).reports, []);
});

test('reports for which the database has no time wait, which is a fault unless it is away', async () => {
  const bench = await makeBench();
  await bench.putSamples(2);
  const times = { ...noTimeLimit, allMs: 0 };
  assert.deepEqual(await bench.drain({ store: null, times }), { ...none, waiting: 2 });
  const ingest = await bench.start({ times });
  const fault = await ingest.drain();
  assert.equal(fault?.code, 'storage-unavailable');
  assert.match(fault.message, /2 reports/);
  assert.deepEqual(ingest.counts(), { ...none, waiting: 2 });
});

test('more than one batch is stored, leftovers before what arrives', async () => {
  const bench = await makeBench();
  const order: string[] = [];
  const sizes: number[] = [];
  const store = bench.watching((items) => {
    sizes.push(items.length);
    order.push(...items.map(({ report }) => report.report_id));
  });
  const left: string[] = [];
  const begunMs = Date.now() - 10_000;
  for (let count = 0; count < 60; count++) {
    const { sealed, reportId } = sealedSample({ key });
    await bench.put('web-1', sealed, reportId, begunMs + count);
    left.push(reportId);
  }
  const fresh = sealedSample({ key });
  const ingest = await bench.start({ store });
  while (sizes.length === 0) await new Promise((resolve) => setImmediate(resolve));
  ingest.take(await bench.put('web-1', fresh.sealed, fresh.reportId));
  await ingest.drain();
  assert.equal(ingest.counts().stored, 61);
  assert.deepEqual(order, [...left, fresh.reportId]);
  assert.ok(sizes.length > 1 && Math.max(...sizes) <= 500, `batches of ${sizes.join(', ')}`);
});

test('what earlier runs left is stored a little at a time, and everybody else has a turn in between', async () => {
  const bench = await makeBench();
  const sizes: number[] = [];
  const turnsBetween: number[] = [];
  let turns = 0;
  const store = bench.watching(({ length }) => {
    sizes.push(length);
    turnsBetween.push(turns);
    turns = 0;
  });
  await bench.putSamples(110);
  // A visit keeps the event loop busy: each turn has work until the visit ends.
  let isVisiting = true;
  const visit = (): void => {
    turns += 1;
    const until = performance.now() + 0.2;
    while (performance.now() < until);
    if (isVisiting) setImmediate(visit);
  };
  const ingest = await bench.start({ store });
  setImmediate(visit);
  while (ingest.counts().stored < 110) await new Promise((resolve) => setTimeout(resolve, 5));
  isVisiting = false;
  assert.deepEqual(await ingest.drain(), null);
  assert.deepEqual(sizes, [50, 50, 10]);
  assert.ok(
    turnsBetween.slice(1).every((count) => count >= 2),
    turnsBetween.join(' '),
  );
});

test('what arrives is stored while visits go on', { timeout: 60_000 }, async () => {
  const bench = await makeBench();
  const ingest = await bench.start();
  const { sealed, reportId } = sealedSample({ key });
  ingest.take(await bench.put('web-1', sealed, reportId));
  while (ingest.counts().stored === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(await ingest.drain(), null);
});

test('leftovers that are put off wait, what arrived is stored', async () => {
  const bench = await makeBench();
  await bench.putSamples(3);
  const ingest = await bench.start();
  ingest.putOffLeftovers();
  const fresh = sealedSample({ key });
  ingest.take(await bench.put('web-1', fresh.sealed, fresh.reportId));
  await ingest.drain();
  assert.deepEqual(ingest.counts(), { ...none, stored: 1, waiting: 3 });
});

test('the quarantine is bounded for a client and in all; beyond it a line of facts remains', async () => {
  const bench = await makeBench();
  const garbage = async (client: string, count: number): Promise<void> => {
    for (let number = 0; number < count; number++) {
      const id = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
      await bench.put(client, Buffer.from(`garbage ${number}`), id);
    }
  };
  await garbage('web-1', 7);
  const bounds = { filesPerClient: 3, files: 5, lineBytes: 1500 };
  assert.equal((await bench.drain({ bounds })).quarantined, 7);
  assert.equal(bench.quarantine().length, 3);
  await garbage('web-2', 20);
  await bench.drain({ bounds });
  assert.equal(bench.quarantine().length, 5);
  const place = path.join(bench.dir, 'web-2', 'quarantine');
  const lines = readFileSync(path.join(place, 'dropped.jsonl'), 'utf8').trim().split('\n');
  const last = JSON.parse(lines.at(-1) ?? '') as Record<string, unknown>;
  assert.deepEqual([last['code'], last['size_bytes']], ['seal-corrupt', 'garbage 19'.length]);
  assert.match(String(last['sha256']), /^[0-9a-f]{64}$/);
  for (const name of readdirSync(place).filter((name) => name.startsWith('dropped'))) {
    assert.ok(readFileSync(path.join(place, name)).length <= 1500, name);
  }
  assert.deepEqual((await bench.spool.scan()).reports, []);
});

test('the same bad report again and again is kept each time, and goes when it is old', async () => {
  const bench = await makeBench();
  const id = '00000000-0000-4000-8000-00000000000a';
  for (let time = 0; time < 3; time++) {
    await bench.put('web-1', Buffer.from('bad'), id);
    await bench.drain();
  }
  const place = path.join(bench.dir, 'web-1', 'quarantine');
  const names = readdirSync(place).filter((name) => name.endsWith('.fhs'));
  assert.deepEqual(names.toSorted(), [`${id}-2.fhs`, `${id}-3.fhs`, `${id}.fhs`]);
  const long = new Date(Date.now() - 40 * day);
  for (const name of readdirSync(place)) utimesSync(path.join(place, name), long, long);
  new Quarantine({
    places: [place],
    setAside: '/nowhere',
    bounds: defaultBounds,
    nowMs: Date.now() + 31 * day,
    keepMs: 30 * day,
  });
  assert.deepEqual(readdirSync(place), []);
});

test('reports as large as they may be are opened few at a time, and all are stored', async () => {
  const bench = await makeBench();
  const row = (number: number) => ({ mount: `/${'x'.repeat(240)}${number}`, fstype: 'ext4', used_percent: 1 });
  const data = Array.from({ length: 1000 }, (_, number) => row(number));
  const inside = { worker_reports: [1, 2, 3].map(() => worker('disks', [{ name: 'disk', data }])) };
  const sizes: number[] = [];
  await bench.putSamples(12, inside);
  const store = bench.watching((items) => {
    sizes.push(items.reduce((sum, { report }) => sum + JSON.stringify(report).length, 0));
  });
  assert.deepEqual(await bench.drain({ store }), { ...none, stored: 12 });
  assert.ok(sizes.length >= 2 && Math.max(...sizes) < 4 * 1024 * 1024, `batches of ${sizes.join()} bytes`);
});
