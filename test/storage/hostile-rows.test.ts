// Second tier: every column with every value that a client may send.
/** Rows of a client that sends arbitrary values: every value fits its column's type, and sums are bounded. */
import assert from 'node:assert/strict';

import type { Row } from '../../src/report/report.ts';
import type { IngestItem, Storage } from '../../src/storage/store/storage.ts';
import { onEachDatabase } from './support/databases.ts';
import { refuseClients, refuseWhere } from './support/refuse-rows.ts';
import { check, item, noonMs, worker } from './support/samples.ts';
import { pluck } from '../support/pluck.ts';
import { times } from '../support/times.ts';

const kinds = (results: readonly { readonly kind: string }[]): readonly string[] => results.map(({ kind }) => kind);
const kib = 1024;

/** Returns an inventory report with a failed probe, so that facts of earlier reports are kept. */
function partial(families: Readonly<Record<string, readonly Row[]>>, more: Partial<IngestItem> = {}): IngestItem {
  const workers = Object.entries(families).map(([family, rows]) => worker(family, ...rows));
  const failed = { ...worker('failed'), error: 'timeout' };
  return { ...item({ name: 'Inventory report', workers: [...workers, failed] }), ...more };
}

async function factsOf(storage: Storage): Promise<readonly string[]> {
  // The test sorts the rows, because MySQL lacks the memory to sort rows of a megabyte.
  const rows = await storage.history.query('SELECT observed_at, id, facts FROM inventory');
  const place = (row: Readonly<Record<string, unknown>>): string =>
    `${String(row['observed_at'])} ${String(row['id']).padStart(9, '0')}`;
  return [...rows].sort((a, b) => (place(a) < place(b) ? -1 : 1)).map((row) => String(row['facts']));
}

const filler = (bytes: number): readonly Row[] =>
  times(Math.ceil(bytes / 250), (number) => ({ model: `${number}${'x'.repeat(230)}` }));

