-- When an alert was acknowledged: programs that keep incidents are told of it by itself.
ALTER TABLE alerts ADD COLUMN acknowledged_at DATETIME(3);
