/** Statements that give each table of an SQLite database rows. */

/** The number of clients. */
export const clients = 60;

export const numbers = (count: number): string =>
  `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})`;
export const noon = "'2026-11-20 12:00:00.000'";
const rollup = (table: string, span: string, subject = ''): string =>
  `INSERT INTO ${table} (client, ${span === 'DATE' ? 'day' : 'hour'}${subject === '' ? '' : `, ${subject}`}, samples
    ${rollupCounts(table)}) SELECT 'web-' || n, '2026-11-20${span === 'DATE' ? '' : ' 07:00:00'}'
    ${subject === '' ? '' : ", '1'"}, 12 ${rollupCounts(table).replaceAll(/, \w+/g, ', 0')} FROM numbers`;
const counted: Readonly<Record<string, readonly string[]>> = {
  stats: [
    'uptime_s',
    'cpu_percent',
    'memory_percent',
    'swap_percent',
    'load1',
    'load5',
    'load15',
    'disk_percent',
    'processes',
    'cpus',
    'interval_s',
    'failed_units',
    'probe_errors',
    'unresponsive_mounts',
    'reboot_required',
  ],
  disk_stats: ['size_bytes', 'used_bytes', 'available_bytes', 'used_percent', 'inodes_percent', 'unresponsive'],
  network_stats: [
    'rx_bytes_per_s',
    'tx_bytes_per_s',
    'rx_packets_per_s',
    'tx_packets_per_s',
    'rx_errors_per_s',
    'tx_errors_per_s',
    'rx_drops_per_s',
    'tx_drops_per_s',
    'link_up',
    'speed_bits_per_s',
    'interval_s',
  ],
  check_stats: ['state'],
  samples: ['value'],
};
function rollupCounts(table: string): string {
  const names = counted[table.replace(/_(hourly|daily)$/, '')] ?? [];
  return names.map((name) => `, ${name}_count`).join('');
}

/** Returns the statements. `stats` and `reports` get `reportsEach` rows a client. */
export const fillings = (reportsEach: number): readonly string[] => [
  `${numbers(clients * reportsEach)} INSERT INTO stats (client, report_id, run_id, observed_at, collected_at, received_at,
     cpu_percent, load1) SELECT 'web-' || (n % ${clients}), 'report-' || n, 'run', ${noon}, ${noon}, ${noon}, n / 7.0, 1.5e-9
     FROM numbers`,
  `${numbers(clients * reportsEach)} INSERT INTO reports (stat_id, observed_at, report) SELECT n + 10, ${noon},
     '{"z":1.50,"a":{"d":[1,2,{"y":null,"b":"ä\\n"}],"c":"' || n || '"}}' FROM numbers`,
  `INSERT INTO inventory_reports VALUES ('one', 'web-1', ${noon})`,
  `INSERT INTO inventory (client, observed_at, report_id, facts_digest, facts) VALUES ('web-1', ${noon}, 'one', ` +
    `'', '{"b":1,"a":2}')`,
  `INSERT INTO sealed_reports (report_id, client, key_id, run_id, received_at, sealed_bytes, sealed)
     VALUES ('s', 'web-1', 'k', 'r', ${noon}, 4, X'00ff0d0a')`,
  `INSERT INTO alerts (client, rule, subject, alert_key, open_key, severity, state, firing_since, sequence)
     VALUES ('web-1', 'disk', '/', 'key', 'key', 'critical', 'firing', ${noon}, 1)`,
  `INSERT INTO last_notified VALUES (1, 'ops@example.org', 'firing', 'critical', 1, ${noon})`,
  `INSERT INTO mails (recipient, message_id, content, created_at, sent_at) VALUES ('ops@example.org', '<1@a>', 'a
b', ${noon}, ${noon})`,
  `INSERT INTO notifications (alert_id, sequence, recipient, transition, mail_id) VALUES (1, 1, 'ops@example.org', ` +
    `'firing', 1)`,
  `INSERT INTO silences (client, rule, subject, starts_at, ends_at, author, comment) VALUES ('*', '*', '*', ` +
    `${noon}, ${noon}, 'a', '')`,
  `INSERT INTO rule_state VALUES ('web-1', '{}', ${noon})`,
  `INSERT INTO state_disks VALUES ('mon', '/var', 'c', 1, 1, 9007199254740.5, ${noon})`,
  ...['stats', 'disk_stats', 'network_stats', 'check_stats', 'samples'].flatMap((table) => {
    const subject = {
      stats: '',
      disk_stats: 'mount',
      network_stats: 'interface',
      check_stats: 'check_name',
      samples: 'series_id',
    }[table];
    return [
      `${numbers(clients)} ${rollup(`${table}_hourly`, 'DATETIME', subject)}`,
      `${numbers(clients)} ${rollup(`${table}_daily`, 'DATE', subject)}`,
    ];
  }),
  `INSERT INTO log_lines VALUES (1, 0, 'web-1', ${noon}, NULL, 3, 'ssh', 'a line', 2)`,
  "INSERT INTO visits_daily VALUES ('web-1', '2026-11-19', 288, 287, 5000, 1, 2)",
  `INSERT INTO disk_levels VALUES ('2026-11-19', 'web-9', '/', ${noon}, 1, 2, 3, 4.5)`,
  `INSERT INTO forecasts VALUES ('web-1', '/', 'bytes', 3.5, 1, NULL, NULL, 9.75, '2026-11-01', ${noon})`,
  `INSERT INTO reply_positions VALUES ('m', '1', 4, ${noon}, 'digest')`,
  "INSERT INTO mail_replies VALUES (1, 'digest')",
  `INSERT INTO events (event_id, received_at, host, service, instance, description, tags) VALUES ('e', ${noon}, ` +
    `'h', 's', '', '', '{}')`,
  `INSERT INTO client_labels VALUES ('web-1', 'site', 'ber')`,
  "INSERT INTO state_clients (client) VALUES ('web-1')",
  "INSERT INTO state_items (kind, item) VALUES ('package', 'openssl amd64')",
  "INSERT INTO state_values (item_id, value) VALUES (1, '3.0.11')",
  `INSERT INTO state VALUES (1, 1, ${noon})`,
  `INSERT INTO state_changes (client_id, item_id, after_id, earliest_at, latest_at) VALUES (1, 1, 1, ${noon}, ${noon})`,
  `INSERT INTO state_sections VALUES (1, 'package', 'd', ${noon}, NULL)`,
];
