import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { openStorage } from '../../src/storage/open-storage.ts';
import type { IngestItem } from '../../src/storage/store/storage.ts';
import { onEachDatabase } from './support/databases.ts';
import { refuseClients } from './support/refuse-rows.ts';
import { item, noonMs, notLooked, refusedVisit, runEnd, runStart, visit, worker } from './support/samples.ts';
import { times } from '../support/times.ts';

const kinds = (results: readonly { readonly kind: string }[]): readonly string[] => results.map(({ kind }) => kind);

/** Returns the row of `stats` of the first report that is stored. */
const rowOf = (sent: ReturnType<typeof item>): Readonly<Record<string, unknown>> => ({
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
  oom_kills: 2,
  pressure_cpu_percent: 1.25,
  pressure_memory_percent: 0,
  pressure_io_percent: 3.5,
  open_files_percent: 0.5,
  conntrack_percent: null,
  clock_synchronised: 1,
  temperature_celsius: 61.5,
  processed_at: null,
  interval_s: 300,
});

onEachDatabase(
  'ingest',
  ({ it, own }) => {
    it('a report becomes its row', async ({ reports, history }) => {
      const sent = item();
      assert.deepEqual(await reports.ingest([sent]), [{ kind: 'stored' }]);
      const [found] = await history.query('SELECT * FROM stats');
      assert.deepEqual({ ...found }, rowOf(sent));
    });

    it('a report leaves its whole text, and one row a mount and interface', async ({ rows, reports }) => {
      const sent = item();
      await reports.ingest([sent]);
      const [[text] = []] = await rows('SELECT report FROM reports WHERE stat_id = 1');
      assert.deepEqual(JSON.parse(String(text)), sent.report);
      const columns = 'stat_id, ordinal, client, mount, size_bytes, used_percent, unresponsive';
      const disks = await rows(`SELECT ${columns} FROM disk_stats ORDER BY ordinal`);
      assert.equal(disks.length, 3);
      assert.deepEqual(disks[1], [1, 1, 'web-1', '/data', 270553518080, 91.5, 0]);
      const networks = await rows('SELECT interface, rx_bytes_per_s, speed_bits_per_s FROM network_stats');
      assert.deepEqual(networks, [['eth0', 1024.5, null]]);
    });

    it('a report that comes twice is a duplicate, in one batch or in two', async ({ rows, reports }) => {
      const one = item();
      const two = item();
      assert.deepEqual(kinds(await reports.ingest([one, two, one])), ['stored', 'stored', 'duplicate']);
      assert.deepEqual(kinds(await reports.ingest([two, item(), one])), ['duplicate', 'stored', 'duplicate']);
      assert.deepEqual(await rows('SELECT COUNT(*) AS count FROM stats'), [[3]]);
    });

    it("another client's report id is foreign, in one batch or in two, and changes nothing", async ({ reports }) => {
      const id = randomUUID();
      const mine = item({ client: 'web-1', id });
      const theirs = item({ client: 'web-2', id });
      assert.deepEqual(await reports.ingest([mine, theirs]), [{ kind: 'stored' }, { kind: 'foreign', owner: 'web-1' }]);
      assert.deepEqual(await reports.ingest([theirs]), [{ kind: 'foreign', owner: 'web-1' }]);
      assert.deepEqual([...(await reports.clientFacts()).keys()], ['web-1']);
    });

    it('two collectors that store the same reports at the same time store them once', async ({ storage, config }) => {
      const other = await openStorage({ storage: config, migrate: true });
      try {
        const items = times(200, (index) => item({ client: `web-${index}` }));
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

    it('text is compared byte by byte: case, accents and trailing spaces count', async ({ rows, reports }) => {
      const mounts = ['/data', '/Data', '/data '].map((mount, index) => ({ mount, used_percent: index + 1 }));
      const disks = worker('disk', ...mounts);
      const clients = ['web-1', 'WEB-1', 'WÉB-1', 'wéb-1'];
      const results = await reports.ingest(clients.map((client) => item({ client, workers: [disks] })));
      assert.deepEqual(kinds(results), ['stored', 'stored', 'stored', 'stored']);
      assert.deepEqual([...(await reports.clientFacts()).keys()].sort(), [...clients].sort());
      const sql = "SELECT used_percent FROM disk_stats WHERE client = 'web-1' AND mount = '/Data'";
      assert.deepEqual(await rows(sql), [[2]]);
    });

    it('one row that the database refuses costs that row alone, whatever its place in the batch', async (opened) => {
      const { database, rows, reports } = opened;
      await refuseClients({ own }, database, ['bad']);
      for (const place of [0, 1, 7, 16]) {
        const items = times(17, (index) => item({ client: index === place ? 'bad' : `web-${index}` }));
        const results = await reports.ingest(items);
        for (const [index, result] of results.entries()) {
          if (index !== place) assert.equal(result.kind, 'stored', `item ${index} beside ${place}`);
          else assert.match(result.kind === 'refused' ? result.message : '', /client_not_wanted/);
        }
      }
      const left = await rows("SELECT name FROM clients WHERE name = 'bad'");
      assert.deepEqual(left, [], 'nothing of the refused reports is left');
    });

    it('what cannot be a row is refused before it meets the others', async ({ reports }) => {
      const bad: IngestItem = { ...item(), observedAtMs: Number.NaN };
      assert.deepEqual(kinds(await reports.ingest([item(), bad, item()])), ['stored', 'refused', 'stored']);
    });

    it('reports that come late stand where they belong and do not move the present', async ({ rows, reports }) => {
      await reports.ingest([item({ observedAtMs: noonMs, bootId: 'new' })]);
      await reports.ingest([item({ observedAtMs: noonMs - 3_600_000, receivedAtMs: noonMs, bootId: 'old' })]);
      const facts = (await reports.clientFacts()).get('web-1');
      assert.equal(facts?.lastReportAtMs, noonMs);
      assert.equal(facts.bootId, 'new');
      const latest = await rows('SELECT boot_id, observed_at FROM latest_stats');
      assert.deepEqual(latest, [['new', '2026-11-20 10:00:00.000']]);
    });

    it('figures too large to be read back exactly are unknown in their column', async ({ rows, reports }) => {
      const disk = worker('disk', { mount: '/', size_bytes: 2 ** 60, used_bytes: 2 ** 53 - 1, used_percent: 1 });
      await reports.ingest([item({ workers: [disk] })]);
      assert.deepEqual(await rows('SELECT size_bytes, used_bytes FROM disk_stats'), [[null, 2 ** 53 - 1]]);
    });

    it('an empty batch is nothing', async ({ reports }) => {
      assert.deepEqual(await reports.ingest([]), []);
    });
  },
  { mariadb: 'always' },
);

onEachDatabase(
  'inventory',
  ({ it }) => {
    const machine = (model: string): ReturnType<typeof worker>[] => [
      worker('system', { manufacturer: 'Dell Inc.', model, slots: 4 }),
      worker('network_card', { interface: 'eth0', mac: 'a' }, { interface: 'eth1', mac: 'b' }),
    ];
    const inventory = (model: string, at: number, workers = machine(model)): IngestItem =>
      item({ name: 'Inventory report', observedAtMs: noonMs + at, workers });

    it('a row when something changed, and none when only the order did', async ({ rows, reports }) => {
      const [system, nics] = machine('R640');
      assert.ok(system !== undefined && nics !== undefined);
      const reversed = nics.function_reports.map((one) => ({ ...one, data: [...one.data].reverse() }));
      const same = [{ ...nics, duration_ms: 99, function_reports: reversed }, system];
      const older = [inventory('R640', 0), inventory('R640', 1000, same)];
      const results = await reports.ingest([...older, inventory('R650', 2000), inventory('R650', 3000)]);
      assert.deepEqual(kinds(results), ['stored', 'stored', 'stored', 'stored']);
      const stored = await rows('SELECT model, manufacturer FROM inventory ORDER BY id');
      assert.deepEqual(stored.map(String), ['R640,Dell Inc.', 'R650,Dell Inc.']);
      const facts = (await reports.clientFacts()).get('web-1');
      assert.equal(facts?.inventoryAtMs, noonMs + 3000);
      assert.equal(facts.lastReportAtMs, null, 'an inventory is not a report about the present');
    });

    it('the facts that people ask for have columns of their own', async ({ rows, reports }) => {
      const workers = [
        worker('system', { manufacturer: 'Dell Inc.', model: 'R640', serial: 'S1', memory_bytes: 2 ** 36 }),
        worker('os_release', { hostname: 'web-1', distribution: 'Debian GNU/Linux', release: '12', kernel: '6.1.0' }),
        worker('virtual_machine', { virtualisation: null }),
        worker('cpu_model', { model: 'Xeon', threads: 64 }),
      ];
      await reports.ingest([inventory('', 0, workers)]);
      const columns = 'model, serial, os, os_version, architecture, virtualisation, cpu_model, cpus, memory_bytes';
      const stored = await rows(`SELECT ${columns} FROM inventory`);
      assert.deepEqual(stored, [['R640', 'S1', 'Debian GNU/Linux', '12', null, null, 'Xeon', 64, 2 ** 36]]);
    });

    it('what a probe that failed did not say has not changed', async ({ rows, reports }) => {
      const [system, nics] = machine('R640');
      assert.ok(system !== undefined && nics !== undefined);
      const failed = { ...nics, error: 'timeout', function_reports: [] };
      const second = inventory('R640', 1000, [system, failed]);
      const results = await reports.ingest([inventory('R640', 0), second, inventory('R640', 2000)]);
      assert.deepEqual(kinds(results), ['stored', 'stored', 'stored']);
      assert.deepEqual(await rows('SELECT COUNT(*) AS count FROM inventory'), [[1]]);
    });

    it('one that is sent again is a duplicate although it made no row', async ({ reports }) => {
      const first = inventory('R640', 0);
      const unchanged = inventory('R640', 1000);
      await reports.ingest([first, unchanged]);
      assert.deepEqual(kinds(await reports.ingest([unchanged, first])), ['duplicate', 'duplicate']);
      const stolen = item({ client: 'web-2', id: unchanged.report.report_id });
      assert.deepEqual(kinds(await reports.ingest([stolen])), ['foreign']);
    });

    it('one that comes late is compared with its own time', async ({ rows, reports }) => {
      await reports.ingest([inventory('R640', 0)]);
      await reports.ingest([inventory('R650', 2000)]);
      await reports.ingest([inventory('R640', 1000)]);
      assert.deepEqual(await rows('SELECT COUNT(*) AS count FROM inventory'), [[2]]);
      assert.equal((await reports.clientFacts()).get('web-1')?.inventoryAtMs, noonMs + 2000);
    });
  },
  { mariadb: 'always' },
);

onEachDatabase(
  'runs and visits',
  ({ it }) => {
    it('a run is one row, however often its start and end are said and in whatever order', async (opened) => {
      const { rows, reports, history } = opened;
      const start = runStart();
      await reports.startRun(start);
      await reports.startRun(start);
      assert.equal((await history.lastRun('collect'))?.outcome, 'running');
      await reports.endRun(start, runEnd(start));
      await reports.endRun(start, runEnd(start));
      await reports.startRun(start);
      const replayed = runStart({ startedAtMs: noonMs - 60_000 });
      await reports.endRun(replayed, runEnd(replayed, { outcome: 'failed' }));
      const overlapped = runStart({ startedAtMs: noonMs + 60_000 });
      await reports.endRun(overlapped, runEnd(overlapped, { outcome: 'overlapped' }));
      assert.deepEqual(await history.lastRun('collect'), {
        id: start.id,
        program: 'collect',
        collectorId: start.collectorId,
        host: start.host,
        scope: start.scope,
        configDigest: start.configDigest,
        outcome: 'finished',
        startedAtMs: noonMs,
        finishedAtMs: noonMs + 5000,
        clients: 3,
        succeeded: 2,
        failed: 1,
        ...notLooked,
      });
      assert.equal(await history.lastRun('alert'), null);
      const outcomes = await rows('SELECT outcome FROM runs ORDER BY started_at');
      assert.deepEqual(outcomes.flat(), ['failed', 'finished', 'overlapped']);
    });

    it('a run says what the database had forgotten', async ({ reports, history }) => {
      const start = runStart();
      const restored = { reports: 37, records: 41, fromMs: noonMs - 180_000, toMs: noonMs - 60_000, note: 'at db1' };
      await reports.endRun(start, runEnd(start, { restored }));
      const { restoredFromMs, restoredToMs, ...run } = (await history.lastRun('collect')) ?? assert.fail('no run');
      assert.deepEqual([run.restored, run.restoredReports, run.restoredNote], [78, 37, 'at db1']);
      assert.deepEqual([restoredFromMs, restoredToMs], [restored.fromMs, restored.toMs]);
    });

    it('failures are counted once however often a visit is saved, and end with a success', async (opened) => {
      const { rows, reports, history } = opened;
      const at = (minutes: number): number => noonMs + minutes * 60_000;
      const first = visit({ ...refusedVisit, runId: 'r1', startedAtMs: at(0), nextAttemptAtMs: at(60) });
      const second = visit({ ...refusedVisit, runId: 'r2', startedAtMs: at(5) });
      await reports.saveVisits([first]);
      await reports.saveVisits([first, second, first]);
      const facts = async (): Promise<object> => {
        const known = (await reports.clientFacts()).get('web-1');
        const [status] = await history.clients();
        const { consecutiveFailures, failedCode, nextAttemptAtMs } = known ?? assert.fail('no facts');
        return { consecutiveFailures, failedCode, nextAttemptAtMs, errorCode: status?.errorCode };
      };
      const refused = { failedCode: 'connect-refused', nextAttemptAtMs: null, errorCode: 'connect-refused' };
      assert.deepEqual(await facts(), { consecutiveFailures: 2, ...refused });
      await reports.saveVisits([visit({ runId: 'r3', startedAtMs: at(10), epoch: 7 })]);
      await reports.saveVisits([first, second]);
      const none = { failedCode: null, nextAttemptAtMs: null, errorCode: null };
      assert.deepEqual(await facts(), { consecutiveFailures: 0, ...none });
      const stored = 'SELECT reader, epoch, COUNT(*) AS count FROM visits GROUP BY reader, epoch ORDER BY reader';
      assert.deepEqual(await rows(stored), [
        [null, null, 2],
        ['node', 7, 1],
      ]);
    });

    it('a visit that comes out of the journal late is a row but not the present', async ({ reports }) => {
      await reports.saveVisits([visit({ runId: 'r2', address: '192.0.2.2' })]);
      await reports.saveVisits([visit({ ...refusedVisit, runId: 'r1', startedAtMs: noonMs - 1000 })]);
      const facts = (await reports.clientFacts()).get('web-1');
      assert.deepEqual(
        {
          consecutiveFailures: facts?.consecutiveFailures,
          address: facts?.address,
          lastVisitAtMs: facts?.lastVisitAtMs,
        },
        { consecutiveFailures: 0, address: '192.0.2.2', lastVisitAtMs: noonMs },
      );
    });

    it('no text of a visit is too long for its row', async ({ rows, reports }) => {
      const message = `${'x'.repeat(999)}😀 and more`;
      await reports.saveVisits([visit({ ...refusedVisit, message, address: 'a'.repeat(400) })]);
      assert.deepEqual(await rows('SELECT message FROM visits'), [[`${'x'.repeat(999)}😀`]]);
    });

    it('a thousand visits and their clients are stored in one call', async ({ reports, history }) => {
      const visits = times(1000, (index) => visit({ client: `web-${index}` }));
      await reports.saveVisits(visits);
      assert.equal((await history.clients()).length, 1000);
    });
  },
  { mariadb: 'always' },
);

onEachDatabase(
  'history',
  ({ it, own }) => {
    it('status joins what is known of a client, reported or not', async ({ reports, history }) => {
      await reports.saveVisits([visit(), visit({ ...refusedVisit, client: 'web-2' })]);
      await reports.ingest([item({ observedAtMs: noonMs - 1000 }), item()]);
      const [one, two] = await history.clients();
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
        cpus: 4,
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
      it(`a query is one statement that reads: ${sql}`, async ({ history }) => {
        await assert.rejects(history.query(sql), { name: 'FleetError', code });
      });
    }

    it('the database itself keeps a query from writing', async ({ database, reports, history }) => {
      await reports.saveVisits([visit()]);
      await assert.rejects(history.query(own.sneaky), { name: 'FleetError' });
      await assert.rejects(database.readOnly("DELETE FROM clients WHERE name = 'web-1'"), { kind: 'read-only' });
      assert.equal((await history.clients()).length, 1);
    });

    for (const program of ['read', 'look'] as const) {
      it(`the database keeps a session for \`${program}\` from writing, also after a query`, async (opened) => {
        await opened.reports.ingest([item()]);
        const reader = await openStorage({ storage: opened.config, migrate: false, program });
        try {
          const refusal = { name: 'FleetError', code: 'storage-read-only' };
          for (let round = 0; round < 2; round += 1) {
            await assert.rejects(reader.reports.ingest([item()]), refusal);
            await assert.rejects(reader.leases.takeLease('alerter', 'me'), refusal);
            const [counted] = await reader.history.query('SELECT COUNT(*) AS n FROM stats');
            assert.equal(counted?.['n'], 1);
          }
          assert.equal((await reader.history.clients()).length, 1);
        } finally {
          await reader.close();
        }
      });
    }

    it('a session that migrates goes on after a statement that fails', async ({ database, rows }) => {
      await database.migrate(async (session) => {
        await assert.rejects(session.run('CREATE TABLE runs (id INTEGER NOT NULL PRIMARY KEY)'), { kind: 'exists' });
        await assert.rejects(session.all('SELECT id FROM nowhere'), { kind: 'schema' });
        await session.run('CREATE TABLE gone_on (id INTEGER NOT NULL PRIMARY KEY)');
        await session.run('INSERT INTO gone_on (id) VALUES (?)', [7]);
      });
      assert.deepEqual(await rows('SELECT id FROM gone_on'), [[7]]);
    });

    it('semicolons in strings and a last one are fine', async ({ rows }) => {
      assert.deepEqual(await rows("SELECT 'a;b' AS text -- c;\n;"), [['a;b']]);
    });
  },
  { mariadb: 'always' },
);
