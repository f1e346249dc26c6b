-- The replies that were applied: in a mailbox that was made anew they have other ids. And the message that was read last:
-- that mailbox may have the same UIDVALIDITY.

CREATE TABLE mail_replies (
  mail_id BIGINT      NOT NULL,
  message VARCHAR(64) NOT NULL,
  PRIMARY KEY (mail_id, message)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

ALTER TABLE reply_positions ADD COLUMN message VARCHAR(64);
