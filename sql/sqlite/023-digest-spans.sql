-- The digest of a mail, and its span: digest_from until digest_to. digest_seen_to and digest_seen_again are the beginning
-- and the end of the last time in it without runs; digest_to if there is none. All are NULL in other mails.

ALTER TABLE mails ADD COLUMN digest TEXT;
ALTER TABLE mails ADD COLUMN digest_from TEXT;
ALTER TABLE mails ADD COLUMN digest_seen_to TEXT;
ALTER TABLE mails ADD COLUMN digest_seen_again TEXT;
ALTER TABLE mails ADD COLUMN digest_to TEXT;
CREATE INDEX mails_digest ON mails (digest_to) WHERE digest_to IS NOT NULL;
