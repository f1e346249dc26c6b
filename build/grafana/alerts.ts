/** build/grafana: makes the dashboards of grafana/ and the files that provision them. */
import type { DashboardSpec, PanelSpec } from './panels.ts';

const chosen = 'client=~"$client|"';
const inChosen = "(client IN (${client:sqlstring}) OR client = '')";

export const alertsDashboard: DashboardSpec = {
  uid: 'fleet-health-alerts',
  title: 'Alerts',
  from: 'now-7d',
  clients: 'many',
  panels: [
    {
      title: 'Alerts that fire',
      description: 'Those of the fleet as a whole have no client.',
      kind: 'table',
      width: 24,
      height: 10,
      mysql: [
        `SELECT severity, client, rule, subject, value_text AS value, limit_text AS "limit", firing_since AS "since",
  acknowledged_by AS "acknowledged by"
  FROM alerts WHERE state = 'firing' AND ${inChosen} ORDER BY severity, firing_since`,
      ],
      prometheus: [
        { expr: `max by (severity, client, rule, subject) (fleet_health_alert_firing{${chosen}})`, legend: 'fires' },
      ],
    },
    alertsBy('severity'),
    alertsBy('rule'),
    {
      title: 'Alerts of the span',
      description: 'Prometheus: how long each fired, as far as it was scraped.',
      kind: 'table',
      width: 24,
      height: 10,
      columns: { 'how long': 's' },
      mysql: [
        `SELECT firing_since AS "since", resolved_at AS "until", firing_s AS "how long", severity, client, rule, subject,
  closed_reason AS "why it ended"
  FROM alert_history WHERE $__timeFilter(firing_since) AND ${inChosen} ORDER BY firing_since DESC LIMIT 1000`,
      ],
      prometheus: [
        {
          expr:
            '60 * max by (severity, client, rule, subject) ' +
            `(sum_over_time(fleet_health_alert_firing{${chosen}}[$__range:1m]))`,
          legend: 'how long',
        },
      ],
    },
    {
      title: 'Runs',
      description: 'MySQL: how long each took. Prometheus: the time since the newest that was finished.',
      kind: 'timeseries',
      unit: 's',
      width: 12,
      height: 8,
      min: 0,
      mysql: [
        `SELECT finished_at AS "time", program AS metric, TIMESTAMPDIFF(MICROSECOND, started_at, finished_at) / 1e6 AS took
  FROM runs WHERE program IN ('collect', 'alert', 'ingest') AND outcome = 'finished' AND scope = 'full'
  AND $__timeFilter(started_at) ORDER BY started_at`,
      ],
      prometheus: [{ expr: 'time() - fleet_health_run_last_finished_timestamp_seconds', legend: '{{program}}' }],
    },
    {
      title: 'Mails not delivered',
      kind: 'timeseries',
      width: 12,
      height: 8,
      min: 0,
      mysql: [
        `SELECT $__timeGroupAlias(created_at,$__interval), COUNT(*) AS mails FROM mails
  WHERE $__timeFilter(created_at) AND sent_at IS NULL AND replaced_by IS NULL AND (error IS NOT NULL OR failed_at IS NOT NULL)
  GROUP BY 1 ORDER BY 1`,
      ],
      prometheus: [{ expr: 'fleet_health_mails_undelivered', legend: 'mails' }],
    },
  ],
};

function alertsBy(column: 'severity' | 'rule'): PanelSpec {
  return {
    title: `Alerts by ${column}`,
    description: 'MySQL: how many began. Prometheus: how many fired.',
    kind: 'timeseries',
    width: 12,
    height: 8,
    min: 0,
    mysql: [
      `SELECT $__timeGroupAlias(firing_since,$__interval), ${column} AS metric, COUNT(*) AS began
  FROM alerts WHERE closed_out IN (0, 1) AND $__timeFilter(firing_since) AND ${inChosen} GROUP BY 1, 2 ORDER BY 1`,
    ],
    prometheus: [{ expr: `count by (${column}) (fleet_health_alert_firing{${chosen}})`, legend: `{{${column}}}` }],
  };
}
