-- The mails that nobody has got, for each screen that counts them: among many delivered ones they are few.

CREATE INDEX mails_undelivered ON mails (id) WHERE sent_at IS NULL AND replaced_by IS NULL;
