-- The highest level of each writable local mount and day, for forecasts. size_bytes and available_bytes are those of the newest report
-- of the day; observed_at is that report's.

CREATE TABLE disk_levels (
  day             DATE         NOT NULL,
  client          VARCHAR(128) NOT NULL,
  mount           VARCHAR(255) NOT NULL,
  observed_at     DATETIME(3)  NOT NULL,
  size_bytes      BIGINT,
  available_bytes BIGINT,
  used_bytes      BIGINT,
  inodes_percent  DOUBLE,
  PRIMARY KEY (day, client, mount)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE INDEX disk_levels_client ON disk_levels (client);

-- Days before this migration have the level of their last report: one look into an index a client and day.
INSERT IGNORE INTO disk_levels (day, client, mount, observed_at, size_bytes, available_bytes, used_bytes, inodes_percent)
  WITH RECURSIVE days_back (back) AS (SELECT 0 UNION ALL SELECT back + 1 FROM days_back WHERE back < 40),
    last_reports AS (
      SELECT UTC_DATE() - INTERVAL back DAY AS report_day,
             (SELECT s.id FROM stats s
               WHERE s.client = c.name AND s.observed_at >= UTC_DATE() - INTERVAL back DAY
                 AND s.observed_at < UTC_DATE() - INTERVAL (back - 1) DAY
               ORDER BY s.observed_at DESC LIMIT 1) AS report
        FROM days_back CROSS JOIN clients c)
  SELECT r.report_day, d.client, d.mount, d.observed_at, d.size_bytes, d.available_bytes, d.used_bytes, d.inodes_percent
    FROM last_reports r
    JOIN disk_stats d ON d.stat_id = r.report
   WHERE d.scope = 'local' AND d.mode = 'rw' AND d.fstype <> 'tmpfs';
