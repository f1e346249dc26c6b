-- The temperature of the hottest sensor.

ALTER TABLE stats ADD COLUMN temperature_celsius DOUBLE;
ALTER TABLE stats_hourly
  ADD COLUMN temperature_celsius_min DOUBLE,
  ADD COLUMN temperature_celsius_mean DOUBLE,
  ADD COLUMN temperature_celsius_max DOUBLE,
  ADD COLUMN temperature_celsius_count MEDIUMINT UNSIGNED NOT NULL DEFAULT 0;
ALTER TABLE stats_daily
  ADD COLUMN temperature_celsius_min DOUBLE,
  ADD COLUMN temperature_celsius_mean DOUBLE,
  ADD COLUMN temperature_celsius_max DOUBLE,
  ADD COLUMN temperature_celsius_count MEDIUMINT UNSIGNED NOT NULL DEFAULT 0;

DROP VIEW IF EXISTS stats_by_hour;
CREATE SQL SECURITY INVOKER VIEW stats_by_hour AS
  SELECT * FROM stats_hourly
  UNION ALL
  SELECT client, CAST(DATE(observed_at) AS DATETIME) + INTERVAL HOUR(observed_at) HOUR, 1,
         uptime_s, uptime_s, uptime_s, uptime_s IS NOT NULL,
         cpu_percent, cpu_percent, cpu_percent, cpu_percent IS NOT NULL,
         memory_percent, memory_percent, memory_percent, memory_percent IS NOT NULL,
         swap_percent, swap_percent, swap_percent, swap_percent IS NOT NULL,
         load1, load1, load1, load1 IS NOT NULL,
         load5, load5, load5, load5 IS NOT NULL,
         load15, load15, load15, load15 IS NOT NULL,
         disk_percent, disk_percent, disk_percent, disk_percent IS NOT NULL,
         processes, processes, processes, processes IS NOT NULL,
         cpus, cpus, cpus, cpus IS NOT NULL,
         interval_s, interval_s, interval_s, interval_s IS NOT NULL,
         failed_units, failed_units, failed_units, failed_units IS NOT NULL,
         probe_errors, probe_errors, probe_errors, probe_errors IS NOT NULL,
         unresponsive_mounts, unresponsive_mounts, unresponsive_mounts, unresponsive_mounts IS NOT NULL,
         reboot_required, reboot_required, reboot_required, reboot_required IS NOT NULL,
         oom_kills, oom_kills, oom_kills, oom_kills IS NOT NULL,
         pressure_cpu_percent, pressure_cpu_percent, pressure_cpu_percent, pressure_cpu_percent IS NOT NULL,
         pressure_memory_percent, pressure_memory_percent, pressure_memory_percent, pressure_memory_percent IS NOT NULL,
         pressure_io_percent, pressure_io_percent, pressure_io_percent, pressure_io_percent IS NOT NULL,
         open_files_percent, open_files_percent, open_files_percent, open_files_percent IS NOT NULL,
         conntrack_percent, conntrack_percent, conntrack_percent, conntrack_percent IS NOT NULL,
         clock_synchronised, clock_synchronised, clock_synchronised, clock_synchronised IS NOT NULL,
         temperature_celsius, temperature_celsius, temperature_celsius, temperature_celsius IS NOT NULL
    FROM stats;

DROP VIEW IF EXISTS stats_by_day;
CREATE SQL SECURITY INVOKER VIEW stats_by_day AS
  SELECT * FROM stats_daily
  UNION ALL
  SELECT client, DATE(observed_at), 1,
         uptime_s, uptime_s, uptime_s, uptime_s IS NOT NULL,
         cpu_percent, cpu_percent, cpu_percent, cpu_percent IS NOT NULL,
         memory_percent, memory_percent, memory_percent, memory_percent IS NOT NULL,
         swap_percent, swap_percent, swap_percent, swap_percent IS NOT NULL,
         load1, load1, load1, load1 IS NOT NULL,
         load5, load5, load5, load5 IS NOT NULL,
         load15, load15, load15, load15 IS NOT NULL,
         disk_percent, disk_percent, disk_percent, disk_percent IS NOT NULL,
         processes, processes, processes, processes IS NOT NULL,
         cpus, cpus, cpus, cpus IS NOT NULL,
         interval_s, interval_s, interval_s, interval_s IS NOT NULL,
         failed_units, failed_units, failed_units, failed_units IS NOT NULL,
         probe_errors, probe_errors, probe_errors, probe_errors IS NOT NULL,
         unresponsive_mounts, unresponsive_mounts, unresponsive_mounts, unresponsive_mounts IS NOT NULL,
         reboot_required, reboot_required, reboot_required, reboot_required IS NOT NULL,
         oom_kills, oom_kills, oom_kills, oom_kills IS NOT NULL,
         pressure_cpu_percent, pressure_cpu_percent, pressure_cpu_percent, pressure_cpu_percent IS NOT NULL,
         pressure_memory_percent, pressure_memory_percent, pressure_memory_percent, pressure_memory_percent IS NOT NULL,
         pressure_io_percent, pressure_io_percent, pressure_io_percent, pressure_io_percent IS NOT NULL,
         open_files_percent, open_files_percent, open_files_percent, open_files_percent IS NOT NULL,
         conntrack_percent, conntrack_percent, conntrack_percent, conntrack_percent IS NOT NULL,
         clock_synchronised, clock_synchronised, clock_synchronised, clock_synchronised IS NOT NULL,
         temperature_celsius, temperature_celsius, temperature_celsius, temperature_celsius IS NOT NULL
    FROM stats;

-- MySQL lists the columns of `*` when it makes a view.

DROP VIEW IF EXISTS latest_stats;
CREATE SQL SECURITY INVOKER VIEW latest_stats AS
  SELECT s.*, c.address
    FROM clients c
    JOIN stats s
      ON s.id = COALESCE(
           (SELECT n.id FROM stats n
             WHERE n.client = c.name AND n.observed_at <= UTC_TIMESTAMP(3) + INTERVAL 1 HOUR
             ORDER BY n.observed_at DESC, n.id DESC LIMIT 1),
           (SELECT n.id FROM stats n WHERE n.client = c.name ORDER BY n.observed_at DESC, n.id DESC LIMIT 1));

DROP VIEW IF EXISTS present_stats;
CREATE SQL SECURITY INVOKER VIEW present_stats AS
  SELECT l.*
    FROM latest_stats l
    JOIN clients c ON c.name = l.client
   WHERE c.last_visit_at >= (SELECT MAX(v.last_visit_at) - INTERVAL 1 DAY FROM clients v
                              WHERE v.last_visit_at <= UTC_TIMESTAMP(3) + INTERVAL 1 HOUR);
