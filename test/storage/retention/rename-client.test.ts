import assert from 'node:assert/strict';

import { alertKey } from '../../../src/storage/rows/alert-rows.ts';
import { onEachDatabase, type Opened } from '../support/databases.ts';
import { check, item, noonMs, ordinaryWorkers, visit, worker } from '../support/samples.ts';

/** Runs statements on a database, each with its values. */
async function run({ database }: Pick<Opened, 'database'>, ...statements: readonly (readonly [string, ...string[]])[]) {
  await database.write(async (session) => {
    for (const [sql, ...values] of statements) await session.run(sql, values);
  });
}

const at = '2026-11-20 10:00:00.000';
const insertState = 'INSERT INTO rule_state (client, state, updated_at) VALUES (?, ?, ?)';
const insertLabel = 'INSERT INTO client_labels (client, name, value) VALUES (?, ?, ?)';
const insertForecast = `INSERT INTO forecasts (client, mount, kind, days_left, days_low, growth_per_day, since, as_of)
  VALUES (?, ?, 'bytes', 1, 1, 1, ?, ?)`;

onEachDatabase('rename', ({ it }) => {
  it('everything of a client follows it to its new name, once', async ({ database, rows, reports, retention }) => {
    await reports.ingest([
      item({
        client: 'old',
        checks: [check('disk', 0, '|used=1B')],
        workers: [...ordinaryWorkers(), worker('log_line', { text: 'a' })],
      }),
      item({ client: 'old', name: 'Inventory report' }),
    ]);
    await reports.ingest([item({ client: 'other' })]);
    await reports.saveVisits([visit({ client: 'old' })]);
    await database.write(async (session) => {
      await session.run(
        `INSERT INTO silences (client, rule, subject, starts_at, ends_at, author, comment)
         VALUES ('old', '*', '*', ?, ?, 'me', 'why'), ('ol*', '*', '*', ?, ?, 'me', 'why')`,
        Array<string>(4).fill('2026-11-20 10:00:00.000'),
      );
    });
    assert.equal(await retention.renameClient('old', 'new'), true);
    assert.equal(await retention.renameClient('old', 'new'), false);
    for (const table of [
      'stats',
      'disk_stats',
      'network_stats',
      'check_stats',
      'log_lines',
      'series',
      'visits',
      'inventory',
      'inventory_reports',
    ]) {
      const clients = await rows(`SELECT DISTINCT client FROM ${table} WHERE client <> 'other'`);
      assert.deepEqual(clients, [['new']], table);
    }
    assert.deepEqual((await rows('SELECT client FROM silences ORDER BY id')).flat(), ['new', 'ol*']);
    assert.deepEqual([...(await reports.clientFacts()).keys()].sort(), ['new', 'other']);
  });

  it('a name that has rows already takes the others in', async ({ rows, reports, retention }) => {
    const visited = { runId: 'same-run' };
    await reports.ingest([item({ client: 'old', observedAtMs: noonMs - 1000, receivedAtMs: noonMs - 1000 })]);
    await reports.ingest([item({ client: 'new', observedAtMs: noonMs })]);
    await reports.saveVisits([visit({ client: 'old', ...visited }), visit({ client: 'new', ...visited })]);
    assert.equal(await retention.renameClient('old', 'new'), true);
    const clients = await rows('SELECT name, first_seen, last_report_at FROM clients');
    assert.deepEqual(clients, [['new', '2026-11-20 09:59:59.000', '2026-11-20 10:00:00.000']]);
    assert.deepEqual(await rows('SELECT COUNT(*) FROM visits'), [[1]]);
  });

  it('an open alert stays open under its new key, unless the new name has the same one', async (opened) => {
    const { storage, database, rows } = opened;
    await storage.reports.saveVisits([visit({ client: 'old' }), visit({ client: 'new' })]);
    const insert = `INSERT INTO alerts (client, rule, subject, alert_key, open_key, severity, state)
      VALUES (?, 'disk', ?, ?, ?, 'critical', 'firing')`;
    await database.write(async (session) => {
      for (const [client, mount] of [
        ['old', '/'],
        ['old', '/data'],
        ['new', '/'],
      ] as const) {
        const key = alertKey(client, 'disk', mount);
        await session.run(insert, [client, mount, key, key]);
      }
    });
    await storage.retention.renameClient('old', 'new');
    const sql = 'SELECT client, subject, state, closed_reason, alert_key, open_key FROM alerts ORDER BY id';
    const root = alertKey('new', 'disk', '/');
    const data = alertKey('new', 'disk', '/data');
    assert.deepEqual(await rows(sql), [
      ['new', '/', 'resolved', 'superseded', root, null],
      ['new', '/data', 'firing', null, data, data],
      ['new', '/', 'firing', null, root, root],
    ]);
  });

  it('a name that is the same, or that nobody has, changes nothing', async ({ reports, retention, rows }) => {
    await reports.saveVisits([visit({ client: 'old' })]);
    assert.equal(await retention.renameClient('old', 'old'), false);
    assert.equal(await retention.renameClient('nobody', 'old'), false);
    assert.deepEqual(await rows('SELECT client FROM visits'), [['old']]);
  });

  it('an alerter that has read rows under the old name loses its lease, and a copy keeps its mark', async (opened) => {
    const { reports, retention, leases } = opened.storage;
    await reports.saveVisits([visit({ client: 'old' })]);
    for (const name of ['alerter', 'copy']) assert.notEqual(await leases.takeLease(name, 'one'), null);
    await retention.renameClient('old', 'new');
    assert.deepEqual([await leases.leaseHolder('alerter'), await leases.leaseHolder('copy')], [null, 'one']);
  });

  it('the rule state of the new name stays if there is one, and its labels; its forecasts give way', async (opened) => {
    const { retention, reports, rows } = opened;
    await reports.saveVisits(['a', 'b', 'new', 'other'].map((client) => visit({ client })));
    await run(
      opened,
      ...(['a', 'b', 'other'] as const).map((client) => [insertState, client, `"of ${client}"`, at] as const),
      ...(['a', 'new', 'other'] as const).map((client) => [insertLabel, client, 'of', client] as const),
      [insertForecast, 'a', '/', at, at],
      [insertForecast, 'new', '/new', at, at],
      [insertForecast, 'other', '/', at, at],
    );
    assert.equal(await retention.renameClient('a', 'new'), true);
    assert.deepEqual(await rows('SELECT client, mount FROM forecasts ORDER BY client'), [
      ['new', '/'],
      ['other', '/'],
    ]);
    assert.equal(await retention.renameClient('b', 'new'), true);
    assert.deepEqual(await rows('SELECT client, state FROM rule_state ORDER BY client'), [
      ['new', '"of a"'],
      ['other', '"of other"'],
    ]);
    assert.deepEqual(await rows('SELECT client, value FROM client_labels ORDER BY client'), [
      ['new', 'new'],
      ['other', 'other'],
    ]);
  });

  it('a visit of both names in one run is one, and other runs and clients keep theirs', async (opened) => {
    const { retention, reports, rows } = opened;
    const made = ['old one', 'new one', 'other one', 'old two'].map((words) => words.split(' '));
    await reports.saveVisits(made.map(([client = '', runId = '']) => visit({ client, runId })));
    await retention.renameClient('old', 'new');
    assert.deepEqual(await rows('SELECT client, run_id FROM visits ORDER BY client, run_id'), [
      ['new', 'one'],
      ['new', 'two'],
      ['other', 'one'],
    ]);
  });

  it('an alert that gives way is over at once, and one that is over stays as it is', async (opened) => {
    const { retention, reports, rows } = opened;
    await reports.saveVisits([visit({ client: 'old' }), visit({ client: 'new' })]);
    const insert = `INSERT INTO alerts (client, rule, subject, alert_key, open_key, severity, state)
      VALUES (?, 'disk', '/', ?, ?, 'critical', 'firing')`;
    const over = `INSERT INTO alerts (client, rule, subject, alert_key, severity, state)
      VALUES (?, 'disk', '/', ?, 'critical', 'resolved')`;
    const keyOf = (client: string): string => alertKey(client, 'disk', '/');
    await run(
      opened,
      [over, 'old', keyOf('old')],
      ...(['old', 'new'] as const).map((client) => [insert, client, keyOf(client), keyOf(client)] as const),
    );
    await retention.renameClient('old', 'new');
    const sql = `SELECT state, closed_reason, closed_out, resolved_at IS NULL, open_key IS NULL, alert_key = '${keyOf('new')}'
      FROM alerts ORDER BY id`;
    assert.deepEqual(
      (await rows(sql)).map((row) => row.map((value) => (typeof value === 'string' ? value : Number(value ?? 0)))),
      [
        ['resolved', 0, 0, 1, 1, 1],
        ['resolved', 'superseded', 1, 0, 1, 1],
        ['firing', 0, 0, 1, 0, 1],
      ],
    );
  });

  it('the time of the newest report is that of either name', async ({ reports, retention, rows }) => {
    await reports.saveVisits([visit({ client: 'old' }), visit({ client: 'new' })]);
    await retention.renameClient('old', 'new');
    assert.deepEqual(await rows('SELECT name, last_report_at FROM clients'), [['new', null]]);
    await reports.ingest([item({ client: 'older' })]);
    await retention.renameClient('older', 'new');
    assert.deepEqual(await rows('SELECT name, last_report_at IS NULL FROM clients'), [['new', 0]]);
  });
});
