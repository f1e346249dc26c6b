-- What the alerter needs beside the tables of 001. SQLite adds one column a statement and never checks a text's length.

ALTER TABLE alerts ADD COLUMN value_text TEXT;
ALTER TABLE alerts ADD COLUMN first_evidence TEXT;
ALTER TABLE alerts ADD COLUMN changed_by_run TEXT;
ALTER TABLE alerts ADD COLUMN sequence INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN flapping INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN past INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN acknowledged_severity TEXT;
ALTER TABLE alerts ADD COLUMN acknowledged_comment TEXT;
ALTER TABLE alerts ADD COLUMN progress TEXT;
CREATE INDEX alerts_settled ON alerts (settled, resolved_at);

ALTER TABLE told ADD COLUMN sequence INTEGER NOT NULL DEFAULT 0;

-- replaced_by: the mail that carries this one's news; it is never sent then. data_at: it may have been delivered.
ALTER TABLE mails ADD COLUMN severity TEXT NOT NULL DEFAULT 'critical';
ALTER TABLE mails ADD COLUMN ordinary INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mails ADD COLUMN data_at TEXT;
ALTER TABLE mails ADD COLUMN replaced_by INTEGER;
CREATE INDEX mails_created ON mails (created_at);
CREATE INDEX mails_ordinary ON mails (ordinary, recipient, created_at);

-- A reminder says again what was said, and a replacement what the mail before it said: so a mail is part of the name.
ALTER TABLE notifications ADD COLUMN before_state TEXT;
ALTER TABLE notifications ADD COLUMN before_severity TEXT;
ALTER TABLE notifications ADD COLUMN before_sequence INTEGER;
ALTER TABLE notifications ADD COLUMN before_told_at TEXT;
CREATE UNIQUE INDEX notifications_item ON notifications (mail_id, alert_id, sequence, transition);
CREATE INDEX notifications_alert ON notifications (alert_id, sequence, recipient);
DROP INDEX IF EXISTS notifications_name;

-- What judging remembers of a client, as JSON.
CREATE TABLE judging (
  client     TEXT NOT NULL PRIMARY KEY,
  memory     TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT;

-- Rows that the alerter has not treated, oldest first.
CREATE INDEX stats_untreated ON stats (observed_at, id) WHERE processed_at IS NULL;
DROP INDEX IF EXISTS stats_unprocessed;
CREATE INDEX visits_untreated ON visits (started_at, id) WHERE processed_at IS NULL;
DROP INDEX IF EXISTS visits_unprocessed;
