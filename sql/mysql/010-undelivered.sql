-- The mails that nobody has got, for each screen that counts them: among many delivered ones they are few.

CREATE INDEX mails_undelivered ON mails (sent_at, replaced_by);
