-- The temperature of the hottest sensor.

ALTER TABLE stats ADD COLUMN temperature_celsius REAL;
ALTER TABLE stats_hourly ADD COLUMN temperature_celsius_min REAL;
ALTER TABLE stats_hourly ADD COLUMN temperature_celsius_mean REAL;
ALTER TABLE stats_hourly ADD COLUMN temperature_celsius_max REAL;
ALTER TABLE stats_hourly ADD COLUMN temperature_celsius_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stats_daily ADD COLUMN temperature_celsius_min REAL;
ALTER TABLE stats_daily ADD COLUMN temperature_celsius_mean REAL;
ALTER TABLE stats_daily ADD COLUMN temperature_celsius_max REAL;
ALTER TABLE stats_daily ADD COLUMN temperature_celsius_count INTEGER NOT NULL DEFAULT 0;

DROP VIEW IF EXISTS stats_by_hour;
CREATE VIEW stats_by_hour AS
  SELECT * FROM stats_hourly
  UNION ALL
  SELECT client, substr(observed_at, 1, 13) || ':00:00', 1,
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
CREATE VIEW stats_by_day AS
  SELECT * FROM stats_daily
  UNION ALL
  SELECT client, substr(observed_at, 1, 10), 1,
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
