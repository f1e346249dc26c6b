-- What the alerter needs beside the tables of 001. Every change of one table is one statement, so that it is there as a
-- whole or not at all.

ALTER TABLE alerts
  MODIFY COLUMN subject VARCHAR(2000) NOT NULL,
  ADD COLUMN value_text VARCHAR(1000) NULL,
  ADD COLUMN first_evidence VARCHAR(255) NULL,
  ADD COLUMN changed_by_run VARCHAR(36) NULL,
  ADD COLUMN sequence INT NOT NULL DEFAULT 0,
  ADD COLUMN flapping TINYINT NOT NULL DEFAULT 0,
  ADD COLUMN settled TINYINT NOT NULL DEFAULT 0,
  ADD COLUMN past TINYINT NOT NULL DEFAULT 0,
  ADD COLUMN acknowledged_severity VARCHAR(16) NULL,
  ADD COLUMN acknowledged_comment VARCHAR(1000) NULL,
  ADD COLUMN progress TEXT NULL,
  ADD KEY alerts_settled (settled, resolved_at);

ALTER TABLE told ADD COLUMN sequence INT NOT NULL DEFAULT 0;

-- replaced_by: the mail that carries this one's news; it is never sent then. data_at: it may have been delivered.
ALTER TABLE mails
  ADD COLUMN severity VARCHAR(16) NOT NULL DEFAULT 'critical',
  ADD COLUMN ordinary TINYINT NOT NULL DEFAULT 0,
  ADD COLUMN data_at DATETIME(3) NULL,
  ADD COLUMN replaced_by BIGINT NULL,
  ADD KEY mails_created (created_at),
  ADD KEY mails_ordinary (ordinary, recipient, created_at);

-- A reminder says again what was said, and a replacement what the mail before it said: so a mail is part of the name.
ALTER TABLE notifications
  ADD COLUMN before_state VARCHAR(16) NULL,
  ADD COLUMN before_severity VARCHAR(16) NULL,
  ADD COLUMN before_sequence INT NULL,
  ADD COLUMN before_told_at DATETIME(3) NULL,
  ADD UNIQUE KEY notifications_item (mail_id, alert_id, sequence, transition),
  ADD KEY notifications_alert (alert_id, sequence, recipient),
  DROP KEY notifications_name;

-- What judging remembers of a client, as JSON.
CREATE TABLE judging (
  client     VARCHAR(128) NOT NULL PRIMARY KEY,
  memory     MEDIUMTEXT   NOT NULL,
  updated_at DATETIME(3)  NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Rows that the alerter has not treated, oldest first.
ALTER TABLE stats ADD KEY stats_untreated (processed_at, observed_at), DROP KEY stats_unprocessed;
ALTER TABLE visits ADD KEY visits_untreated (processed_at, started_at), DROP KEY visits_unprocessed;
