import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';

import type { IngestItem } from '../../src/storage/store/storage.ts';
import { onBothDatabases } from './support/databases.ts';
import { refuseClients } from './support/refuse-rows.ts';
import { item, noonMs, refusedVisit, runEnd, runStart, visit, worker } from './support/samples.ts';
import type { SqlRow } from '../../src/storage/sql/session.ts';

const kinds = (results: readonly { readonly kind: string }[]): readonly string[] => results.map(({ kind }) => kind);
const plain = (rows: readonly SqlRow[]): readonly SqlRow[] => rows.map((row) => ({ ...row }));

onBothDatabases('ingest', (kit) => {
  test('a report becomes its row, its whole text, and one row a mount and interface', async () => {
    const { storage } = await kit.open();
    const sent = item();
    assert.deepEqual(await storage.reports.ingest([sent]), [{ kind: 'stored' }]);
    const [row] = plain((await storage.history.query('SELECT * FROM stats')) as readonly SqlRow[]);
    assert.deepEqual(row, {
      id: 1,
      client: 'web-1',
      report_id: sent.report.report_id,
      run_id: sent.report.run_id,
      observed_at: '2026-11-20 10:00:00.000',
      collected_at: '2026-11-20 10:00:00.000',
      received_at: '2026-11-20 10:00:00.250',
      clock_offset_ms: -12,
      boot_id: 'boot-1',
      hostname: 'web-1',
      os: 'Debian GNU/Linux 12',
      uptime_s: 86400,
      cpu_percent: 12.5,
      memory_percent: 41.7,
      swap_percent: null,
      load1: 0.5,
      load5: 0.4,
      load15: 0.3,
      disk_percent: 91.5,
      processes: 180,
      cpus: 4,
      failed_units: 1,
      probe_errors: 0,
      unresponsive_mounts: 0,
      reboot_required: 0,
      processed_at: null,
      interval_s: 300,
    });
    const [stored] = await storage.history.query('SELECT report FROM reports WHERE stat_id = 1');
    assert.deepEqual(JSON.parse(String(stored?.['report'])), sent.report);
    const disks = await storage.history.query(
      'SELECT stat_id, ordinal, client, mount, size_bytes, used_percent, unresponsive FROM disk_stats ORDER BY ordinal',
    );
    assert.deepEqual(
      { ...disks[1] },
      {
        stat_id: 1,
        ordinal: 1,
        client: 'web-1',
        mount: '/data',
        size_bytes: 270553518080,
        used_percent: 91.5,
        unresponsive: 0,
      },
    );
    assert.equal(disks.length, 3);
    const networks = await storage.history.query(
      'SELECT interface, rx_bytes_per_s, speed_bits_per_s FROM network_stats',
    );
    assert.deepEqual(
      networks.map((network) => ({ ...network })),
      [{ interface: 'eth0', rx_bytes_per_s: 1024.5, speed_bits_per_s: null }],
    );
  });

  test('a report that comes twice is a duplicate, in one batch or in two', async () => {
    const { storage } = await kit.open();
    const one = item();
    const two = item();
    assert.deepEqual(kinds(await storage.reports.ingest([one, two, one])), ['stored', 'stored', 'duplicate']);
    assert.deepEqual(kinds(await storage.reports.ingest([two, item(), one])), ['duplicate', 'stored', 'duplicate']);
    const [count] = await storage.history.query('SELECT COUNT(*) AS count FROM stats');
    assert.equal(count?.['count'], 3);
  });

  test("another client's report id is foreign, in one batch or in two, and changes nothing", async () => {
    const { storage } = await kit.open();
    const id = randomUUID();
    const mine = item({ client: 'web-1', id });
    const theirs = item({ client: 'web-2', id });
    assert.deepEqual(await storage.reports.ingest([mine, theirs]), [
      { kind: 'stored' },
      { kind: 'foreign', owner: 'web-1' },
    ]);
    assert.deepEqual(await storage.reports.ingest([theirs]), [{ kind: 'foreign', owner: 'web-1' }]);
    assert.deepEqual([...(await storage.reports.clientFacts()).keys()], ['web-1']);
  });

  test('two collectors that store the same reports at the same time store them once', async () => {
    const { storage, config } = await kit.open();
    const { openStorage } = await import('../../src/storage/open-storage.ts');
    const other = await openStorage({ storage: config, migrate: true });
    try {
      const items = Array.from({ length: 200 }, (_, index) => item({ client: `web-${index}` }));
      const backwards = [...items].reverse();
      const results = await Promise.all([storage.reports.ingest(items), other.reports.ingest(backwards)]);
      const stored = results.flat().filter(({ kind }) => kind === 'stored');
      assert.equal(stored.length, 200);
      assert.ok(results.flat().every(({ kind }) => kind === 'stored' || kind === 'duplicate'));
      const [count] = await storage.history.query('SELECT COUNT(*) AS count FROM disk_stats');
      assert.equal(count?.['count'], 600);
    } finally {
      await other.close();
    }
  });

  test('text is compared byte by byte: case, accents and trailing spaces count', async () => {
    const { storage } = await kit.open();
    const disks = worker(
      'disk',
      { mount: '/data', used_percent: 1 },
      { mount: '/Data', used_percent: 2 },
      {
        mount: '/data ',
        used_percent: 3,
      },
    );
    const clients = ['web-1', 'WEB-1', 'WÉB-1', 'wéb-1'];
    const results = await storage.reports.ingest(clients.map((client) => item({ client, workers: [disks] })));
    assert.deepEqual(kinds(results), ['stored', 'stored', 'stored', 'stored']);
    assert.deepEqual([...(await storage.reports.clientFacts()).keys()].sort(), [...clients].sort());
    const rows = await storage.history.query(
      "SELECT used_percent FROM disk_stats WHERE client = 'web-1' AND mount = '/Data'",
    );
    assert.deepEqual(
      rows.map((row) => row['used_percent']),
      [2],
    );
  });

  test('one row that the database refuses costs that row alone, whatever its place in the batch', async () => {
    const { storage, database } = await kit.open();
    await refuseClients(kit.kind, database, ['bad']);
    for (const place of [0, 1, 7, 16]) {
      const items = Array.from({ length: 17 }, (_, index) =>
        item({ client: index === place ? 'bad' : `web-${index}` }),
      );
      const results = await storage.reports.ingest(items);
      for (const [index, result] of results.entries()) {
        if (index !== place) assert.equal(result.kind, 'stored', `item ${index} beside ${place}`);
        else assert.match(result.kind === 'refused' ? result.message : '', /client_not_wanted/);
      }
    }
    const [count] = await storage.history.query("SELECT COUNT(*) AS count FROM clients WHERE name = 'bad'");
    assert.equal(count?.['count'], 0, 'nothing of the refused reports is left');
  });

  test('what cannot be a row is refused before it meets the others', async () => {
    const { storage } = await kit.open();
    const bad: IngestItem = { ...item(), observedAtMs: Number.NaN };
    assert.deepEqual(kinds(await storage.reports.ingest([item(), bad, item()])), ['stored', 'refused', 'stored']);
  });

  test('reports that come late stand where they belong and do not move the present', async () => {
    const { storage } = await kit.open();
    await storage.reports.ingest([item({ observedAtMs: noonMs, bootId: 'new' })]);
    await storage.reports.ingest([item({ observedAtMs: noonMs - 3_600_000, receivedAtMs: noonMs, bootId: 'old' })]);
    const facts = (await storage.reports.clientFacts()).get('web-1');
    assert.equal(facts?.lastReportAtMs, noonMs);
    assert.equal(facts.bootId, 'new');
    const [latest] = await storage.history.query('SELECT boot_id, observed_at FROM latest_stats');
    assert.deepEqual({ ...latest }, { boot_id: 'new', observed_at: '2026-11-20 10:00:00.000' });
  });

  test('figures too large to be read back exactly are unknown in their column', async () => {
    const { storage } = await kit.open();
    const disk = worker('disk', { mount: '/', size_bytes: 2 ** 60, used_bytes: 2 ** 53 - 1, used_percent: 1 });
    await storage.reports.ingest([item({ workers: [disk] })]);
    const [row] = await storage.history.query('SELECT size_bytes, used_bytes FROM disk_stats');
    assert.deepEqual({ ...row }, { size_bytes: null, used_bytes: 2 ** 53 - 1 });
  });

  test('an empty batch is nothing', async () => {
    const { storage } = await kit.open();
    assert.deepEqual(await storage.reports.ingest([]), []);
  });
});

