-- The replies that were applied: in a mailbox that was made anew they have other ids. And the message that was read last:
-- that mailbox may have the same UIDVALIDITY.

CREATE TABLE mail_replies (
  mail_id INTEGER NOT NULL,
  message TEXT    NOT NULL,
  PRIMARY KEY (mail_id, message)
) STRICT, WITHOUT ROWID;

ALTER TABLE reply_positions ADD COLUMN message TEXT;
