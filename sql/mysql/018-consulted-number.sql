-- The same view as before: only SQLite needed another one, and both databases have the same migrations.

DROP VIEW IF EXISTS collected_stats;
CREATE SQL SECURITY INVOKER VIEW collected_stats AS
  SELECT s.id, c.address AS ip_addr, s.os, s.cpu_percent AS cpu_usage, s.memory_percent AS mem_usage,
         s.uptime_s AS uptime,
         (SELECT GROUP_CONCAT(l.text ORDER BY l.ordinal SEPARATOR '\n')
            FROM log_lines l WHERE l.stat_id = s.id) AS event_logs,
         s.observed_at AS collection_date, s.processed_at IS NOT NULL AS consulted_for_alerts
    FROM stats s
    JOIN clients c ON c.name = s.client;
