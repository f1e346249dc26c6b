-- The highest level of each writable local mount and day, for forecasts. size_bytes and available_bytes are those of the newest report
-- of the day; observed_at is that report's.

CREATE TABLE disk_levels (
  day             TEXT NOT NULL,
  client          TEXT NOT NULL,
  mount           TEXT NOT NULL,
  observed_at     TEXT NOT NULL,
  size_bytes      INTEGER,
  available_bytes INTEGER,
  used_bytes      INTEGER,
  inodes_percent  REAL,
  PRIMARY KEY (day, client, mount)
) STRICT, WITHOUT ROWID;
CREATE INDEX disk_levels_client ON disk_levels (client);

-- Days before this migration have the level of their last report: one look into an index a client and day.
INSERT OR IGNORE INTO disk_levels (day, client, mount, observed_at, size_bytes, available_bytes, used_bytes, inodes_percent)
  WITH RECURSIVE days_back (back) AS (SELECT 0 UNION ALL SELECT back + 1 FROM days_back WHERE back < 40),
    last_reports AS (
      SELECT date('now', (-back) || ' days') AS report_day,
             (SELECT s.id FROM stats s
               WHERE s.client = c.name AND s.observed_at >= date('now', (-back) || ' days')
                 AND s.observed_at < date('now', (1 - back) || ' days')
               ORDER BY s.observed_at DESC LIMIT 1) AS report
        FROM days_back CROSS JOIN clients c)
  SELECT r.report_day, d.client, d.mount, d.observed_at, d.size_bytes, d.available_bytes, d.used_bytes, d.inodes_percent
    FROM last_reports r
    JOIN disk_stats d ON d.stat_id = r.report
   WHERE d.scope = 'local' AND d.mode = 'rw' AND d.fstype <> 'tmpfs';
