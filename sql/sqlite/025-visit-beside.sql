-- What clients beside a lost one saw of it, as JSON of at most 512 bytes, or why none was asked. NULL: not asked about.

ALTER TABLE visits ADD COLUMN beside TEXT;
