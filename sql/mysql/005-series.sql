-- The figures of checks over time. A series is a figure of a client; its samples are the values that reports had. series_key: SHA-256
-- of metric, labels and unit. counter_at, counter_value: where a counter stood, for its rate.

CREATE TABLE series (
  id            BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
  client        VARCHAR(128)  NOT NULL,
  series_key    VARCHAR(64)   NOT NULL,
  metric        VARCHAR(300)  NOT NULL,
  labels        VARCHAR(1000) NOT NULL,
  unit          VARCHAR(16)   NOT NULL,
  last_on       DATE          NOT NULL,
  counter_at    DATETIME(3),
  counter_value DOUBLE
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE UNIQUE INDEX series_name ON series (client, series_key);
CREATE INDEX series_last_on ON series (last_on);

CREATE TABLE samples (
  stat_id     BIGINT      NOT NULL,
  series_id   BIGINT      NOT NULL,
  observed_at DATETIME(3) NOT NULL,
  value       DOUBLE      NOT NULL,
  PRIMARY KEY (stat_id, series_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

ALTER TABLE clients ADD COLUMN series_dropped INT;

CREATE TABLE samples_hourly (
  client VARCHAR(128) NOT NULL,
  hour DATETIME NOT NULL,
  series_id BIGINT NOT NULL,
  samples MEDIUMINT UNSIGNED NOT NULL,
  value_min DOUBLE, value_mean DOUBLE, value_max DOUBLE, value_count MEDIUMINT UNSIGNED NOT NULL,
  PRIMARY KEY (client, hour, series_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE samples_daily (
  client VARCHAR(128) NOT NULL,
  day DATE NOT NULL,
  series_id BIGINT NOT NULL,
  samples MEDIUMINT UNSIGNED NOT NULL,
  value_min DOUBLE, value_mean DOUBLE, value_max DOUBLE, value_count MEDIUMINT UNSIGNED NOT NULL,
  PRIMARY KEY (client, day, series_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE SQL SECURITY INVOKER VIEW samples_by_hour AS
  SELECT * FROM samples_hourly
  UNION ALL
  SELECT s.client, CAST(DATE(s.observed_at) AS DATETIME) + INTERVAL HOUR(s.observed_at) HOUR, m.series_id, 1,
         m.value, m.value, m.value, 1
    FROM stats s
    JOIN samples m ON m.stat_id = s.id;

CREATE SQL SECURITY INVOKER VIEW samples_by_day AS
  SELECT * FROM samples_daily
  UNION ALL
  SELECT s.client, DATE(s.observed_at), m.series_id, 1, m.value, m.value, m.value, 1
    FROM stats s
    JOIN samples m ON m.stat_id = s.id;
