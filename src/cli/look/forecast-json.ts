import type { NewForecast } from '../../storage/store/level-store.ts';
import { rounded } from '../../text/numbers.ts';
import { jsonTime } from '../terminal/reader-time.ts';

/** Returns a forecast for `forecast --json` and `show --json`. docs/json.md describes the fields. */
export function forecastJson(forecast: NewForecast): object {
  const { client, mount, kind, daysLeft, daysLow, daysHigh, growthPerDay, sinceMs } = forecast;
  return {
    client,
    mount,
    resource: kind,
    days_left: rounded(daysLeft, 1),
    days_low: rounded(daysLow, 1),
    days_high: daysHigh === null ? null : rounded(daysHigh, 1),
    bytes_per_day: kind === 'space' ? Math.round(growthPerDay) : null,
    percent_per_day: kind === 'inodes' ? rounded(growthPerDay, 2) : null,
    since: jsonTime(sinceMs),
  };
}
