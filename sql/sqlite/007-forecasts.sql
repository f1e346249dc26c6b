-- When file systems will be full if they grow as they do, as the alerter foresees it about once an hour: one row a mount and kind.

CREATE TABLE forecasts (
  client         TEXT NOT NULL,
  mount          TEXT NOT NULL,
  kind           TEXT NOT NULL,
  days_left      REAL NOT NULL,
  days_low       REAL NOT NULL,
  days_high      REAL,
  short_days     REAL,
  growth_per_day REAL NOT NULL,
  since          TEXT NOT NULL,
  as_of          TEXT NOT NULL,
  PRIMARY KEY (client, mount, kind)
) STRICT, WITHOUT ROWID;