onBothDatabases('inventory', (kit) => {
  const machine = (model: string): ReturnType<typeof worker>[] => [
    worker('system', { manufacturer: 'Dell Inc.', model, slots: 4 }),
    worker('network_card', { interface: 'eth0', mac: 'a' }, { interface: 'eth1', mac: 'b' }),
  ];
  const inventory = (model: string, at: number, workers = machine(model)): IngestItem =>
    item({ name: 'Inventory report', observedAtMs: noonMs + at, workers });

  test('a row when something changed, and none when only the order did', async () => {
    const { storage } = await kit.open();
    const [system, nics] = machine('R640');
    assert.ok(system !== undefined && nics !== undefined);
    const reversed = nics.function_reports.map((one) => ({ ...one, data: [...one.data].reverse() }));
    const same = [{ ...nics, duration_ms: 99, function_reports: reversed }, system];
    const results = await storage.reports.ingest([
      inventory('R640', 0),
      inventory('R640', 1000, same),
      inventory('R650', 2000),
      inventory('R650', 3000),
    ]);
    assert.deepEqual(kinds(results), ['stored', 'stored', 'stored', 'stored']);
    const rows = await storage.history.query('SELECT model, manufacturer, observed_at FROM inventory ORDER BY id');
    assert.deepEqual(
      rows.map((row) => row['model']),
      ['R640', 'R650'],
    );
    assert.equal(rows[0]?.['manufacturer'], 'Dell Inc.');
    const facts = (await storage.reports.clientFacts()).get('web-1');
    assert.equal(facts?.inventoryAtMs, noonMs + 3000);
    assert.equal(facts.lastReportAtMs, null, 'an inventory is not a report about the present');
  });

  test('the facts that people ask for have columns of their own', async () => {
    const { storage } = await kit.open();
    const workers = [
      worker('system', { manufacturer: 'Dell Inc.', model: 'R640', serial: 'S1', memory_bytes: 2 ** 36 }),
      worker('os_release', { hostname: 'web-1', distribution: 'Debian GNU/Linux', release: '12', kernel: '6.1.0' }),
      worker('virtual_machine', { virtualisation: null }),
      worker('cpu_model', { model: 'Xeon', threads: 64 }),
    ];
    await storage.reports.ingest([inventory('', 0, workers)]);
    const [row] = await storage.history.query(
      'SELECT model, serial, os, os_version, architecture, virtualisation, cpu_model, cpus, memory_bytes FROM inventory',
    );
    assert.deepEqual(
      { ...row },
      {
        model: 'R640',
        serial: 'S1',
        os: 'Debian GNU/Linux',
        os_version: '12',
        architecture: null,
        virtualisation: null,
        cpu_model: 'Xeon',
        cpus: 64,
        memory_bytes: 2 ** 36,
      },
    );
  });

  test('what a probe that failed did not say has not changed', async () => {
    const { storage } = await kit.open();
    const [system, nics] = machine('R640');
    assert.ok(system !== undefined && nics !== undefined);
    const failed = { ...nics, error: 'timeout', function_reports: [] };
    const results = await storage.reports.ingest([
      inventory('R640', 0),
      inventory('R640', 1000, [system, failed]),
      inventory('R640', 2000),
    ]);
    assert.deepEqual(kinds(results), ['stored', 'stored', 'stored']);
    const [count] = await storage.history.query('SELECT COUNT(*) AS count FROM inventory');
    assert.equal(count?.['count'], 1);
  });

  test('one that is sent again is a duplicate although it made no row', async () => {
    const { storage } = await kit.open();
    const first = inventory('R640', 0);
    const unchanged = inventory('R640', 1000);
    await storage.reports.ingest([first, unchanged]);
    assert.deepEqual(kinds(await storage.reports.ingest([unchanged, first])), ['duplicate', 'duplicate']);
    const stolen = item({ client: 'web-2', id: unchanged.report.report_id });
    assert.deepEqual(kinds(await storage.reports.ingest([stolen])), ['foreign']);
  });

  test('one that comes late is compared with its own time', async () => {
    const { storage } = await kit.open();
    await storage.reports.ingest([inventory('R640', 0)]);
    await storage.reports.ingest([inventory('R650', 2000)]);
    await storage.reports.ingest([inventory('R640', 1000)]);
    const [count] = await storage.history.query('SELECT COUNT(*) AS count FROM inventory');
    assert.equal(count?.['count'], 2);
    assert.equal((await storage.reports.clientFacts()).get('web-1')?.inventoryAtMs, noonMs + 2000);
  });
});

