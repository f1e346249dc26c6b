-- The seconds that rates are averages of; NULL in rows of older versions and in what was made of them.
ALTER TABLE stats ADD COLUMN interval_s REAL;
ALTER TABLE network_stats ADD COLUMN interval_s REAL;
ALTER TABLE stats_hourly ADD COLUMN interval_s_min REAL;
ALTER TABLE stats_hourly ADD COLUMN interval_s_mean REAL;
ALTER TABLE stats_hourly ADD COLUMN interval_s_max REAL;
ALTER TABLE stats_hourly ADD COLUMN interval_s_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stats_daily ADD COLUMN interval_s_min REAL;
ALTER TABLE stats_daily ADD COLUMN interval_s_mean REAL;
ALTER TABLE stats_daily ADD COLUMN interval_s_max REAL;
ALTER TABLE stats_daily ADD COLUMN interval_s_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE network_stats_hourly ADD COLUMN interval_s_min REAL;
ALTER TABLE network_stats_hourly ADD COLUMN interval_s_mean REAL;
ALTER TABLE network_stats_hourly ADD COLUMN interval_s_max REAL;
ALTER TABLE network_stats_hourly ADD COLUMN interval_s_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE network_stats_daily ADD COLUMN interval_s_min REAL;
ALTER TABLE network_stats_daily ADD COLUMN interval_s_mean REAL;
ALTER TABLE network_stats_daily ADD COLUMN interval_s_max REAL;
ALTER TABLE network_stats_daily ADD COLUMN interval_s_count INTEGER NOT NULL DEFAULT 0;

-- The newest row of every client. One that lies more than an hour ahead of the database's clock was stored under a clock
-- that was wrong: it is the newest only of a client that has no other.
DROP VIEW IF EXISTS present_stats;
DROP VIEW IF EXISTS latest_stats;
CREATE VIEW latest_stats AS
  SELECT s.id, s.client, c.address, s.report_id, s.run_id, s.observed_at, s.collected_at, s.received_at,
         s.clock_offset_ms, s.boot_id, s.hostname, s.os, s.uptime_s, s.cpu_percent, s.memory_percent, s.swap_percent,
         s.load1, s.load5, s.load15, s.disk_percent, s.processes, s.cpus, s.interval_s, s.failed_units, s.probe_errors,
         s.unresponsive_mounts, s.reboot_required, s.processed_at
    FROM clients c
    JOIN stats s
      ON s.id = COALESCE(
           (SELECT n.id FROM stats n
             WHERE n.client = c.name AND n.observed_at <= strftime('%Y-%m-%d %H:%M:%f', 'now', '+1 hour')
             ORDER BY n.observed_at DESC, n.id DESC LIMIT 1),
           (SELECT n.id FROM stats n WHERE n.client = c.name ORDER BY n.observed_at DESC, n.id DESC LIMIT 1));
-- latest_stats without the clients that nobody has visited for a day, as of the newest visit of any client: those were taken
-- out of config.xml. A visit more than an hour ahead of the database's clock counts for its own client alone.
CREATE VIEW present_stats AS
  SELECT l.*
    FROM latest_stats l
    JOIN clients c ON c.name = l.client
   WHERE c.last_visit_at >= (SELECT strftime('%Y-%m-%d %H:%M:%f', MAX(v.last_visit_at), '-1 day') FROM clients v
                              WHERE v.last_visit_at <= strftime('%Y-%m-%d %H:%M:%f', 'now', '+1 hour'));

-- All that is known, by the hour and by the day: what was kept of rows that went, and each row that is there as a part of its
-- hour or day.
DROP VIEW IF EXISTS stats_history;
DROP VIEW IF EXISTS disk_stats_history;
DROP VIEW IF EXISTS network_stats_history;

