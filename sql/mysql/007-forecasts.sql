-- When file systems will be full if they grow as they do, as the alerter foresees it about once an hour: one row a mount and kind.

CREATE TABLE forecasts (
  client         VARCHAR(128) NOT NULL,
  mount          VARCHAR(255) NOT NULL,
  kind           VARCHAR(8)   NOT NULL,
  days_left      DOUBLE       NOT NULL,
  days_low       DOUBLE       NOT NULL,
  days_high      DOUBLE,
  short_days     DOUBLE,
  growth_per_day DOUBLE       NOT NULL,
  since          DATE         NOT NULL,
  as_of          DATETIME(3)  NOT NULL,
  PRIMARY KEY (client, mount, kind)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
