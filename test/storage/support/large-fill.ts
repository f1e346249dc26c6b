import { rollupColumns, rollupSources, rollupTable } from '../../../src/storage/sql/rollups.ts';
import type { Database } from '../../../src/storage/sql/database.ts';
import { isLong, isWide } from '../../support/long-tests.ts';
import { numbersTable, type Mariadb } from '../../support/databases/mariadb.ts';

/** The number of clients. Each has rows of the last month, with a disk, interface, check and sample. */
export const clientCount = isLong ? 1000 : isWide ? 200 : 10;
const rowsOfClient = isWide ? 1000 : 500;
export const rowCount = clientCount * rowsOfClient;

/** Rows whose ids are multiples of this are also stored as hours of the month before, and half of them as days. */
const hoursEvery = 20;

/** The packages that each client has, of which it got every tenth in another version. It also has a file of its own. */
const packageCount = 500;

/**
 * Returns SQL for hours, days, alerts, mails, runs, inventories and states. `monthBefore` returns SQL for the time a
 * month before a row's time, in a format of strftime.
 */
function restOf(monthBefore: (at: string, form: string) => string): readonly string[] {
  const rollups = rollupSources.flatMap((source) =>
    (['hour', 'day'] as const).map((span) => {
      const { table, from = table, statId, subject, metrics } = source;
      const place = monthBefore(`${table}.observed_at`, span === 'hour' ? '%Y-%m-%d %H:00:00' : '%Y-%m-%d');
      const values = ['client', place, ...(subject === null ? [] : [subject]), '1', ...metrics.map(() => '1, 1, 1, 1')];
      return `INSERT INTO ${rollupTable(source, span)} (${rollupColumns(source, span).join(', ')})
        SELECT DISTINCT ${values.join(', ')} FROM ${from} WHERE ${statId} % ${span === 'hour' ? hoursEvery : 2 * hoursEvery} = 0`;
    }),
  );
  return [
    ...rollups,
    `INSERT INTO alerts (id, client, rule, subject, alert_key, open_key, severity, state, pending_since, firing_since,
        resolved_at, closed_out)
      SELECT id, client, 'cpu', '', client, NULL, 'critical', 'resolved', '2020-01-01 00:00:00.000',
        '2020-01-01 00:00:00.000', '2020-01-01 00:00:00.000', 1 FROM stats WHERE id % 50 = 0`,
    `UPDATE alerts SET open_key = client, state = 'firing', resolved_at = NULL, closed_out = 0 WHERE id % 5000 = 0`,
    `INSERT INTO mails (id, recipient, message_id, content, created_at, sent_at, replaced_by)
      SELECT id, 'ops', report_id, '{}', observed_at, CASE WHEN id % 100 = 0 THEN observed_at END,
        CASE WHEN id % 100 = 0 THEN NULL ELSE id + 50 END FROM stats WHERE id % 50 = 0`,
    `INSERT INTO notifications (alert_id, sequence, recipient, transition, mail_id)
      SELECT id, 1, 'ops', 'opened', id FROM alerts`,
    `INSERT INTO last_notified (alert_id, recipient, state, severity, sequence, notified_at)
      SELECT id, 'ops', 'firing', 'critical', 1, firing_since FROM alerts`,
    `INSERT INTO runs (id, program, outcome, collector_id, host, scope, config_digest, started_at, finished_at)
      SELECT report_id, 'collect', 'finished', 'c', 'h', 'full', '', observed_at, observed_at FROM stats
      WHERE client = 'web-1' AND id % 10 = 0`,
    `INSERT INTO rule_state (client, state, updated_at) SELECT name, '{}', first_seen FROM clients`,
    `INSERT INTO inventory (client, observed_at, report_id, facts_digest, facts)
      SELECT client, observed_at, report_id, '', '{}' FROM stats WHERE id % 1000 = 0`,
    'INSERT INTO state_clients (id, client) SELECT id, client FROM series',
    `INSERT INTO state_items (id, kind, item)
      SELECT id, 'package', CAST(id AS CHAR) FROM stats WHERE id <= ${packageCount}`,
    `INSERT INTO state_values (id, item_id, value) SELECT id, id, '1.0' FROM state_items`,
    `INSERT INTO state_values (id, item_id, value) SELECT id + ${packageCount}, id, '1.1' FROM state_items`,
    `INSERT INTO state (client_id, value_id, since) SELECT c.id, v.id, '2026-01-01 00:00:00.000'
      FROM state_clients c, state_values v WHERE v.id <= ${packageCount}`,
    `INSERT INTO state_items (id, kind, item) VALUES (${packageCount + 1}, 'file', '/etc/hostname')`,
    `INSERT INTO state_values (id, item_id, value)
      SELECT id + ${2 * packageCount}, ${packageCount + 1}, client FROM state_clients`,
    `INSERT INTO state (client_id, value_id, since)
      SELECT id, id + ${2 * packageCount}, '2026-01-01 00:00:00.000' FROM state_clients`,
    `INSERT INTO state_changes (client_id, item_id, before_id, after_id, earliest_at, latest_at)
      SELECT c.id, i.id, i.id + ${packageCount}, i.id, '2026-01-01 00:00:00.000', '2026-01-01 00:00:00.000'
      FROM state_clients c, state_items i WHERE i.kind = 'package' AND i.id % 10 = 0`,
  ];
}

