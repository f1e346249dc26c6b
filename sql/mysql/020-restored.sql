-- What the database had confirmed and forgotten, and a run found and stored again. `restored` counts reports, runs, visits
-- and events (NULL: the run did not look), `restored_reports` the reports among them. `restored_from` and `restored_to`
-- are the times of the oldest and of the newest. `restored_note` names the server that forgot, its version, and its
-- settings that allow it. The last three are NULL if nothing was forgotten.

ALTER TABLE runs
  ADD COLUMN restored         INTEGER,
  ADD COLUMN restored_reports INTEGER,
  ADD COLUMN restored_from    DATETIME(3),
  ADD COLUMN restored_to      DATETIME(3),
  ADD COLUMN restored_note    VARCHAR(500);
