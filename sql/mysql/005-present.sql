-- The newest row of every client. One that lies more than an hour ahead of the database's clock was stored under a clock
-- that was wrong: it is the newest only of a client that has no other.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW latest_stats AS
  SELECT s.id, s.client, c.address, s.report_id, s.run_id, s.observed_at, s.collected_at, s.received_at,
         s.clock_offset_ms, s.boot_id, s.hostname, s.os, s.uptime_s, s.cpu_percent, s.memory_percent, s.swap_percent,
         s.load1, s.load5, s.load15, s.disk_percent, s.processes, s.cpus, s.failed_units, s.probe_errors,
         s.unresponsive_mounts, s.reboot_required, s.processed_at
    FROM clients c
    JOIN stats s
      ON s.id = COALESCE(
           (SELECT n.id FROM stats n WHERE n.client = c.name AND n.observed_at <= UTC_TIMESTAMP(3) + INTERVAL 1 HOUR
             ORDER BY n.observed_at DESC, n.id DESC LIMIT 1),
           (SELECT n.id FROM stats n WHERE n.client = c.name ORDER BY n.observed_at DESC, n.id DESC LIMIT 1));
