/** The parts of storing visits and reports that need no database: what becomes of each field, and who is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { dayMs, minuteMs } from '../../../src/platform/units.ts';
import { reportNames } from '../../../src/report/report.ts';
import type { ClientShares } from '../../../src/storage/reports/client-shares.ts';
import { storeInventory } from '../../../src/storage/reports/inventory.ts';
import { ownItem } from '../../../src/storage/reports/own-item.ts';
import { saveStateDisks } from '../../../src/storage/reports/state-disks.ts';
import { storeReports } from '../../../src/storage/reports/store-reports.ts';
import { saveVisits } from '../../../src/storage/reports/visits.ts';
import { reportRows } from '../../../src/storage/rows/report-rows.ts';
import type { SqlRow } from '../../../src/storage/sql/database.ts';
import { StorageFault, type FaultKind } from '../../../src/storage/sql/fault.ts';
import { sqlTime } from '../../../src/storage/sql/sql-time.ts';
import type { VisitRecord } from '../../../src/storage/store/storage.ts';
import { pluck } from '../../support/pluck.ts';
import { times } from '../../support/times.ts';
import { answering, insertedInto } from '../support/answering.ts';
import { item, noonMs, refusedVisit, visit, worker } from '../support/samples.ts';

const at = (minutes: number): string => sqlTime(noonMs + minutes * minuteMs);

/** Returns the changes to `clients` by these visits, and the rows of `visits`. */
async function afterVisits(
  visits: readonly VisitRecord[],
  known: readonly SqlRow[] = [],
  stored: readonly SqlRow[] = [],
) {
  const { database, changed } = answering(({ sql }) => (sql.includes('FROM clients') ? known : stored));
  await saveVisits(database, visits);
  return { clients: insertedInto('clients', changed), visits: insertedInto('visits', changed), changed };
}

const knownClient = {
  ...{ name: 'web-1', address: 'old', first_seen: at(-60), last_visit_at: at(-5), consecutive_failures: 2 },
  ...{ next_attempt_at: at(9), reader: 'sh', boot_id: 'boot-0', sealed_to: 'k', state_stamp: 's', state_at: at(-7) },
  ...{ state_runs: 3, state_same_at: at(-6) },
};

test('a first visit, and a failed one of a client that is known', async () => {
  const none = { sealed_to: null, state_stamp: null, state_at: null, state_runs: 0, state_same_at: null };
  const first = { first_seen: at(0), last_visit_at: at(0), next_attempt_at: null };
  const fresh = await afterVisits([visit()]);
  const good = { name: 'web-1', address: '192.0.2.1', consecutive_failures: 0, reader: 'node', boot_id: 'boot-1' };
  assert.deepEqual(fresh.clients, [{ ...good, ...first, ...none }]);
  const failed = await afterVisits([visit({ ...refusedVisit, nextAttemptAtMs: noonMs + minuteMs })], [knownClient]);
  const changed = { address: '192.0.2.1', last_visit_at: at(0), consecutive_failures: 3, next_attempt_at: at(1) };
  assert.deepEqual(failed.clients, [{ ...knownClient, ...changed }]);
});

test('a good visit says the keys, the state and its stamp anew, and one that left reports behind no keys', async () => {
  const keys = times(16, (key) => `k${key}`);
  const state = { stamp: 'new', runs: 1 } as unknown as NonNullable<VisitRecord['state']>;
  const { clients } = await afterVisits([visit({ sealedTo: keys, state, stateSame: true })], [knownClient]);
  const [client = {}] = clients;
  assert.equal(client['sealed_to'], keys.slice(0, 15).join(' '));
  assert.deepEqual([client['state_stamp'], client['state_at'], client['state_runs']], ['new', at(0), 1]);
  assert.equal(client['state_same_at'], at(0));
  const [left = {}] = (await afterVisits([visit({ stateSame: false })], [knownClient])).clients;
  assert.deepEqual([left['sealed_to'], left['state_same_at'], left['state_at']], [null, at(-6), at(-7)]);
});

