-- Visits by the day, to which visits are added before their removal. The sums are of all visits of the day.

CREATE TABLE visits_daily (
  client      TEXT    NOT NULL,
  day         TEXT    NOT NULL,
  visits      INTEGER NOT NULL,
  ok          INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  bytes_in    INTEGER NOT NULL,
  bytes_out   INTEGER NOT NULL,
  PRIMARY KEY (client, day)
) STRICT, WITHOUT ROWID;

CREATE VIEW visits_by_day AS
  SELECT client, day, visits, ok, duration_ms, bytes_in, bytes_out FROM visits_daily
  UNION ALL
  SELECT client, substr(started_at, 1, 10), 1, ok, duration_ms, bytes_in, bytes_out FROM visits;