export async function fillSqlite(database: Database): Promise<void> {
  const numbers = (count: number): string =>
    `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})`;
  const client = `'web-' || ((n - 1) / ${rowsOfClient} + 1)`;
  const at =
    `strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || (43 * (${rowsOfClient} - n % ${rowsOfClient})) ` + `|| ' minutes')`;
  const processed = `CASE WHEN n % 1000 = 0 THEN NULL ELSE '2026-11-20 10:00:00.000' END`;
  await database.write(async (session) => {
    await session.run(`${numbers(clientCount)}
      INSERT INTO clients (name, address, first_seen, last_report_at)
      SELECT 'web-' || n, '10.0.0.' || n, '2026-01-01 00:00:00.000', strftime('%Y-%m-%d %H:%M:%f', 'now') FROM numbers`);
    await session.run(`${numbers(rowCount)}
      INSERT INTO stats (id, client, report_id, run_id, observed_at, collected_at, received_at, cpu_percent, processed_at)
      SELECT n, ${client}, printf('%036d', n), 'run', ${at}, 'x', 'x', n % 100, ${processed} FROM numbers`);
    await session.run(`INSERT INTO disk_stats (stat_id, ordinal, client, observed_at, mount, used_percent)
      SELECT id, 0, client, observed_at, '/', id % 97 FROM stats`);
    await session.run(`INSERT INTO network_stats (stat_id, ordinal, client, observed_at, interface, rx_bytes_per_s)
      SELECT id, 0, client, observed_at, 'eth0', id % 97 FROM stats`);
    await session.run(`INSERT INTO check_stats
      SELECT id, 0, client, observed_at, 'mailq', id % 3, 'text', '', 0, 0 FROM stats`);
    await session.run(`${numbers(clientCount)} INSERT INTO series (id, client, series_key, metric, labels, unit, last_on)
      SELECT n, 'web-' || n, 'key', 'mailq unsent', '{}', 'count', date('now') FROM numbers`);
    await session.run(`INSERT INTO samples
      SELECT id, (id - 1) / ${rowsOfClient} + 1, observed_at, id % 97 FROM stats`);
    await session.run(`INSERT INTO log_lines
      SELECT id, 0, client, observed_at, observed_at, id % 8, 'sshd', 'text', 1 FROM stats WHERE id % 20 = 0`);
    await session.run(`INSERT INTO reports (stat_id, observed_at, report)
      SELECT id, observed_at, '{}' FROM stats WHERE id % 20 = 0`);
    await session.run(`INSERT INTO visits (run_id, client, started_at, duration_ms, ok, bytes_in, bytes_out, uploaded)
      SELECT report_id, client, observed_at, 1, id % 2, 0, 0, 0 FROM stats WHERE id % 20 = 0`);
    for (const sql of restOf((at, form) => `strftime('${form}', ${at}, '-31 days')`)) await session.run(sql);
  });
}

export async function fillMariadb(mariadb: Mariadb, name: string): Promise<void> {
  const client = `CONCAT('web-', (seq - 1) DIV ${rowsOfClient} + 1)`;
  const at = `UTC_TIMESTAMP(3) - INTERVAL 43 * (${rowsOfClient} - seq % ${rowsOfClient}) MINUTE`;
  await mariadb.asRoot(
    `USE ${name}`,
    'SET unique_checks = 0',
    `INSERT INTO clients (name, address, first_seen, last_report_at)
      SELECT CONCAT('web-', seq), CONCAT('10.0.0.', seq), '2026-01-01', UTC_TIMESTAMP(3) FROM ${numbersTable(clientCount)}`,
    `INSERT INTO stats (id, client, report_id, run_id, observed_at, collected_at, received_at, cpu_percent, processed_at)
      SELECT seq, ${client}, LPAD(seq, 36, '0'), 'run', ${at}, '2026-01-01', '2026-01-01', seq % 100,
        IF(seq % 1000 = 0, NULL, '2026-11-20 10:00:00') FROM ${numbersTable(rowCount)}`,
    `INSERT INTO disk_stats (stat_id, ordinal, client, observed_at, mount, used_percent)
      SELECT id, 0, client, observed_at, '/', id % 97 FROM stats`,
    `INSERT INTO network_stats (stat_id, ordinal, client, observed_at, interface, rx_bytes_per_s)
      SELECT id, 0, client, observed_at, 'eth0', id % 97 FROM stats`,
    `INSERT INTO check_stats SELECT id, 0, client, observed_at, 'mailq', id % 3, 'text', '', 0, 0 FROM stats`,
    `INSERT INTO series (id, client, series_key, metric, labels, unit, last_on)
      SELECT seq, CONCAT('web-', seq), 'key', 'mailq unsent', '{}', 'count', UTC_DATE() FROM ${numbersTable(clientCount)}`,
    `INSERT INTO samples SELECT id, (id - 1) DIV ${rowsOfClient} + 1, observed_at, id % 97 FROM stats`,
    `INSERT INTO log_lines SELECT id, 0, client, observed_at, observed_at, id % 8, 'sshd', 'text', 1 FROM stats
      WHERE id % 20 = 0`,
    `INSERT INTO reports (stat_id, observed_at, report) SELECT id, observed_at, '{}' FROM stats WHERE id % 20 = 0`,
    `INSERT INTO visits (run_id, client, started_at, duration_ms, ok, bytes_in, bytes_out, uploaded)
      SELECT report_id, client, observed_at, 1, id % 2, 0, 0, 0 FROM stats WHERE id % 20 = 0`,
    ...restOf((at, form) => `DATE_FORMAT(${at} - INTERVAL 31 DAY, '${form}')`),
    'ANALYZE TABLE stats, disk_stats, network_stats, check_stats, series, samples, log_lines, reports, visits, ' +
      'clients, alerts, notifications, mails, state_clients, state_items, state_values, state, state_changes',
  );
}