CREATE VIEW stats_by_hour AS
  SELECT client, hour, samples, uptime_s_min, uptime_s_mean, uptime_s_max, uptime_s_count, cpu_percent_min,
         cpu_percent_mean, cpu_percent_max, cpu_percent_count, memory_percent_min, memory_percent_mean,
         memory_percent_max, memory_percent_count, swap_percent_min, swap_percent_mean, swap_percent_max,
         swap_percent_count, load1_min, load1_mean, load1_max, load1_count, load5_min, load5_mean, load5_max,
         load5_count, load15_min, load15_mean, load15_max, load15_count, disk_percent_min, disk_percent_mean,
         disk_percent_max, disk_percent_count, processes_min, processes_mean, processes_max, processes_count, cpus_min,
         cpus_mean, cpus_max, cpus_count, interval_s_min, interval_s_mean, interval_s_max, interval_s_count,
         failed_units_min, failed_units_mean, failed_units_max, failed_units_count, probe_errors_min, probe_errors_mean,
         probe_errors_max, probe_errors_count, unresponsive_mounts_min, unresponsive_mounts_mean,
         unresponsive_mounts_max, unresponsive_mounts_count, reboot_required_min, reboot_required_mean,
         reboot_required_max, reboot_required_count
    FROM stats_hourly
  UNION ALL
  SELECT client, substr(observed_at, 1, 13) || ':00:00' AS hour, 1 AS samples, uptime_s AS uptime_s_min,
         uptime_s AS uptime_s_mean, uptime_s AS uptime_s_max,
         CASE WHEN uptime_s IS NULL THEN 0 ELSE 1 END AS uptime_s_count, cpu_percent AS cpu_percent_min,
         cpu_percent AS cpu_percent_mean, cpu_percent AS cpu_percent_max,
         CASE WHEN cpu_percent IS NULL THEN 0 ELSE 1 END AS cpu_percent_count, memory_percent AS memory_percent_min,
         memory_percent AS memory_percent_mean, memory_percent AS memory_percent_max,
         CASE WHEN memory_percent IS NULL THEN 0 ELSE 1 END AS memory_percent_count, swap_percent AS swap_percent_min,
         swap_percent AS swap_percent_mean, swap_percent AS swap_percent_max,
         CASE WHEN swap_percent IS NULL THEN 0 ELSE 1 END AS swap_percent_count, load1 AS load1_min,
         load1 AS load1_mean, load1 AS load1_max, CASE WHEN load1 IS NULL THEN 0 ELSE 1 END AS load1_count,
         load5 AS load5_min, load5 AS load5_mean, load5 AS load5_max,
         CASE WHEN load5 IS NULL THEN 0 ELSE 1 END AS load5_count, load15 AS load15_min, load15 AS load15_mean,
         load15 AS load15_max, CASE WHEN load15 IS NULL THEN 0 ELSE 1 END AS load15_count,
         disk_percent AS disk_percent_min, disk_percent AS disk_percent_mean, disk_percent AS disk_percent_max,
         CASE WHEN disk_percent IS NULL THEN 0 ELSE 1 END AS disk_percent_count, processes AS processes_min,
         processes AS processes_mean, processes AS processes_max,
         CASE WHEN processes IS NULL THEN 0 ELSE 1 END AS processes_count, cpus AS cpus_min, cpus AS cpus_mean,
         cpus AS cpus_max, CASE WHEN cpus IS NULL THEN 0 ELSE 1 END AS cpus_count, interval_s AS interval_s_min,
         interval_s AS interval_s_mean, interval_s AS interval_s_max,
         CASE WHEN interval_s IS NULL THEN 0 ELSE 1 END AS interval_s_count, failed_units AS failed_units_min,
         failed_units AS failed_units_mean, failed_units AS failed_units_max,
         CASE WHEN failed_units IS NULL THEN 0 ELSE 1 END AS failed_units_count, probe_errors AS probe_errors_min,
         probe_errors AS probe_errors_mean, probe_errors AS probe_errors_max,
         CASE WHEN probe_errors IS NULL THEN 0 ELSE 1 END AS probe_errors_count,
         unresponsive_mounts AS unresponsive_mounts_min, unresponsive_mounts AS unresponsive_mounts_mean,
         unresponsive_mounts AS unresponsive_mounts_max,
         CASE WHEN unresponsive_mounts IS NULL THEN 0 ELSE 1 END AS unresponsive_mounts_count,
         reboot_required AS reboot_required_min, reboot_required AS reboot_required_mean,
         reboot_required AS reboot_required_max,
         CASE WHEN reboot_required IS NULL THEN 0 ELSE 1 END AS reboot_required_count
    FROM stats;