onBothDatabases('runs and visits', (kit) => {
  test('a run is one row, however often its start and end are said and in whatever order', async () => {
    const { storage } = await kit.open();
    const start = runStart();
    await storage.reports.startRun(start);
    await storage.reports.startRun(start);
    assert.equal((await storage.history.lastRun('collect'))?.outcome, 'running');
    await storage.reports.endRun(start, runEnd(start));
    await storage.reports.endRun(start, runEnd(start));
    await storage.reports.startRun(start);
    const replayed = runStart({ startedAtMs: noonMs - 60_000 });
    await storage.reports.endRun(replayed, runEnd(replayed, { outcome: 'failed' }));
    const overlapped = runStart({ startedAtMs: noonMs + 60_000 });
    await storage.reports.endRun(overlapped, runEnd(overlapped, { outcome: 'overlapped' }));
    assert.deepEqual(await storage.history.lastRun('collect'), {
      id: start.id,
      program: 'collect',
      outcome: 'finished',
      startedAtMs: noonMs,
      finishedAtMs: noonMs + 5000,
      clients: 3,
      succeeded: 2,
      failed: 1,
    });
    assert.equal(await storage.history.lastRun('alert'), null);
    const rows = await storage.history.query('SELECT outcome FROM runs ORDER BY started_at');
    assert.deepEqual(
      rows.map((row) => row['outcome']),
      ['failed', 'finished', 'overlapped'],
    );
  });

  test('failures are counted once however often a visit is saved, and end with a success', async () => {
    const { storage } = await kit.open();
    const at = (minutes: number): number => noonMs + minutes * 60_000;
    const first = visit({ ...refusedVisit, runId: 'r1', startedAtMs: at(0), nextAttemptAtMs: at(60) });
    const second = visit({ ...refusedVisit, runId: 'r2', startedAtMs: at(5) });
    await storage.reports.saveVisits([first]);
    await storage.reports.saveVisits([first, second, first]);
    const failing = (await storage.reports.clientFacts()).get('web-1');
    assert.equal(failing?.consecutiveFailures, 2);
    assert.equal(failing.failedCode, 'connect-refused');
    assert.equal(failing.nextAttemptAtMs, null);
    const [status] = await storage.history.clients();
    assert.equal(status?.errorCode, 'connect-refused');
    await storage.reports.saveVisits([visit({ runId: 'r3', startedAtMs: at(10) })]);
    await storage.reports.saveVisits([first, second]);
    const well = (await storage.reports.clientFacts()).get('web-1');
    assert.equal(well?.consecutiveFailures, 0);
    assert.equal(well.failedCode, null);
    assert.equal((await storage.history.clients())[0]?.errorCode, null);
    const [count] = await storage.history.query('SELECT COUNT(*) AS count FROM visits');
    assert.equal(count?.['count'], 3);
  });

  test('a visit that comes out of the journal late is a row but not the present', async () => {
    const { storage } = await kit.open();
    await storage.reports.saveVisits([visit({ runId: 'r2', address: '192.0.2.2' })]);
    await storage.reports.saveVisits([visit({ ...refusedVisit, runId: 'r1', startedAtMs: noonMs - 1000 })]);
    const facts = (await storage.reports.clientFacts()).get('web-1');
    assert.equal(facts?.consecutiveFailures, 0);
    assert.equal(facts.address, '192.0.2.2');
    assert.equal(facts.lastVisitAtMs, noonMs);
  });

  test('no text of a visit is too long for its row', async () => {
    const { storage } = await kit.open();
    const message = `${'x'.repeat(999)}😀 and more`;
    await storage.reports.saveVisits([visit({ ...refusedVisit, message, address: 'a'.repeat(400) })]);
    const [row] = await storage.history.query('SELECT message FROM visits');
    assert.equal(row?.['message'], `${'x'.repeat(999)}😀`);
  });

  test('a thousand visits and their clients are stored in one call', async () => {
    const { storage } = await kit.open();
    const visits = Array.from({ length: 1000 }, (_, index) => visit({ client: `web-${index}` }));
    await storage.reports.saveVisits(visits);
    assert.equal((await storage.history.clients()).length, 1000);
  });
});

