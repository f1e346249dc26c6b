-- The newest lines of logs of each report. priority: 0 (emerg) to 7 (debug). logged_at: when the line was written, where it says so
-- with its zone. times: how often it stood in a row.

CREATE TABLE log_lines (
  stat_id     BIGINT       NOT NULL,
  ordinal     SMALLINT     NOT NULL,
  client      VARCHAR(128) NOT NULL,
  observed_at DATETIME(3)  NOT NULL,
  logged_at   DATETIME(3),
  priority    TINYINT,
  unit        VARCHAR(255),
  text        VARCHAR(255) NOT NULL,
  times       INT          NOT NULL,
  PRIMARY KEY (stat_id, ordinal)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE INDEX log_lines_client ON log_lines (client, observed_at);
CREATE INDEX log_lines_observed_at ON log_lines (observed_at);

DROP VIEW IF EXISTS collected_stats;
CREATE SQL SECURITY INVOKER VIEW collected_stats AS
  SELECT s.id, c.address AS ip_addr, s.os, s.cpu_percent AS cpu_usage, s.memory_percent AS mem_usage,
         s.uptime_s AS uptime,
         (SELECT GROUP_CONCAT(l.text ORDER BY l.ordinal SEPARATOR '\n')
            FROM log_lines l WHERE l.stat_id = s.id) AS event_logs,
         s.observed_at AS collection_date, s.processed_at IS NOT NULL AS consulted_for_alerts
    FROM stats s
    JOIN clients c ON c.name = s.client;