CREATE VIEW stats_by_day AS
  SELECT client, day, samples, uptime_s_min, uptime_s_mean, uptime_s_max, uptime_s_count, cpu_percent_min,
         cpu_percent_mean, cpu_percent_max, cpu_percent_count, memory_percent_min, memory_percent_mean,
         memory_percent_max, memory_percent_count, swap_percent_min, swap_percent_mean, swap_percent_max,
         swap_percent_count, load1_min, load1_mean, load1_max, load1_count, load5_min, load5_mean, load5_max,
         load5_count, load15_min, load15_mean, load15_max, load15_count, disk_percent_min, disk_percent_mean,
         disk_percent_max, disk_percent_count, processes_min, processes_mean, processes_max, processes_count, cpus_min,
         cpus_mean, cpus_max, cpus_count, interval_s_min, interval_s_mean, interval_s_max, interval_s_count,
         failed_units_min, failed_units_mean, failed_units_max, failed_units_count, probe_errors_min, probe_errors_mean,
         probe_errors_max, probe_errors_count, unresponsive_mounts_min, unresponsive_mounts_mean,
         unresponsive_mounts_max, unresponsive_mounts_count, reboot_required_min, reboot_required_mean,
         reboot_required_max, reboot_required_count
    FROM stats_daily
  UNION ALL
  SELECT client, substr(observed_at, 1, 10) AS day, 1 AS samples, uptime_s AS uptime_s_min, uptime_s AS uptime_s_mean,
         uptime_s AS uptime_s_max, CASE WHEN uptime_s IS NULL THEN 0 ELSE 1 END AS uptime_s_count,
         cpu_percent AS cpu_percent_min, cpu_percent AS cpu_percent_mean, cpu_percent AS cpu_percent_max,
         CASE WHEN cpu_percent IS NULL THEN 0 ELSE 1 END AS cpu_percent_count, memory_percent AS memory_percent_min,
         memory_percent AS memory_percent_mean, memory_percent AS memory_percent_max,
         CASE WHEN memory_percent IS NULL THEN 0 ELSE 1 END AS memory_percent_count, swap_percent AS swap_percent_min,
         swap_percent AS swap_percent_mean, swap_percent AS swap_percent_max,
         CASE WHEN swap_percent IS NULL THEN 0 ELSE 1 END AS swap_percent_count, load1 AS load1_min,
         load1 AS load1_mean, load1 AS load1_max, CASE WHEN load1 IS NULL THEN 0 ELSE 1 END AS load1_count,
         load5 AS load5_min, load5 AS load5_mean, load5 AS load5_max,
         CASE WHEN load5 IS NULL THEN 0 ELSE 1 END AS load5_count, load15 AS load15_min, load15 AS load15_mean,
         load15 AS load15_max, CASE WHEN load15 IS NULL THEN 0 ELSE 1 END AS load15_count,
         disk_percent AS disk_percent_min, disk_percent AS disk_percent_mean, disk_percent AS disk_percent_max,
         CASE WHEN disk_percent IS NULL THEN 0 ELSE 1 END AS disk_percent_count, processes AS processes_min,
         processes AS processes_mean, processes AS processes_max,
         CASE WHEN processes IS NULL THEN 0 ELSE 1 END AS processes_count, cpus AS cpus_min, cpus AS cpus_mean,
         cpus AS cpus_max, CASE WHEN cpus IS NULL THEN 0 ELSE 1 END AS cpus_count, interval_s AS interval_s_min,
         interval_s AS interval_s_mean, interval_s AS interval_s_max,
         CASE WHEN interval_s IS NULL THEN 0 ELSE 1 END AS interval_s_count, failed_units AS failed_units_min,
         failed_units AS failed_units_mean, failed_units AS failed_units_max,
         CASE WHEN failed_units IS NULL THEN 0 ELSE 1 END AS failed_units_count, probe_errors AS probe_errors_min,
         probe_errors AS probe_errors_mean, probe_errors AS probe_errors_max,
         CASE WHEN probe_errors IS NULL THEN 0 ELSE 1 END AS probe_errors_count,
         unresponsive_mounts AS unresponsive_mounts_min, unresponsive_mounts AS unresponsive_mounts_mean,
         unresponsive_mounts AS unresponsive_mounts_max,
         CASE WHEN unresponsive_mounts IS NULL THEN 0 ELSE 1 END AS unresponsive_mounts_count,
         reboot_required AS reboot_required_min, reboot_required AS reboot_required_mean,
         reboot_required AS reboot_required_max,
         CASE WHEN reboot_required IS NULL THEN 0 ELSE 1 END AS reboot_required_count
    FROM stats;