test('visits count in the order of their times, and one before the last visit changes nothing', async () => {
  const run = (runId: string, minutes: number, more: Partial<VisitRecord> = {}): VisitRecord =>
    visit({ runId, startedAtMs: noonMs + minutes * minuteMs, ...more });
  const two = [run('b', 2, refusedVisit), run('a', 1)];
  assert.equal((await afterVisits(two, [knownClient])).clients[0]?.['consecutive_failures'], 1);
  assert.deepEqual((await afterVisits([run('a', -6)], [knownClient])).clients, [knownClient]);
  assert.equal((await afterVisits([run('a', -5)], [knownClient])).clients[0]?.['consecutive_failures'], 0);
  const early = { ...knownClient, last_visit_at: null, first_seen: at(5) };
  assert.equal((await afterVisits([run('a', 1)], [early])).clients[0]?.['first_seen'], at(1));
  const named = await afterVisits(['c', 'a', 'b'].map((client) => visit({ client })));
  assert.deepEqual(pluck(named.clients, 'name'), ['a', 'b', 'c']);
});

test('a visit that is stored is stored once, and no visit opens no transaction', async () => {
  const again = await afterVisits([visit(), visit({ client: 'web-2' })], [], [{ client: 'web-1' }]);
  assert.deepEqual(pluck(again.visits, 'client'), ['web-2']);
  assert.deepEqual(pluck(again.clients, 'name'), ['web-2']);
  const { database } = answering();
  await saveVisits({ ...database, write: () => Promise.reject(new Error('a transaction')) }, []);
});

test('the row of a visit has whole milliseconds, and texts as long as their columns', async () => {
  const long = visit({
    message: 'm'.repeat(1001),
    address: 'a'.repeat(256),
    durationMs: 1.5,
    connectMs: 0.5,
    epoch: 7,
  });
  const { visits, clients } = await afterVisits([
    long,
    visit({ client: 'b', connectMs: null, ok: false, uploaded: true }),
  ]);
  const [one = {}, other = {}] = visits;
  assert.deepEqual([one['duration_ms'], one['connect_ms'], one['epoch'], one['ok'], one['uploaded']], [2, 1, 7, 1, 0]);
  assert.equal(String(one['message']).length, 1000);
  assert.equal(String(clients[1]?.['address']).length, 255);
  assert.deepEqual([other['connect_ms'], other['epoch'], other['ok'], other['uploaded']], [null, null, 0, 1]);
  assert.deepEqual([other['message'], other['beside']], [null, null]);
});

/** Stores inventories of one client. `count`: how often it has changed within a day. */
async function inventories(items: readonly Parameters<typeof item>[0][], previous: SqlRow | null = null, count = 0) {
  const { session, asked, changed } = answering(({ sql }) => {
    if (sql.includes('COUNT(*)')) return [{ count }];
    if (sql.includes('OFFSET')) return [{ id: 5 }, { id: 6 }];
    return sql.includes('facts_digest') && previous !== null ? [previous] : [];
  });
  const made = items.map((one) => item({ name: 'Inventory report', ...one }));
  const refused = await storeInventory(session, made);
  return { refused, asked, changed, rows: insertedInto('inventory', changed) };
}

const system = (more: object) => worker('system', { manufacturer: 'ACME', memory_bytes: 7.5, ...more });

test('an inventory has its facts in columns, and only families that agents have', async () => {
  const cpu = worker('cpu_model', { model: '', threads: 4 }, { model: 'second', threads: 9 });
  const { rows, changed } = await inventories([
    { workers: [system({ model: 7 }), cpu, worker('made_up', { a: 1 })], id: 'r' },
  ]);
  const [row = {}] = rows;
  assert.deepEqual([row['manufacturer'], row['model'], row['cpu_model'], row['cpus']], ['ACME', null, null, 4]);
  assert.deepEqual(Object.keys(JSON.parse(String(row['facts'])) as object), ['system', 'cpu_model']);
  assert.deepEqual(insertedInto('inventory_reports', changed), [
    { report_id: 'r', client: 'web-1', observed_at: at(0) },
  ]);
  assert.deepEqual(
    changed.filter(({ sql }) => sql.startsWith('DELETE')).flatMap(({ values }) => values),
    [5, 6],
  );
});

