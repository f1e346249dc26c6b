-- Reports that a collector without the private key has brought home, until `ingest` opens them. stored_at is by the
-- database's clock. code and message: why a report waits although an `ingest` has seen it.

CREATE TABLE sealed_reports (
  id                BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
  report_id         VARCHAR(36)   NOT NULL,
  client            VARCHAR(128)  NOT NULL,
  key_id            VARCHAR(16)   NOT NULL,
  run_id            VARCHAR(36)   NOT NULL,
  received_at       DATETIME(3)   NOT NULL,
  clock_offset_ms   BIGINT        NULL,
  monotonic_zero_ms BIGINT        NULL,
  boot_id           VARCHAR(64)   NULL,
  stored_at         DATETIME(3)   NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  sealed_bytes      INT           NOT NULL,
  sealed            MEDIUMBLOB    NOT NULL,
  code              VARCHAR(64)   NULL,
  message           VARCHAR(1000) NULL,
  UNIQUE KEY sealed_reports_report (report_id),
  KEY sealed_reports_order (code, received_at, id, sealed_bytes),
  KEY sealed_reports_key (key_id, code, client, stored_at),
  KEY sealed_reports_client (client, received_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The ids of the keys that the newest good visit's reports were sealed to: that there may be more of on the client.
ALTER TABLE clients ADD COLUMN sealed_to VARCHAR(255) NULL;