CREATE VIEW disk_stats_by_hour AS
  SELECT client, hour, mount, samples, size_bytes_min, size_bytes_mean, size_bytes_max, size_bytes_count,
         used_bytes_min, used_bytes_mean, used_bytes_max, used_bytes_count, available_bytes_min, available_bytes_mean,
         available_bytes_max, available_bytes_count, used_percent_min, used_percent_mean, used_percent_max,
         used_percent_count, inodes_percent_min, inodes_percent_mean, inodes_percent_max, inodes_percent_count,
         unresponsive_min, unresponsive_mean, unresponsive_max, unresponsive_count
    FROM disk_stats_hourly
  UNION ALL
  SELECT client, substr(observed_at, 1, 13) || ':00:00' AS hour, mount, 1 AS samples, size_bytes AS size_bytes_min,
         size_bytes AS size_bytes_mean, size_bytes AS size_bytes_max,
         CASE WHEN size_bytes IS NULL THEN 0 ELSE 1 END AS size_bytes_count, used_bytes AS used_bytes_min,
         used_bytes AS used_bytes_mean, used_bytes AS used_bytes_max,
         CASE WHEN used_bytes IS NULL THEN 0 ELSE 1 END AS used_bytes_count, available_bytes AS available_bytes_min,
         available_bytes AS available_bytes_mean, available_bytes AS available_bytes_max,
         CASE WHEN available_bytes IS NULL THEN 0 ELSE 1 END AS available_bytes_count, used_percent AS used_percent_min,
         used_percent AS used_percent_mean, used_percent AS used_percent_max,
         CASE WHEN used_percent IS NULL THEN 0 ELSE 1 END AS used_percent_count, inodes_percent AS inodes_percent_min,
         inodes_percent AS inodes_percent_mean, inodes_percent AS inodes_percent_max,
         CASE WHEN inodes_percent IS NULL THEN 0 ELSE 1 END AS inodes_percent_count, unresponsive AS unresponsive_min,
         unresponsive AS unresponsive_mean, unresponsive AS unresponsive_max,
         CASE WHEN unresponsive IS NULL THEN 0 ELSE 1 END AS unresponsive_count
    FROM disk_stats;

CREATE VIEW disk_stats_by_day AS
  SELECT client, day, mount, samples, size_bytes_min, size_bytes_mean, size_bytes_max, size_bytes_count, used_bytes_min,
         used_bytes_mean, used_bytes_max, used_bytes_count, available_bytes_min, available_bytes_mean,
         available_bytes_max, available_bytes_count, used_percent_min, used_percent_mean, used_percent_max,
         used_percent_count, inodes_percent_min, inodes_percent_mean, inodes_percent_max, inodes_percent_count,
         unresponsive_min, unresponsive_mean, unresponsive_max, unresponsive_count
    FROM disk_stats_daily
  UNION ALL
  SELECT client, substr(observed_at, 1, 10) AS day, mount, 1 AS samples, size_bytes AS size_bytes_min,
         size_bytes AS size_bytes_mean, size_bytes AS size_bytes_max,
         CASE WHEN size_bytes IS NULL THEN 0 ELSE 1 END AS size_bytes_count, used_bytes AS used_bytes_min,
         used_bytes AS used_bytes_mean, used_bytes AS used_bytes_max,
         CASE WHEN used_bytes IS NULL THEN 0 ELSE 1 END AS used_bytes_count, available_bytes AS available_bytes_min,
         available_bytes AS available_bytes_mean, available_bytes AS available_bytes_max,
         CASE WHEN available_bytes IS NULL THEN 0 ELSE 1 END AS available_bytes_count, used_percent AS used_percent_min,
         used_percent AS used_percent_mean, used_percent AS used_percent_max,
         CASE WHEN used_percent IS NULL THEN 0 ELSE 1 END AS used_percent_count, inodes_percent AS inodes_percent_min,
         inodes_percent AS inodes_percent_mean, inodes_percent AS inodes_percent_max,
         CASE WHEN inodes_percent IS NULL THEN 0 ELSE 1 END AS inodes_percent_count, unresponsive AS unresponsive_min,
         unresponsive AS unresponsive_mean, unresponsive AS unresponsive_max,
         CASE WHEN unresponsive IS NULL THEN 0 ELSE 1 END AS unresponsive_count
    FROM disk_stats;

