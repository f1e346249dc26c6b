-- People's own checks. refused: 1 for a conf file or command that was not taken; check_name is its path then.

CREATE TABLE check_stats (
  stat_id     BIGINT       NOT NULL,
  ordinal     SMALLINT     NOT NULL,
  client      VARCHAR(128) NOT NULL,
  observed_at DATETIME(3)  NOT NULL,
  check_name  VARCHAR(255) NOT NULL,
  state       TINYINT      NOT NULL,
  text        TEXT         NOT NULL,
  perfdata    TEXT         NOT NULL,
  age_s       DOUBLE       NOT NULL,
  refused     TINYINT      NOT NULL,
  PRIMARY KEY (stat_id, ordinal)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE INDEX check_stats_client ON check_stats (client, observed_at);

CREATE TABLE check_stats_hourly (
  client VARCHAR(128) NOT NULL,
  hour DATETIME NOT NULL,
  check_name VARCHAR(255) NOT NULL,
  samples MEDIUMINT UNSIGNED NOT NULL,
  state_min TINYINT, state_mean DOUBLE, state_max TINYINT, state_count MEDIUMINT UNSIGNED NOT NULL,
  PRIMARY KEY (client, hour, check_name)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE check_stats_daily (
  client VARCHAR(128) NOT NULL,
  day DATE NOT NULL,
  check_name VARCHAR(255) NOT NULL,
  samples MEDIUMINT UNSIGNED NOT NULL,
  state_min TINYINT, state_mean DOUBLE, state_max TINYINT, state_count MEDIUMINT UNSIGNED NOT NULL,
  PRIMARY KEY (client, day, check_name)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE SQL SECURITY INVOKER VIEW check_stats_by_hour AS
  SELECT * FROM check_stats_hourly
  UNION ALL
  SELECT client, CAST(DATE(observed_at) AS DATETIME) + INTERVAL HOUR(observed_at) HOUR, check_name, 1,
         state, state, state, state IS NOT NULL
    FROM check_stats;

CREATE SQL SECURITY INVOKER VIEW check_stats_by_day AS
  SELECT * FROM check_stats_daily
  UNION ALL
  SELECT client, DATE(observed_at), check_name, 1, state, state, state, state IS NOT NULL
    FROM check_stats;
