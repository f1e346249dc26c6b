import type { DashboardSpec, PanelSpec, PromQuery } from './panels.ts';

const chosen = 'client="$client"';
const isChosen = 'client = ${client:sqlstring}';

/** A column of a table that a plot shows as a line. */
interface Line {
  readonly column: string;
  readonly name: string;
  readonly divisor?: number;
}

/**
 * Returns two queries: existing rows, and hours of deleted rows. Each line has the mean of an interval. With subjects,
 * the name of a line is its subject, or its name and its subject.
 */
function figures(table: string, lines: readonly Line[], subject: 'mount' | 'interface' | null): readonly string[] {
  const metric = subject === null ? '' : `${subject} AS metric, `;
  const groups = subject === null ? '1' : '1, 2';
  const scaled = (expression: string, { name, divisor = 1 }: Line): string =>
    `${expression}${divisor === 1 ? '' : ` / ${divisor}`} AS "${name}"`;
  const rows = lines.map((line) => scaled(`AVG(${line.column})`, line));
  const hours = lines.map((line) => {
    const [mean, count] = [`${line.column}_mean`, `${line.column}_count`];
    return scaled(`SUM(${mean} * ${count}) / NULLIF(SUM(${count}), 0)`, line);
  });
  const query = (time: string, from: string, values: readonly string[]): string =>
    `SELECT $__timeGroupAlias(${time},$__interval), ${metric}${values.join(', ')}
  FROM ${from} WHERE ${isChosen} AND $__timeFilter(${time}) GROUP BY ${groups} ORDER BY 1`;
  return [query('observed_at', table, rows), query('hour', `${table}_hourly`, hours)];
}

/** The most lines of series in a plot. */
const mostSeries = 24;

/** Returns the two queries for series of the client: figures of checks, whose names have a blank, or samples. */
function series(kind: 'LIKE' | 'NOT LIKE', name: string): readonly string[] {
  const chosenSeries = `(SELECT id, metric, labels FROM series WHERE ${isChosen} AND unit <> 'counter' AND metric ${kind} '% %'
    ORDER BY last_on DESC, metric, id LIMIT ${mostSeries}) AS k ON k.id = series_id`;
  const query = (time: string, mean: string, from: string, where: string): string =>
    `SELECT $__timeGroupAlias(${time},$__interval), ${name} AS metric, ${mean} AS value
  FROM ${from} JOIN ${chosenSeries}
  WHERE ${where} GROUP BY 1, 2 ORDER BY 1`;
  const within = (time: string): string => `${isChosen} AND $__timeFilter(${time})`;
  const reports = `stat_id IN (SELECT id FROM stats WHERE ${within('observed_at')})`;
  const mean = 'SUM(value_mean * value_count) / NULLIF(SUM(value_count), 0)';
  return [
    query('observed_at', 'AVG(value)', 'samples', reports),
    query('hour', mean, 'samples_hourly', within('hour')),
  ];
}

interface Plot {
  readonly title: string;
  readonly unit: string;
  readonly mysql: readonly string[];
  readonly prometheus: readonly PromQuery[];
  readonly max?: number;
}

function plot({ title, unit, mysql, prometheus, ...more }: Plot): PanelSpec {
  return { title, kind: 'timeseries', unit, width: 12, height: 8, min: 0, mysql, prometheus, ...more };
}

const newest = (column: string): string =>
  `SELECT ${column} FROM stats WHERE ${isChosen} ORDER BY observed_at DESC, id DESC LIMIT 1`;

function stat(title: string, unit: string, column: string, expr: string): PanelSpec {
  const prometheus = [{ expr, legend: title }];
  return { title, kind: 'stat', unit, width: 6, height: 4, mysql: [newest(column)], prometheus };
}

