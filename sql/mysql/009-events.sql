-- Events that machines and programs send. Empty texts: not said. `raw`: JSON of another form than that of an event.

CREATE TABLE events (
  id           BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
  event_id     VARCHAR(128)  NOT NULL,
  received_at  DATETIME(3)   NOT NULL,
  host         VARCHAR(128)  NOT NULL,
  service      VARCHAR(128)  NOT NULL,
  instance     VARCHAR(128)  NOT NULL,
  status       VARCHAR(8),
  description  VARCHAR(2000) NOT NULL,
  tags         TEXT          NOT NULL,
  value        DOUBLE,
  ttl          BIGINT,
  raw          MEDIUMTEXT,
  processed_at DATETIME(3)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE UNIQUE INDEX events_event_id ON events (event_id);
CREATE INDEX events_received ON events (received_at, id);
CREATE INDEX events_service ON events (service, host, instance, id);
CREATE INDEX events_unprocessed ON events (processed_at, id);
