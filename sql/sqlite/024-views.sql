-- The views of figures follow from src/report/metrics.ts: `migrate` makes them at its end (src/storage/migrate/views.ts).

DROP VIEW IF EXISTS samples_by_day;