test('each column of an inventory has its fact', async () => {
  const named = (...fields: readonly string[]) => Object.fromEntries(fields.map((field) => [field, `a ${field}`]));
  const machine = { ...named('manufacturer', 'model', 'serial'), memory_bytes: 8_000_000_000.4 };
  const families = { memory_module: {}, disk_device: {}, network_card: {}, user: {} };
  const { rows } = await inventories([
    {
      workers: [
        worker('system', machine),
        worker('os_release', named('hostname', 'distribution', 'release', 'kernel', 'architecture')),
        worker('virtual_machine', named('virtualisation')),
        worker('cpu_model', { model: 'a cpu', threads: 8 }),
        ...Object.entries(families).map(([family, row]) => worker(family, row)),
      ],
    },
  ]);
  const { client, observed_at, report_id, facts_digest, facts, ...columns } = rows[0] ?? {};
  assert.deepEqual([client, observed_at, typeof report_id, typeof facts_digest], ['web-1', at(0), 'string', 'string']);
  assert.deepEqual(columns, {
    ...named('manufacturer', 'model', 'serial', 'hostname', 'kernel', 'architecture', 'virtualisation'),
    ...{ os: 'a distribution', os_version: 'a release', cpu_model: 'a cpu', cpus: 8, memory_bytes: 8_000_000_000 },
  });
  const known = ['system', 'os_release', 'virtual_machine', 'cpu_model', ...Object.keys(families)];
  assert.deepEqual(Object.keys(JSON.parse(String(facts)) as object), known);
});

test('an inventory that is as it was adds no row, in whatever order its fields and rows are', async () => {
  const cards = (...names: readonly string[]) =>
    worker(
      'network_card',
      ...names.map((one) => (one < 'b' ? { interface: one, mtu: 1 } : { mtu: 1, interface: one })),
    );
  const first = (await inventories([{ workers: [system({}), cards('a', 'b')] }])).rows[0] ?? {};
  const same = await inventories([{ workers: [cards('b', 'a'), system({})], id: 'same' }], first);
  assert.deepEqual(same.rows, []);
  assert.equal(insertedInto('inventory_reports', same.changed).length, 1);
  assert.equal((await inventories([{ workers: [cards('a', 'c'), system({})] }], first)).rows.length, 1);
});

test('the facts of a probe that failed stay, unless the probe is there again or nothing is known', async () => {
  const failed = { ...worker('os_release', { kernel: '6' }), error: 'no answer' };
  const facts = JSON.stringify({ system: [{ model: 'X' }], made_up: [], os_release: [{ kernel: '5' }] });
  const stored = async (workers: readonly ReturnType<typeof worker>[], known: string | null) =>
    JSON.parse(
      String(
        (await inventories([{ workers }], { facts, facts_digest: 'x', ...(known === null ? { facts: null } : {}) }))
          .rows[0]?.['facts'],
      ),
    );
  const os = { os_release: [{ kernel: '6' }] };
  assert.deepEqual(await stored([failed], facts), { system: [{ model: 'X' }], ...os });
  assert.deepEqual(await stored([{ ...failed, error: null }], facts), os);
  assert.deepEqual(await stored([failed], null), os);
});

test('the thirteenth change of an inventory within a day is refused', async () => {
  const twelfth = await inventories([{ workers: [system({})] }], null, 11);
  assert.equal(twelfth.refused.size, 0);
  const late = await inventories([{ workers: [system({})], id: 'late' }], null, 12);
  assert.deepEqual([...late.refused], [['late', 'its inventory has changed 12 times within a day already']]);
  assert.deepEqual(late.changed, []);
  assert.deepEqual(late.asked[1]?.values, ['web-1', sqlTime(noonMs - dayMs), at(0)]);
});