onEachDatabase('hostile rows', ({ it, own }) => {
  it('a database that refuses every client alike is a fault of the database, not of the reports', async (opened) => {
    const { storage, database } = opened;
    const clients = ['a', 'b', 'c', 'd'];
    await refuseWhere({ own }, database, "client <> ''");
    const ingested = storage.reports.ingest(clients.map((client) => item({ client })));
    await assert.rejects(ingested, { name: 'FleetError', code: 'storage-failed' });
  });

  it('clients whose reports alone are refused are at fault themselves, and leave no trial row', async (opened) => {
    const { storage, database } = opened;
    const clients = ['a', 'b', 'c', 'd'];
    await refuseClients({ own }, database, clients);
    const results = await storage.reports.ingest(clients.map((client) => item({ client })));
    assert.deepEqual(kinds(results), ['refused', 'refused', 'refused', 'refused']);
    assert.deepEqual(kinds(await storage.reports.ingest([item({ client: 'good' })])), ['stored']);
    const ofGood = { clients: 1, stats: 1, reports: 1, disk_stats: 3, network_stats: 1 };
    for (const [table, count] of Object.entries({ ...ofGood, check_stats: 0, series: 0, samples: 0, inventory: 0 })) {
      const [row] = await storage.history.query(`SELECT COUNT(*) AS count FROM ${table} WHERE 1 = 1`);
      assert.equal(row?.['count'], count, table);
    }
  });

  it('a number beyond its column is unknown, and the report is stored', async ({ reports, history }) => {
    const huge = [127, 2 ** 31, 2 ** 53 - 1, 2 ** 53, 1e300];
    const inventories = huge.map((threads, index) =>
      item({
        client: `web-${index}`,
        name: 'Inventory report',
        workers: [worker('cpu_model', { threads }), worker('system', { memory_bytes: threads })],
      }),
    );
    const daemons = huge.map((value, index) => {
      const flags = { unresponsive: value, size_bytes: value, used_bytes: value, available_bytes: value };
      return item({
        client: `web-${index}`,
        workers: [
          worker('disk', { mount: '/', ...flags }),
          worker('network', { interface: 'eth0', link_up: value, speed_bits_per_s: value }),
          worker('cpu', { cpus: value }),
          worker('processes', { total: value }),
          worker('services', { failed_units: value }),
          worker('os', { reboot_required: value }),
          worker('kernel', { oom_kills: value }),
          worker('clock', { synchronised: value }),
          worker('uptime', { seconds: value }),
        ],
      });
    });
    const results = await reports.ingest([...inventories, ...daemons]);
    assert.deepEqual(new Set(kinds(results)), new Set(['stored']));
    const cpus = await history.query('SELECT cpus FROM inventory ORDER BY client');
    assert.deepEqual(pluck(cpus, 'cpus'), [127, null, null, null, null]);
  });

  it('families that no agent has are not kept, however many reports name new ones', async ({ storage }) => {
    for (let number = 0; number < 10; number++) {
      const families = { [`invented_${number}`]: filler(100 * kib), system: [{ model: `R${number}` }] };
      const at = { observedAtMs: noonMs + number, receivedAtMs: noonMs + number };
      assert.deepEqual(kinds(await storage.reports.ingest([partial(families, at)])), ['stored']);
    }
    const facts = await factsOf(storage);
    assert.deepEqual([facts.length, Math.max(...facts.map(({ length }) => length)) < kib], [10, true]);
  });

  it('facts that would grow beyond 1 MiB are those of the newest report alone', async ({ storage }) => {
    const parts = ['user', 'disk_device', 'network_card'].map((family) => ({ [family]: filler(500 * kib) }));
    for (const [index, families] of parts.entries()) {
      const at = { observedAtMs: noonMs + index, receivedAtMs: noonMs + index };
      assert.deepEqual(kinds(await storage.reports.ingest([partial(families, at)])), ['stored']);
    }
    const families = (await factsOf(storage)).map((facts) => Object.keys(JSON.parse(facts) as object).sort());
    assert.deepEqual(families, [['user'], ['disk_device', 'user'], ['network_card']]);
  });

  it('an inventory that changes all day is refused after its share, and taken the day after', async (opened) => {
    const { reports } = opened;
    const changed = (number: number, atMs: number): IngestItem =>
      partial({ system: [{ model: `R${number}` }] }, { observedAtMs: atMs, receivedAtMs: atMs });
    const day = times(30, (number) => changed(number, noonMs + number));
    const results = await reports.ingest([...day, item({ client: 'good', name: 'Inventory report' })]);
    assert.deepEqual(new Set(kinds(results.slice(0, 12))), new Set(['stored']));
    assert.deepEqual(new Set(kinds(results.slice(12, 30))), new Set(['refused']));
    assert.deepEqual(kinds(results.slice(30)), ['stored'], 'another client is not concerned');
    const [refused] = results.slice(12);
    assert.match(refused?.kind === 'refused' ? refused.message : '', /changed 12 times within a day/);
    const next = await reports.ingest([changed(99, noonMs + 86_400_000 + 60_000)]);
    assert.deepEqual(kinds(next), ['stored']);
  });

  it('the newest fifty states of a machine are kept', async ({ reports, history }) => {
    for (let number = 0; number < 60; number++) {
      const atMs = noonMs + number * 86_400_000;
      const at = { observedAtMs: atMs, receivedAtMs: atMs };
      await reports.ingest([partial({ system: [{ model: `R${number}` }] }, at)]);
    }
    const rows = await history.query('SELECT model FROM inventory ORDER BY observed_at');
    assert.equal(rows.length, 50);
    assert.equal(rows[0]?.['model'], 'R10');
    assert.equal(rows.at(-1)?.['model'], 'R59');
  });

  it('one client fills no more than its share of an hour, and others are taken', async (opened) => {
    const { reports, history } = opened;
    const mounts = times(200, (number) => ({ mount: `/m${number}` }));
    const interfaces = times(200, (number) => ({ interface: `e${number}` }));
    const full = (atMs: number): IngestItem =>
      item({ observedAtMs: atMs, workers: [worker('disk', ...mounts), worker('network', ...interfaces)] });
    for (let visit = 0; visit < 3; visit++) {
      const results = await reports.ingest([...times(25, () => full(noonMs)), item({ client: `good-${visit}` })]);
      const stored = [25, 24, 0][visit] ?? 0;
      assert.deepEqual(kinds(results).slice(0, stored), Array<string>(stored).fill('stored'));
      assert.deepEqual(kinds(results).slice(stored, 25), Array<string>(25 - stored).fill('refused'));
      assert.deepEqual(kinds(results).slice(25), ['stored'], 'another client is not concerned');
      const [refused] = results.slice(stored);
      if (refused?.kind === 'refused')
        assert.match(refused.message, /more than 20000 rows of the hour 2026-11-20 10:00/);
    }
    assert.deepEqual(kinds(await reports.ingest([full(noonMs + 3_600_000)])), ['stored']);
    const [row] = await history.query("SELECT COUNT(*) AS count FROM disk_stats WHERE client = 'web-1'");
    assert.equal(row?.['count'], 50 * 200);
  });

  it('one client stores no more than 16 MiB of reports of an hour', async ({ reports }) => {
    const large = (): IngestItem => item({ workers: [{ ...worker('processes'), error: 'x'.repeat(900 * kib) }] });
    const results = await reports.ingest(Array.from({ length: 12 }, large));
    const more = await reports.ingest(Array.from({ length: 12 }, large));
    const all = kinds([...results, ...more]);
    assert.deepEqual(all.indexOf('refused'), 18);
    assert.ok(all.slice(18).every((kind) => kind === 'refused'));
  });

  it('samples count as rows, and figures beyond 200 do not', async ({ reports, history }) => {
    const figures = Array.from({ length: 50 }, (_, at) => `n${at}=${at}`).join(' ');
    const checks = Array.from({ length: 8 }, (_, at) => check(`c${at}`, 0, `| ${figures}`));
    const one = (): IngestItem => item({ workers: [], checks });
    const results = kinds(await reports.ingest(Array.from({ length: 120 }, one)));
    // Each report has ten other rows. The first two reports are not counted.
    assert.equal(results.indexOf('refused'), 2 + 95);
    const [row] = await history.query('SELECT COUNT(*) AS count FROM samples');
    assert.equal(row?.['count'], 97 * 200);
    assert.deepEqual(new Set(kinds(await reports.ingest([one(), one(), one()]))), new Set(['refused']));
  });

  it('inventory reports that change nothing count too', async ({ reports }) => {
    const mounts = times(198, (number) => ({ mount: `/m${number}` }));
    const full = times(99, () => item({ workers: [worker('disk', ...mounts)] }));
    assert.deepEqual(new Set(kinds(await reports.ingest(full))), new Set(['stored']));
    const same = (): IngestItem => item({ name: 'Inventory report', workers: [worker('system', { model: 'R1' })] });
    const results = kinds(await reports.ingest(Array.from({ length: 300 }, same)));
    assert.equal(results.indexOf('refused'), 200);
  });

  it('what waited on a client for a week comes home whole, whatever day its clock says', async ({ storage }) => {
    const week = times(2016, (number) => item({ observedAtMs: noonMs - number * 300_000 }));
    const noClock = times(1200, () => item({ client: 'web-2', observedAtMs: noonMs }));
    for (const reports of [week, noClock]) {
      for (let at = 0; at < reports.length; at += 100) {
        const results = await storage.reports.ingest(reports.slice(at, at + 100));
        assert.deepEqual(new Set(kinds(results)), new Set(['stored']));
      }
    }
  });

  it('whatever checks say, it is a row of bounded width, and each name has one row', async ({ reports, history }) => {
    const hostile =
      `\u001b[2J<script>' OR 1=1 -- ` +
      `\u202e\u{1f4a5}${'\u{10ffff}'.repeat(900)}|'a''b'=1e308KB;${'9'.repeat(99)} x=U`;
    const lines = Array.from({ length: 60 }, (_, number) => `P "\u0007${number}${'n'.repeat(40)}" a=1;2 \u001b[31m`);
    const checks = [
      check('a', 2, hostile),
      check('a b', 0),
      check('labels', 0, `| '\u001b[2J\u202e</td>'' --'=1 '${'\u{1f4a5}'.repeat(200)}'=5 ${'x'.repeat(300)}=6`),
      check('local', 0, lines.join('\n'), { format: 'checkmk', age_s: 1e300 }),
      ...Array.from({ length: 40 }, (_, number) => check(`${number}${'x'.repeat(120)}`, 1, 'x'.repeat(4096))),
    ];
    const refused = [{ path: '/etc/\u001b]0;x\u0007', why: '\u0000'.repeat(255).replaceAll('\u0000', '\t\u0001') }];
    assert.deepEqual(kinds(await reports.ingest([item({ checks, refused })])), ['stored']);
    const rows = await history.query('SELECT check_name, state, text, perfdata, age_s, refused FROM check_stats');
    assert.equal(rows.length, 1 + 3 + 60 + 40);
    assert.equal(new Set(pluck(rows, 'check_name')).size, rows.length);
    for (const { check_name: name, state, text, perfdata } of rows) {
      assert.ok([0, 1, 2, 3].includes(Number(state)));
      assert.ok(String(text).length <= 1000 && String(name).length <= 255);
      assert.match(`${String(name)}${String(text)}${String(perfdata)}`, /^[^\p{Cc}]*$/u);
    }
    const samples = await history.query(
      'SELECT metric, labels, unit, value FROM samples JOIN series ON id = series_id',
    );
    assert.equal(samples.length, 3);
    for (const { metric, labels, unit, value } of samples) {
      assert.ok(String(metric).length <= 257 && Number.isFinite(value), String(metric));
      assert.match(`${String(metric)}${String(labels)}${String(unit)}`, /^[^\p{Cc}]*$/u);
    }
    const [first] = rows.filter(({ check_name: name }) => name === 'a');
    assert.match(String(first?.['text']), /^\uFFFD\[2J<script>' OR 1=1 -- /);
    assert.deepEqual(
      rows.flatMap(({ refused: isRefused, check_name: name }) => (isRefused === 1 ? [name] : [])),
      ['/etc/\uFFFD]0;x\uFFFD'],
    );
  });
});
