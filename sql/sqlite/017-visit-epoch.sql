-- The claim of a slice under which a visit was made: its epoch. NULL: one collector visits all clients, or nobody asked who
-- has the slice (a push, `collect NAME`).

ALTER TABLE visits ADD COLUMN epoch INTEGER;