test("space is stored with names as long as their columns, and the reporter's earlier space is returned", async () => {
  const fact = (host: string, path: string) => ({
    ...{ host, path, size_bytes: 9, available_bytes: 5, free_percent: 50, observed_at: at(-1) },
  });
  const known = [fact('mon', '/'), fact('mon', '/other'), fact('other', '/')];
  const { database, changed } = answering(() => known);
  const disks = [
    { path: '/', sizeBytes: 10.4, availableBytes: 4.6, freePercent: 44.2 },
    { path: `/${'p'.repeat(300)}`, sizeBytes: 1, availableBytes: 1, freePercent: 100 },
  ] as unknown as Parameters<typeof saveStateDisks>[1]['disks'];
  const before = await saveStateDisks(database, { host: 'mon', collectorId: 'c', atMs: noonMs, disks });
  assert.deepEqual(
    before.map(({ host, path }) => host + path),
    ['mon/'],
  );
  const [root = {}, long = {}] = insertedInto('state_disks', changed);
  const own = { collector_id: 'c', size_bytes: 10, available_bytes: 5, free_percent: 44.2, observed_at: at(0) };
  assert.deepEqual(root, { host: 'mon', path: '/', ...own });
  assert.equal(String(long['path']).length, 255);
});

for (const name of reportNames) {
  test(`a ${name} of the program's own fills a row in each table of its kind`, () => {
    const { disks, networks, checks, logLines, readings, item: own } = reportRows(ownItem(name));
    assert.deepEqual(
      [disks, networks, checks, logLines].map(({ length }) => length),
      [1, 1, 1, 1],
    );
    assert.ok(readings.length > 0);
    assert.equal(own.report.sections?.[0]?.lines?.length, name === 'State report' ? 1 : undefined);
    assert.equal(own.report.worker_reports[0]?.error, null);
  });
}

const noShares = (() => Promise.resolve(new Map())) as unknown as ClientShares;

/** Stores a report of each client in a database that refuses their rows, and the program's own too if `of` is 'all'. */
async function storedOf(
  clients: readonly string[],
  of: 'all' | 'clients',
  { fault = 'refused', words = 'no' }: { fault?: FaultKind; words?: string } = {},
) {
  const { database, session } = answering();
  const refusing = {
    ...session,
    run: (sql: string, values: Parameters<typeof session.run>[1] = []) => {
      const client = clients.find((one) => values.includes(one));
      if (!sql.startsWith('INSERT INTO stats') || (client === undefined && of === 'clients'))
        return session.run(sql, values);
      return Promise.reject(
        new StorageFault(client === undefined ? fault : 'refused', words === 'own' ? `no ${client}` : words),
      );
    },
  };
  const write = <T>(work: (of: typeof session) => Promise<T>): Promise<T> => work(refusing);
  return storeReports(
    { ...database, write },
    clients.map((client) => item({ client })),
    noShares,
  );
}

test('a database that refuses all reports and its own is at fault, even with one client, else they are', async () => {
  const four = ['a', 'b', 'c', 'd'];
  const message = 'the database refuses the reports of all 4 clients: no';
  await assert.rejects(storedOf(four, 'all'), { code: 'storage-failed', message });
  await assert.rejects(storedOf([...four, 'd'], 'all'), { message });
  await assert.rejects(storedOf(four, 'all', { fault: 'lost' }), { kind: 'lost' });
  const refused = times(4, () => 'refused');
  assert.deepEqual(pluck(await storedOf(four, 'clients'), 'kind'), refused);
  assert.deepEqual(pluck(await storedOf(four, 'all', { words: 'own' }), 'kind'), refused);
  assert.deepEqual(pluck(await storedOf(['a'], 'clients'), 'kind'), ['refused']);
  await assert.rejects(storedOf(['a'], 'all'), { message: 'the database refuses the reports of the client: no' });
  assert.deepEqual(await storedOf([], 'all'), []);
});
