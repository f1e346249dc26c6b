-- consulted_for_alerts has the affinity of a number, so that it compares with the text '0' too, as in MariaDB.

DROP VIEW IF EXISTS collected_stats;
CREATE VIEW collected_stats AS
  SELECT s.id, c.address AS ip_addr, s.os, s.cpu_percent AS cpu_usage, s.memory_percent AS mem_usage,
         s.uptime_s AS uptime,
         (SELECT GROUP_CONCAT(text, char(10)) FROM log_lines WHERE stat_id = s.id) AS event_logs,
         s.observed_at AS collection_date, CAST(s.processed_at IS NOT NULL AS INTEGER) AS consulted_for_alerts
    FROM stats s
    JOIN clients c ON c.name = s.client;