onBothDatabases('history', (kit) => {
  test('status joins what is known of a client, reported or not', async () => {
    const { storage } = await kit.open();
    await storage.reports.saveVisits([visit(), visit({ ...refusedVisit, client: 'web-2' })]);
    await storage.reports.ingest([item({ observedAtMs: noonMs - 1000 }), item()]);
    const [one, two] = await storage.history.clients();
    assert.deepEqual(one, {
      client: 'web-1',
      address: '192.0.2.1',
      lastVisitAtMs: noonMs,
      lastReportAtMs: noonMs,
      observedAtMs: noonMs,
      consecutiveFailures: 0,
      nextAttemptAtMs: null,
      reader: 'node',
      hostname: 'web-1',
      os: 'Debian GNU/Linux 12',
      uptimeSeconds: 86400,
      cpuPercent: 12.5,
      memoryPercent: 41.7,
      diskPercent: 91.5,
      diskMount: '/data',
      load5: 0.4,
      errorCode: null,
      errorMessage: null,
    });
    assert.equal(two?.observedAtMs, null);
    assert.equal(two.cpuPercent, null);
    assert.equal(two.errorMessage, 'connect ECONNREFUSED 192.0.2.1:22');
  });

  const refused = [
    ['DELETE FROM stats', 'usage'],
    ['', 'usage'],
    ['SELECT 1; SELECT 2', 'usage'],
    ['/* SELECT */ UPDATE stats SET client = 1', 'usage'],
    ['PRAGMA user_version = 3', 'usage'],
    ['COMMIT', 'usage'],
    ['SELECT missing FROM nowhere', 'migration-mismatch'],
  ] as const;
  for (const [sql, code] of refused) {
    test(`a query is one statement that reads: ${sql}`, async () => {
      const { storage } = await kit.open();
      await assert.rejects(storage.history.query(sql), { name: 'FleetError', code });
    });
  }

  test('the database itself keeps a query from writing', async () => {
    const { storage, database } = await kit.open();
    await storage.reports.saveVisits([visit()]);
    const sneaky =
      kit.kind === 'sqlite' ? 'WITH x AS (SELECT 1) DELETE FROM clients' : 'SELECT * FROM clients FOR UPDATE';
    if (kit.kind === 'sqlite') await assert.rejects(storage.history.query(sneaky), { name: 'FleetError' });
    await assert.rejects(database.readOnly("DELETE FROM clients WHERE name = 'web-1'"), { kind: 'read-only' });
    assert.equal((await storage.history.clients()).length, 1);
  });

  test('semicolons in strings and a last one are fine', async () => {
    const { storage } = await kit.open();
    assert.deepEqual({ ...(await storage.history.query("SELECT 'a;b' AS text -- c;\n;"))[0] }, { text: 'a;b' });
  });
});
