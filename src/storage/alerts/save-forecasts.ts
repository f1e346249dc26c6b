import type { Session } from '../sql/database.ts';
import { replaceRows } from '../sql/insert-rows.ts';
import { sqlTime } from '../sql/sql-time.ts';
import type { NewForecasts } from '../store/evaluation-store.ts';
import type { NewForecast } from '../store/level-store.ts';

/** Stores forecasts in place of all earlier ones. */
export async function saveForecasts(session: Session, { asOfMs, forecasts }: NewForecasts): Promise<void> {
  const asOf = sqlTime(asOfMs);
  // All writers lock rows in the order of their key.
  const rows = [...forecasts].sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
  await replaceRows(
    session,
    'forecasts',
    ['client', 'mount', 'kind'],
    rows.map((forecast) => ({
      client: forecast.client,
      mount: forecast.mount,
      kind: forecast.kind,
      days_left: forecast.daysLeft,
      days_low: forecast.daysLow,
      days_high: forecast.daysHigh,
      short_days: forecast.shortDays,
      growth_per_day: forecast.growthPerDay,
      since: sqlTime(forecast.sinceMs).slice(0, 10),
      as_of: asOf,
    })),
  );
  await session.run('DELETE FROM forecasts WHERE as_of <> ?', [asOf]);
}

function keyOf({ client, mount, kind }: NewForecast): string {
  return `${client}\0${mount}\0${kind}`;
}
