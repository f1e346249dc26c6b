-- The views of figures follow from src/report/metrics.ts: `migrate` makes them at its end (src/storage/migrate/views.ts).

DROP VIEW IF EXISTS latest_stats;
DROP VIEW IF EXISTS present_stats;
DROP VIEW IF EXISTS stats_by_hour;
DROP VIEW IF EXISTS stats_by_day;
DROP VIEW IF EXISTS disk_stats_by_hour;
DROP VIEW IF EXISTS disk_stats_by_day;
DROP VIEW IF EXISTS network_stats_by_hour;
DROP VIEW IF EXISTS network_stats_by_day;
DROP VIEW IF EXISTS check_stats_by_hour;
DROP VIEW IF EXISTS check_stats_by_day;
DROP VIEW IF EXISTS samples_by_hour;
DROP VIEW IF EXISTS samples_by_day;
