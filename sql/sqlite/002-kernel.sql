-- Figures of the kernel and the clock.

ALTER TABLE stats ADD COLUMN oom_kills INTEGER;
ALTER TABLE stats ADD COLUMN pressure_cpu_percent REAL;
ALTER TABLE stats ADD COLUMN pressure_memory_percent REAL;
ALTER TABLE stats ADD COLUMN pressure_io_percent REAL;
ALTER TABLE stats ADD COLUMN open_files_percent REAL;
ALTER TABLE stats ADD COLUMN conntrack_percent REAL;
ALTER TABLE stats ADD COLUMN clock_synchronised INTEGER;
ALTER TABLE stats_hourly ADD COLUMN oom_kills_min INTEGER;
ALTER TABLE stats_hourly ADD COLUMN oom_kills_mean REAL;
ALTER TABLE stats_hourly ADD COLUMN oom_kills_max INTEGER;
ALTER TABLE stats_hourly ADD COLUMN oom_kills_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stats_hourly ADD COLUMN pressure_cpu_percent_min REAL;
ALTER TABLE stats_hourly ADD COLUMN pressure_cpu_percent_mean REAL;
ALTER TABLE stats_hourly ADD COLUMN pressure_cpu_percent_max REAL;
ALTER TABLE stats_hourly ADD COLUMN pressure_cpu_percent_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stats_hourly ADD COLUMN pressure_memory_percent_min REAL;
ALTER TABLE stats_hourly ADD COLUMN pressure_memory_percent_mean REAL;
ALTER TABLE stats_hourly ADD COLUMN pressure_memory_percent_max REAL;
ALTER TABLE stats_hourly ADD COLUMN pressure_memory_percent_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stats_hourly ADD COLUMN pressure_io_percent_min REAL;
ALTER TABLE stats_hourly ADD COLUMN pressure_io_percent_mean REAL;
ALTER TABLE stats_hourly ADD COLUMN pressure_io_percent_max REAL;
ALTER TABLE stats_hourly ADD COLUMN pressure_io_percent_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stats_hourly ADD COLUMN open_files_percent_min REAL;
ALTER TABLE stats_hourly ADD COLUMN open_files_percent_mean REAL;
ALTER TABLE stats_hourly ADD COLUMN open_files_percent_max REAL;
ALTER TABLE stats_hourly ADD COLUMN open_files_percent_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stats_hourly ADD COLUMN conntrack_percent_min REAL;
ALTER TABLE stats_hourly ADD COLUMN conntrack_percent_mean REAL;
ALTER TABLE stats_hourly ADD COLUMN conntrack_percent_max REAL;
ALTER TABLE stats_hourly ADD COLUMN conntrack_percent_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stats_hourly ADD COLUMN clock_synchronised_min INTEGER;
ALTER TABLE stats_hourly ADD COLUMN clock_synchronised_mean REAL;
ALTER TABLE stats_hourly ADD COLUMN clock_synchronised_max INTEGER;
ALTER TABLE stats_hourly ADD COLUMN clock_synchronised_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stats_daily ADD COLUMN oom_kills_min INTEGER;
ALTER TABLE stats_daily ADD COLUMN oom_kills_mean REAL;
ALTER TABLE stats_daily ADD COLUMN oom_kills_max INTEGER;
ALTER TABLE stats_daily ADD COLUMN oom_kills_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stats_daily ADD COLUMN pressure_cpu_percent_min REAL;
ALTER TABLE stats_daily ADD COLUMN pressure_cpu_percent_mean REAL;
ALTER TABLE stats_daily ADD COLUMN pressure_cpu_percent_max REAL;
ALTER TABLE stats_daily ADD COLUMN pressure_cpu_percent_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stats_daily ADD COLUMN pressure_memory_percent_min REAL;
ALTER TABLE stats_daily ADD COLUMN pressure_memory_percent_mean REAL;
ALTER TABLE stats_daily ADD COLUMN pressure_memory_percent_max REAL;
ALTER TABLE stats_daily ADD COLUMN pressure_memory_percent_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stats_daily ADD COLUMN pressure_io_percent_min REAL;
ALTER TABLE stats_daily ADD COLUMN pressure_io_percent_mean REAL;
ALTER TABLE stats_daily ADD COLUMN pressure_io_percent_max REAL;
ALTER TABLE stats_daily ADD COLUMN pressure_io_percent_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stats_daily ADD COLUMN open_files_percent_min REAL;
ALTER TABLE stats_daily ADD COLUMN open_files_percent_mean REAL;
ALTER TABLE stats_daily ADD COLUMN open_files_percent_max REAL;
ALTER TABLE stats_daily ADD COLUMN open_files_percent_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stats_daily ADD COLUMN conntrack_percent_min REAL;
ALTER TABLE stats_daily ADD COLUMN conntrack_percent_mean REAL;
ALTER TABLE stats_daily ADD COLUMN conntrack_percent_max REAL;
ALTER TABLE stats_daily ADD COLUMN conntrack_percent_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stats_daily ADD COLUMN clock_synchronised_min INTEGER;
ALTER TABLE stats_daily ADD COLUMN clock_synchronised_mean REAL;
ALTER TABLE stats_daily ADD COLUMN clock_synchronised_max INTEGER;
ALTER TABLE stats_daily ADD COLUMN clock_synchronised_count INTEGER NOT NULL DEFAULT 0;

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
         clock_synchronised, clock_synchronised, clock_synchronised, clock_synchronised IS NOT NULL
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
         clock_synchronised, clock_synchronised, clock_synchronised, clock_synchronised IS NOT NULL
    FROM stats;
