-- cause: what changed before the alert, as JSON; NULL until it is looked for.
ALTER TABLE alerts ADD COLUMN cause TEXT;

-- The newest visit whose stamp equalled state_stamp: packages, accounts and the system were as the state says until then.
ALTER TABLE clients ADD COLUMN state_same_at TEXT;