CREATE VIEW network_stats_by_hour AS
  SELECT client, hour, interface, samples, rx_bytes_per_s_min, rx_bytes_per_s_mean, rx_bytes_per_s_max,
         rx_bytes_per_s_count, tx_bytes_per_s_min, tx_bytes_per_s_mean, tx_bytes_per_s_max, tx_bytes_per_s_count,
         rx_packets_per_s_min, rx_packets_per_s_mean, rx_packets_per_s_max, rx_packets_per_s_count,
         tx_packets_per_s_min, tx_packets_per_s_mean, tx_packets_per_s_max, tx_packets_per_s_count, rx_errors_per_s_min,
         rx_errors_per_s_mean, rx_errors_per_s_max, rx_errors_per_s_count, tx_errors_per_s_min, tx_errors_per_s_mean,
         tx_errors_per_s_max, tx_errors_per_s_count, rx_drops_per_s_min, rx_drops_per_s_mean, rx_drops_per_s_max,
         rx_drops_per_s_count, tx_drops_per_s_min, tx_drops_per_s_mean, tx_drops_per_s_max, tx_drops_per_s_count,
         link_up_min, link_up_mean, link_up_max, link_up_count, speed_bits_per_s_min, speed_bits_per_s_mean,
         speed_bits_per_s_max, speed_bits_per_s_count, interval_s_min, interval_s_mean, interval_s_max, interval_s_count
    FROM network_stats_hourly
  UNION ALL
  SELECT client, substr(observed_at, 1, 13) || ':00:00' AS hour, interface, 1 AS samples,
         rx_bytes_per_s AS rx_bytes_per_s_min, rx_bytes_per_s AS rx_bytes_per_s_mean,
         rx_bytes_per_s AS rx_bytes_per_s_max,
         CASE WHEN rx_bytes_per_s IS NULL THEN 0 ELSE 1 END AS rx_bytes_per_s_count,
         tx_bytes_per_s AS tx_bytes_per_s_min, tx_bytes_per_s AS tx_bytes_per_s_mean,
         tx_bytes_per_s AS tx_bytes_per_s_max,
         CASE WHEN tx_bytes_per_s IS NULL THEN 0 ELSE 1 END AS tx_bytes_per_s_count,
         rx_packets_per_s AS rx_packets_per_s_min, rx_packets_per_s AS rx_packets_per_s_mean,
         rx_packets_per_s AS rx_packets_per_s_max,
         CASE WHEN rx_packets_per_s IS NULL THEN 0 ELSE 1 END AS rx_packets_per_s_count,
         tx_packets_per_s AS tx_packets_per_s_min, tx_packets_per_s AS tx_packets_per_s_mean,
         tx_packets_per_s AS tx_packets_per_s_max,
         CASE WHEN tx_packets_per_s IS NULL THEN 0 ELSE 1 END AS tx_packets_per_s_count,
         rx_errors_per_s AS rx_errors_per_s_min, rx_errors_per_s AS rx_errors_per_s_mean,
         rx_errors_per_s AS rx_errors_per_s_max,
         CASE WHEN rx_errors_per_s IS NULL THEN 0 ELSE 1 END AS rx_errors_per_s_count,
         tx_errors_per_s AS tx_errors_per_s_min, tx_errors_per_s AS tx_errors_per_s_mean,
         tx_errors_per_s AS tx_errors_per_s_max,
         CASE WHEN tx_errors_per_s IS NULL THEN 0 ELSE 1 END AS tx_errors_per_s_count,
         rx_drops_per_s AS rx_drops_per_s_min, rx_drops_per_s AS rx_drops_per_s_mean,
         rx_drops_per_s AS rx_drops_per_s_max,
         CASE WHEN rx_drops_per_s IS NULL THEN 0 ELSE 1 END AS rx_drops_per_s_count,
         tx_drops_per_s AS tx_drops_per_s_min, tx_drops_per_s AS tx_drops_per_s_mean,
         tx_drops_per_s AS tx_drops_per_s_max,
         CASE WHEN tx_drops_per_s IS NULL THEN 0 ELSE 1 END AS tx_drops_per_s_count, link_up AS link_up_min,
         link_up AS link_up_mean, link_up AS link_up_max, CASE WHEN link_up IS NULL THEN 0 ELSE 1 END AS link_up_count,
         speed_bits_per_s AS speed_bits_per_s_min, speed_bits_per_s AS speed_bits_per_s_mean,
         speed_bits_per_s AS speed_bits_per_s_max,
         CASE WHEN speed_bits_per_s IS NULL THEN 0 ELSE 1 END AS speed_bits_per_s_count, interval_s AS interval_s_min,
         interval_s AS interval_s_mean, interval_s AS interval_s_max,
         CASE WHEN interval_s IS NULL THEN 0 ELSE 1 END AS interval_s_count
    FROM network_stats;

