-- People's own checks. refused: 1 for a conf file or command that was not taken; check_name is its path then.

CREATE TABLE check_stats (
  stat_id     INTEGER NOT NULL,
  ordinal     INTEGER NOT NULL,
  client      TEXT    NOT NULL,
  observed_at TEXT    NOT NULL,
  check_name  TEXT    NOT NULL,
  state       INTEGER NOT NULL,
  text        TEXT    NOT NULL,
  perfdata    TEXT    NOT NULL,
  age_s       REAL    NOT NULL,
  refused     INTEGER NOT NULL,
  PRIMARY KEY (stat_id, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX check_stats_client ON check_stats (client, observed_at);

CREATE TABLE check_stats_hourly (
  client TEXT NOT NULL,
  hour TEXT NOT NULL,
  check_name TEXT NOT NULL,
  samples INTEGER NOT NULL,
  state_min INTEGER, state_mean REAL, state_max INTEGER, state_count INTEGER NOT NULL,
  PRIMARY KEY (client, hour, check_name)
) STRICT, WITHOUT ROWID;

CREATE TABLE check_stats_daily (
  client TEXT NOT NULL,
  day TEXT NOT NULL,
  check_name TEXT NOT NULL,
  samples INTEGER NOT NULL,
  state_min INTEGER, state_mean REAL, state_max INTEGER, state_count INTEGER NOT NULL,
  PRIMARY KEY (client, day, check_name)
) STRICT, WITHOUT ROWID;

CREATE VIEW check_stats_by_hour AS
  SELECT * FROM check_stats_hourly
  UNION ALL
  SELECT client, substr(observed_at, 1, 13) || ':00:00', check_name, 1, state, state, state, state IS NOT NULL
    FROM check_stats;

CREATE VIEW check_stats_by_day AS
  SELECT * FROM check_stats_daily
  UNION ALL
  SELECT client, substr(observed_at, 1, 10), check_name, 1, state, state, state, state IS NOT NULL
    FROM check_stats;
