-- What an alert is about: client, group, fleet or source (a sender of events whose host may be no client). A program that does
-- not know the column leaves it empty until the alert changes. client stays empty where the alert is about none.

ALTER TABLE alerts ADD COLUMN about VARCHAR(16) NOT NULL DEFAULT '';
UPDATE alerts SET about = CASE WHEN client <> '' THEN 'client' WHEN rule = 'group-short' THEN 'group'
    WHEN first_evidence LIKE 'events %' THEN 'source' ELSE 'fleet' END
 WHERE about = '';

CREATE OR REPLACE SQL SECURITY INVOKER VIEW alert_history AS
  SELECT id, client, rule, subject, severity, state, value, limit_text, pending_since, firing_since, resolved_at,
         TIMESTAMPDIFF(MICROSECOND, firing_since, resolved_at) DIV 1000000 AS firing_s,
         closed_reason, acknowledged_by, acknowledged_until, about
    FROM alerts;
