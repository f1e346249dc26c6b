-- Replies to mails: the token in the address of a mail's replies, and where the reading of a mailbox ended.

ALTER TABLE mails ADD COLUMN reply_token VARCHAR(64);
CREATE UNIQUE INDEX mails_reply_token ON mails (reply_token);

CREATE TABLE reply_positions (
  mailbox      VARCHAR(64) NOT NULL PRIMARY KEY,
  uid_validity VARCHAR(32) NOT NULL,
  uid          BIGINT      NOT NULL,
  arrived_at   DATETIME(3) NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