CREATE VIEW network_stats_by_day AS
  SELECT client, day, interface, samples, rx_bytes_per_s_min, rx_bytes_per_s_mean, rx_bytes_per_s_max,
         rx_bytes_per_s_count, tx_bytes_per_s_min, tx_bytes_per_s_mean, tx_bytes_per_s_max, tx_bytes_per_s_count,
         rx_packets_per_s_min, rx_packets_per_s_mean, rx_packets_per_s_max, rx_packets_per_s_count,
         tx_packets_per_s_min, tx_packets_per_s_mean, tx_packets_per_s_max, tx_packets_per_s_count, rx_errors_per_s_min,
         rx_errors_per_s_mean, rx_errors_per_s_max, rx_errors_per_s_count, tx_errors_per_s_min, tx_errors_per_s_mean,
         tx_errors_per_s_max, tx_errors_per_s_count, rx_drops_per_s_min, rx_drops_per_s_mean, rx_drops_per_s_max,
         rx_drops_per_s_count, tx_drops_per_s_min, tx_drops_per_s_mean, tx_drops_per_s_max, tx_drops_per_s_count,
         link_up_min, link_up_mean, link_up_max, link_up_count, speed_bits_per_s_min, speed_bits_per_s_mean,
         speed_bits_per_s_max, speed_bits_per_s_count, interval_s_min, interval_s_mean, interval_s_max, interval_s_count
    FROM network_stats_daily
  UNION ALL
  SELECT client, substr(observed_at, 1, 10) AS day, interface, 1 AS samples, rx_bytes_per_s AS rx_bytes_per_s_min,
         rx_bytes_per_s AS rx_bytes_per_s_mean, rx_bytes_per_s AS rx_bytes_per_s_max,
         CASE WHEN rx_bytes_per_s IS NULL THEN 0 ELSE 1 END AS rx_bytes_per_s_count,
         tx_bytes_per_s AS tx_bytes_per_s_min, tx_bytes_per_s AS tx_bytes_per_s_mean,
         tx_bytes_per_s AS tx_bytes_per_s_max,
         CASE WHEN tx_bytes_per_s IS NULL THEN 0 ELSE 1 END AS tx_bytes_per_s_count,
         rx_packets_per_s AS rx_packets_per_s_min, rx_packets_per_s AS rx_packets_per_s_mean,
         rx_packets_per_s AS rx_packets_per_s_max,
         CASE WHEN rx_packets_per_s IS NULL THEN 0 ELSE 1 END AS rx_packets_per_s_count,
         tx_packets_per_s AS tx_packets_per_s_min, tx_packets_per_s AS tx_packets_per_s_mean,
         tx_packets_per_s AS tx_packets_per_s_max,
         CASE WHEN tx_packets_per_s IS NULL THEN 0 ELSE 1 END AS tx_packets_per_s_count,
         rx_errors_per_s AS rx_errors_per_s_min, rx_errors_per_s AS rx_errors_per_s_mean,
         rx_errors_per_s AS rx_errors_per_s_max,
         CASE WHEN rx_errors_per_s IS NULL THEN 0 ELSE 1 END AS rx_errors_per_s_count,
         tx_errors_per_s AS tx_errors_per_s_min, tx_errors_per_s AS tx_errors_per_s_mean,
         tx_errors_per_s AS tx_errors_per_s_max,
         CASE WHEN tx_errors_per_s IS NULL THEN 0 ELSE 1 END AS tx_errors_per_s_count,
         rx_drops_per_s AS rx_drops_per_s_min, rx_drops_per_s AS rx_drops_per_s_mean,
         rx_drops_per_s AS rx_drops_per_s_max,
         CASE WHEN rx_drops_per_s IS NULL THEN 0 ELSE 1 END AS rx_drops_per_s_count,
         tx_drops_per_s AS tx_drops_per_s_min, tx_drops_per_s AS tx_drops_per_s_mean,
         tx_drops_per_s AS tx_drops_per_s_max,
         CASE WHEN tx_drops_per_s IS NULL THEN 0 ELSE 1 END AS tx_drops_per_s_count, link_up AS link_up_min,
         link_up AS link_up_mean, link_up AS link_up_max, CASE WHEN link_up IS NULL THEN 0 ELSE 1 END AS link_up_count,
         speed_bits_per_s AS speed_bits_per_s_min, speed_bits_per_s AS speed_bits_per_s_mean,
         speed_bits_per_s AS speed_bits_per_s_max,
         CASE WHEN speed_bits_per_s IS NULL THEN 0 ELSE 1 END AS speed_bits_per_s_count, interval_s AS interval_s_min,
         interval_s AS interval_s_mean, interval_s AS interval_s_max,
         CASE WHEN interval_s IS NULL THEN 0 ELSE 1 END AS interval_s_count
    FROM network_stats;
