-- How each visit was made: by an agent of Node or of the shell, a runtime of ours, a push or a spoke. NULL: not known.

ALTER TABLE visits ADD COLUMN reader TEXT;
