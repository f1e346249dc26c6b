-- Visits by the day, to which visits are added before their removal. The sums are of all visits of the day.

CREATE TABLE visits_daily (
  client      VARCHAR(128) NOT NULL,
  day         DATE         NOT NULL,
  visits      INTEGER      NOT NULL,
  ok          INTEGER      NOT NULL,
  duration_ms BIGINT       NOT NULL,
  bytes_in    BIGINT       NOT NULL,
  bytes_out   BIGINT       NOT NULL,
  PRIMARY KEY (client, day)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE SQL SECURITY INVOKER VIEW visits_by_day AS
  SELECT client, day, visits, ok, duration_ms, bytes_in, bytes_out FROM visits_daily
  UNION ALL
  SELECT client, DATE(started_at), 1, ok, duration_ms, bytes_in, bytes_out FROM visits;
