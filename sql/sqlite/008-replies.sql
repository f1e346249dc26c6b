-- Replies to mails: the token in the address of a mail's replies, and where the reading of a mailbox ended.

ALTER TABLE mails ADD COLUMN reply_token TEXT;
CREATE UNIQUE INDEX mails_reply_token ON mails (reply_token);

CREATE TABLE reply_positions (
  mailbox      TEXT    NOT NULL PRIMARY KEY,
  uid_validity TEXT    NOT NULL,
  uid          INTEGER NOT NULL,
  arrived_at   TEXT    NOT NULL
) STRICT;
