-- The figures of checks over time. A series is a figure of a client; its samples are the values that reports had. series_key: SHA-256
-- of metric, labels and unit. counter_at, counter_value: where a counter stood, for its rate.

CREATE TABLE series (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  client        TEXT    NOT NULL,
  series_key    TEXT    NOT NULL,
  metric        TEXT    NOT NULL,
  labels        TEXT    NOT NULL,
  unit          TEXT    NOT NULL,
  last_on       TEXT    NOT NULL,
  counter_at    TEXT,
  counter_value REAL
) STRICT;
CREATE UNIQUE INDEX series_name ON series (client, series_key);
CREATE INDEX series_last_on ON series (last_on);

CREATE TABLE samples (
  stat_id     INTEGER NOT NULL,
  series_id   INTEGER NOT NULL,
  observed_at TEXT    NOT NULL,
  value       REAL    NOT NULL,
  PRIMARY KEY (stat_id, series_id)
) STRICT, WITHOUT ROWID;

ALTER TABLE clients ADD COLUMN series_dropped INTEGER;

CREATE TABLE samples_hourly (
  client TEXT NOT NULL,
  hour TEXT NOT NULL,
  series_id INTEGER NOT NULL,
  samples INTEGER NOT NULL,
  value_min REAL, value_mean REAL, value_max REAL, value_count INTEGER NOT NULL,
  PRIMARY KEY (client, hour, series_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE samples_daily (
  client TEXT NOT NULL,
  day TEXT NOT NULL,
  series_id INTEGER NOT NULL,
  samples INTEGER NOT NULL,
  value_min REAL, value_mean REAL, value_max REAL, value_count INTEGER NOT NULL,
  PRIMARY KEY (client, day, series_id)
) STRICT, WITHOUT ROWID;

CREATE VIEW samples_by_hour AS
  SELECT * FROM samples_hourly
  UNION ALL
  SELECT s.client, substr(s.observed_at, 1, 13) || ':00:00', m.series_id, 1, m.value, m.value, m.value, 1
    FROM stats s
    JOIN samples m ON m.stat_id = s.id;

CREATE VIEW samples_by_day AS
  SELECT * FROM samples_daily
  UNION ALL
  SELECT s.client, substr(s.observed_at, 1, 10), m.series_id, 1, m.value, m.value, m.value, 1
    FROM stats s
    JOIN samples m ON m.stat_id = s.id;