export const clientDashboard: DashboardSpec = {
  uid: 'fleet-health-client',
  title: 'Client',
  from: 'now-24h',
  clients: 'one',
  panels: [
    stat(
      'Age of the report',
      's',
      'TIMESTAMPDIFF(SECOND, observed_at, UTC_TIMESTAMP())',
      `time() - fleet_health_client_report_timestamp_seconds{${chosen}}`,
    ),
    stat('Up since boot', 's', 'uptime_s', `time() - fleet_health_boot_time_seconds{${chosen}}`),
    stat('Failed units', 'none', 'failed_units', `fleet_health_failed_units{${chosen}}`),
    stat('Wants a reboot', 'bool_yes_no', 'reboot_required', `fleet_health_reboot_required{${chosen}}`),
    plot({
      title: 'CPU',
      unit: 'percentunit',
      max: 1,
      mysql: figures('stats', [{ column: 'cpu_percent', name: 'CPU', divisor: 100 }], null),
      prometheus: [{ expr: `fleet_health_cpu_used_ratio{${chosen}}`, legend: 'CPU {{resolution}}' }],
    }),
    plot({
      title: 'Memory and swap',
      unit: 'percentunit',
      max: 1,
      mysql: figures(
        'stats',
        [
          { column: 'memory_percent', name: 'memory', divisor: 100 },
          { column: 'swap_percent', name: 'swap', divisor: 100 },
        ],
        null,
      ),
      prometheus: [
        { expr: `fleet_health_memory_used_ratio{${chosen}}`, legend: 'memory {{resolution}}' },
        { expr: `fleet_health_swap_used_ratio{${chosen}}`, legend: 'swap {{resolution}}' },
      ],
    }),
    plot({
      title: 'Load',
      unit: 'short',
      mysql: figures(
        'stats',
        [
          { column: 'load1', name: '1 min' },
          { column: 'load5', name: '5 min' },
          { column: 'load15', name: '15 min' },
          { column: 'cpus', name: 'CPUs' },
        ],
        null,
      ),
      prometheus: [
        { expr: `fleet_health_load1{${chosen}}`, legend: '1 min {{resolution}}' },
        { expr: `fleet_health_load5{${chosen}}`, legend: '5 min {{resolution}}' },
        { expr: `fleet_health_load15{${chosen}}`, legend: '15 min {{resolution}}' },
        { expr: `fleet_health_cpus{${chosen}}`, legend: 'CPUs {{resolution}}' },
      ],
    }),
    plot({
      title: 'File systems in use',
      unit: 'percentunit',
      max: 1,
      mysql: figures('disk_stats', [{ column: 'used_percent', name: 'used', divisor: 100 }], 'mount'),
      prometheus: [{ expr: `fleet_health_filesystem_used_ratio{${chosen}}`, legend: '{{mount}} {{resolution}}' }],
    }),
    plot({
      title: 'Available on file systems',
      unit: 'bytes',
      mysql: figures('disk_stats', [{ column: 'available_bytes', name: 'available' }], 'mount'),
      prometheus: [{ expr: `fleet_health_filesystem_available_bytes{${chosen}}`, legend: '{{mount}} {{resolution}}' }],
    }),
    plot({
      title: 'Network',
      unit: 'Bps',
      mysql: figures(
        'network_stats',
        [
          { column: 'rx_bytes_per_s', name: 'received' },
          { column: 'tx_bytes_per_s', name: 'sent' },
        ],
        'interface',
      ),
      prometheus: [
        { expr: `fleet_health_network_receive_bytes_per_second{${chosen}}`, legend: '{{interface}} received' },
        { expr: `fleet_health_network_transmit_bytes_per_second{${chosen}}`, legend: '{{interface}} sent' },
      ],
    }),
    {
      ...plot({
        title: 'Figures of checks',
        unit: 'short',
        mysql: series('LIKE', 'k.metric'),
        prometheus: [{ expr: `fleet_health_check_value{${chosen}}`, legend: '{{check}} {{label}} {{resolution}}' }],
      }),
      description: `Seconds, bytes, percent or counts; by SQL the newest ${mostSeries}.`,
    },
    {
      ...plot({
        title: 'Samples of textfiles',
        unit: 'short',
        mysql: series('NOT LIKE', "CONCAT(k.metric, ' ', k.labels)"),
        prometheus: [{ expr: `fleet_health_series_value{${chosen}}`, legend: '' }],
      }),
      description: `By SQL the newest ${mostSeries}.`,
    },
    {
      title: 'File systems that fill up',
      kind: 'table',
      width: 24,
      height: 5,
      columns: { 'full in': 's' },
      mysql: [
        `SELECT mount, kind AS resource, GREATEST(0, days_left * 86400 - TIMESTAMPDIFF(SECOND, as_of, UTC_TIMESTAMP())) AS "full in"
  FROM forecasts WHERE ${isChosen} AND as_of > UTC_TIMESTAMP() - INTERVAL 2 DAY ORDER BY 3`,
      ],
      prometheus: [
        {
          expr: `max by (mount, resource) (fleet_health_filesystem_full_timestamp_seconds{${chosen}}) - time()`,
          legend: 'full in',
        },
      ],
    },
    {
      title: 'Alerts that fire',
      kind: 'table',
      width: 24,
      height: 6,
      mysql: [
        `SELECT severity, rule, subject, value_text AS value, limit_text AS "limit", firing_since AS "since"
  FROM alerts WHERE state = 'firing' AND ${isChosen} ORDER BY severity, firing_since`,
      ],
      prometheus: [
        { expr: `max by (severity, rule, subject) (fleet_health_alert_firing{${chosen}})`, legend: 'fires' },
      ],
    },
  ],
};
