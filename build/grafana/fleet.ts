import type { DashboardSpec } from './panels.ts';

const chosen = 'client=~"$client"';
const inChosen = 'IN (${client:sqlstring})';
/** The newest finished run over the whole fleet. */
const lastRun = `FROM runs WHERE program = 'collect' AND scope = 'full' AND outcome = 'finished'
  ORDER BY started_at DESC LIMIT 1`;

export const fleetDashboard: DashboardSpec = {
  uid: 'fleet-health-fleet',
  title: 'Fleet',
  from: 'now-24h',
  clients: 'many',
  panels: [
    {
      title: 'Clients that fail',
      kind: 'stat',
      width: 4,
      height: 4,
      limits: [1, 5],
      mysql: [`SELECT COUNT(*) FROM clients WHERE consecutive_failures > 0 AND name ${inChosen}`],
      prometheus: [{ expr: `count(fleet_health_client_up{${chosen}} == 0) or vector(0)`, legend: 'failing' }],
    },
    {
      title: 'Critical alerts',
      kind: 'stat',
      width: 4,
      height: 4,
      limits: [1, 1],
      mysql: [`SELECT COUNT(*) FROM alerts WHERE state = 'firing' AND severity = 'critical'`],
      prometheus: [{ expr: 'count(fleet_health_alert_firing{severity="critical"}) or vector(0)', legend: 'critical' }],
    },
    {
      title: 'Warnings',
      kind: 'stat',
      width: 4,
      height: 4,
      limits: [1, 50],
      mysql: [`SELECT COUNT(*) FROM alerts WHERE state = 'firing' AND severity = 'warning'`],
      prometheus: [{ expr: 'count(fleet_health_alert_firing{severity="warning"}) or vector(0)', legend: 'warning' }],
    },
    {
      title: 'Time since the last run',
      description: 'Of collect, over the whole fleet.',
      kind: 'stat',
      unit: 's',
      width: 4,
      height: 4,
      limits: [900, 3600],
      mysql: [`SELECT TIMESTAMPDIFF(SECOND, finished_at, UTC_TIMESTAMP()) ${lastRun}`],
      prometheus: [
        { expr: 'time() - fleet_health_run_last_finished_timestamp_seconds{program="collect"}', legend: 'since' },
      ],
    },
    {
      title: 'Duration of the last run',
      kind: 'stat',
      unit: 's',
      width: 4,
      height: 4,
      mysql: [`SELECT TIMESTAMPDIFF(MICROSECOND, started_at, finished_at) / 1e6 ${lastRun}`],
      prometheus: [{ expr: 'fleet_health_run_duration_seconds{program="collect"}', legend: 'duration' }],
    },
    {
      title: 'Mails not delivered',
      kind: 'stat',
      width: 4,
      height: 4,
      limits: [1, 10],
      mysql: [
        `SELECT COUNT(*) FROM mails
          WHERE sent_at IS NULL AND replaced_by IS NULL AND (error IS NOT NULL OR failed_at IS NOT NULL)`,
      ],
      prometheus: [{ expr: 'fleet_health_mails_undelivered', legend: 'mails' }],
    },
    {
      title: 'Clients',
      kind: 'table',
      width: 24,
      height: 12,
      columns: {
        CPU: 'percentunit',
        memory: 'percentunit',
        'fullest file system': 'percentunit',
        'age of report': 's',
      },
      mysql: [
        `SELECT l.client, l.cpu_percent / 100 AS CPU, l.memory_percent / 100 AS memory,
  l.disk_percent / 100 AS "fullest file system", l.load5 AS "load 5 min", l.cpus AS CPUs,
  l.failed_units AS "failed units", TIMESTAMPDIFF(SECOND, l.observed_at, UTC_TIMESTAMP()) AS "age of report"
  FROM latest_stats l WHERE l.client ${inChosen} ORDER BY l.disk_percent DESC`,
      ],
      prometheus: [
        { expr: `max by (client) (fleet_health_cpu_used_ratio{${chosen}})`, legend: 'CPU' },
        { expr: `max by (client) (fleet_health_memory_used_ratio{${chosen}})`, legend: 'memory' },
        { expr: `max by (client) (fleet_health_filesystem_used_ratio{${chosen}})`, legend: 'fullest file system' },
        { expr: `max by (client) (fleet_health_load5{${chosen}})`, legend: 'load 5 min' },
        { expr: `max by (client) (fleet_health_cpus{${chosen}})`, legend: 'CPUs' },
        { expr: `max by (client) (fleet_health_failed_units{${chosen}})`, legend: 'failed units' },
        {
          expr: `time() - max by (client) (fleet_health_client_report_timestamp_seconds{${chosen}})`,
          legend: 'age of report',
        },
      ],
    },
    {
      title: 'Visits of a run',
      kind: 'timeseries',
      width: 12,
      height: 8,
      min: 0,
      mysql: [
        `SELECT started_at AS "time", succeeded, failed, skipped FROM runs
  WHERE program = 'collect' AND scope = 'full' AND outcome = 'finished' AND $__timeFilter(started_at)
  ORDER BY started_at`,
      ],
      prometheus: [{ expr: 'max by (result) (fleet_health_visits)', legend: '{{result}}' }],
    },
    {
      title: 'CPU of the chosen clients',
      kind: 'timeseries',
      unit: 'percentunit',
      width: 12,
      height: 8,
      min: 0,
      max: 1,
      mysql: [
        `SELECT $__timeGroupAlias(observed_at,$__interval), AVG(cpu_percent) / 100 AS mean, MAX(cpu_percent) / 100 AS most
  FROM stats WHERE $__timeFilter(observed_at) AND client ${inChosen} GROUP BY 1 ORDER BY 1`,
      ],
      prometheus: [
        { expr: `avg(fleet_health_cpu_used_ratio{${chosen}})`, legend: 'mean' },
        { expr: `max(fleet_health_cpu_used_ratio{${chosen}})`, legend: 'most' },
      ],
    },
  ],
};
