/** A table of the schema, with facts that statements over all tables need. A test compares the databases with them. */
export interface Table {
  readonly name: string;
  /** The columns of its primary key, in order. */
  readonly key: readonly string[];
  /** True if its ids come from a counter that never gives out the id of a removed row. Default: false. */
  readonly hasCounter?: boolean;
  /** Columns of times with milliseconds. Default: none. */
  readonly times?: readonly string[];
  /** Columns of JSON, which a database may write in another form. Default: none. */
  readonly json?: readonly string[];
  /** `long`: rows may take many kilobytes; `longest`: megabytes. Default: neither. */
  readonly texts?: 'long' | 'longest';
  /** True if its rows mean something in this database alone. Default: false. */
  readonly isLocal?: boolean;
}

/** All tables but that of the migrations. `runs` is the last: its rows show whether a copy has been used. */
export const tables: readonly Table[] = [
  // The alerter's lease and the shares of collectors belong to one database.
  { name: 'leases', key: ['name'], times: ['touched_at'], isLocal: true },
  { name: 'collectors', key: ['id'], times: ['seen_at'], isLocal: true },
  { name: 'cycles', key: ['site'], times: ['began_at'], isLocal: true },
  { name: 'slices', key: ['site', 'slice'], times: ['until_at', 'done_at'], isLocal: true },
  {
    name: 'clients',
    key: ['name'],
    times: [
      ...['first_seen', 'last_visit_at', 'last_report_at', 'next_attempt_at', 'inventory_at'],
      ...['state_at', 'state_wanted_at', 'state_same_at'],
    ],
  },
  { name: 'visits', key: ['id'], hasCounter: true, times: ['started_at', 'processed_at'] },
  {
    name: 'stats',
    key: ['id'],
    hasCounter: true,
    times: ['observed_at', 'collected_at', 'received_at', 'processed_at'],
  },
  { name: 'reports', key: ['stat_id'], times: ['observed_at'], json: ['report'], texts: 'long' },
  { name: 'disk_stats', key: ['stat_id', 'ordinal'], times: ['observed_at'] },
  { name: 'network_stats', key: ['stat_id', 'ordinal'], times: ['observed_at'] },
  { name: 'inventory', key: ['id'], hasCounter: true, times: ['observed_at'], json: ['facts'], texts: 'long' },
  { name: 'inventory_reports', key: ['report_id'], times: ['observed_at'] },
  { name: 'sealed_reports', key: ['id'], hasCounter: true, times: ['received_at', 'stored_at'], texts: 'longest' },
  {
    name: 'alerts',
    key: ['id'],
    hasCounter: true,
    times: ['pending_since', 'firing_since', 'resolved_at', 'acknowledged_until', 'acknowledged_at'],
    texts: 'long',
  },
  { name: 'last_notified', key: ['alert_id', 'recipient'], times: ['notified_at'] },
  {
    name: 'mails',
    key: ['id'],
    hasCounter: true,
    times: [
      ...['created_at', 'claimed_until', 'next_attempt_at', 'data_at', 'sent_at', 'failed_at'],
      ...['digest_from', 'digest_seen_to', 'digest_seen_again', 'digest_to'],
    ],
    texts: 'longest',
  },
  { name: 'notifications', key: ['id'], hasCounter: true, times: ['before_notified_at'] },
  { name: 'silences', key: ['id'], hasCounter: true, times: ['starts_at', 'ends_at'] },
  { name: 'rule_state', key: ['client'], times: ['updated_at'], texts: 'long' },
  { name: 'state_disks', key: ['host', 'path'], times: ['observed_at'] },
  { name: 'stats_hourly', key: ['client', 'hour'] },
  { name: 'stats_daily', key: ['client', 'day'] },
  { name: 'disk_stats_hourly', key: ['client', 'hour', 'mount'] },
  { name: 'disk_stats_daily', key: ['client', 'day', 'mount'] },
  { name: 'network_stats_hourly', key: ['client', 'hour', 'interface'] },
  { name: 'network_stats_daily', key: ['client', 'day', 'interface'] },
  { name: 'check_stats', key: ['stat_id', 'ordinal'], times: ['observed_at'], texts: 'long' },
  { name: 'check_stats_hourly', key: ['client', 'hour', 'check_name'] },
  { name: 'check_stats_daily', key: ['client', 'day', 'check_name'] },
  { name: 'log_lines', key: ['stat_id', 'ordinal'], times: ['observed_at', 'logged_at'] },
  { name: 'series', key: ['id'], hasCounter: true, times: ['counter_at'] },
  { name: 'samples', key: ['stat_id', 'series_id'], times: ['observed_at'] },
  { name: 'samples_hourly', key: ['client', 'hour', 'series_id'] },
  { name: 'samples_daily', key: ['client', 'day', 'series_id'] },
  { name: 'disk_levels', key: ['day', 'client', 'mount'], times: ['observed_at'] },
  { name: 'forecasts', key: ['client', 'mount', 'kind'], times: ['as_of'] },
  { name: 'reply_positions', key: ['mailbox'], times: ['arrived_at'] },
  { name: 'events', key: ['id'], hasCounter: true, times: ['received_at', 'processed_at'], texts: 'long' },
  { name: 'client_labels', key: ['client', 'name'] },
  { name: 'mail_replies', key: ['mail_id', 'message'] },
  { name: 'visits_daily', key: ['client', 'day'] },
  { name: 'state_clients', key: ['id'], hasCounter: true },
  { name: 'state_items', key: ['id'], hasCounter: true },
  { name: 'state_values', key: ['id'], hasCounter: true },
  { name: 'state', key: ['client_id', 'value_id'], times: ['since'] },
  { name: 'state_changes', key: ['id'], hasCounter: true, times: ['earliest_at', 'latest_at'] },
  { name: 'state_sections', key: ['client_id', 'kind'], times: ['observed_at'] },
  { name: 'runs', key: ['id'], times: ['started_at', 'finished_at', 'restored_from', 'restored_to'] },
];

/** The tables whose rows belong to a row of `stats`, by `stat_id`. */
export const ofReports = tables.filter(({ key }) => key[0] === 'stat_id').map(({ name }) => name);
