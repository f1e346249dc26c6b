import type { MountForecast } from '../../forecast/fleet-forecast.ts';
import { rounded } from '../../text/numbers.ts';
import { jsonTime } from '../terminal/reader-time.ts';

/** Returns a forecast for `forecast --json` and `show --json`. docs/json.md describes the fields. */
export function forecastJson({ client, mount, resource, forecast, sinceMs }: MountForecast): object {
  const { daysLeft, daysLow, daysHigh, perDay } = forecast;
  return {
    client,
    mount,
    resource,
    days_left: rounded(daysLeft, 1),
    days_low: rounded(daysLow, 1),
    days_high: daysHigh === null ? null : rounded(daysHigh, 1),
    bytes_per_day: resource === 'space' ? Math.round(perDay) : null,
    percent_per_day: resource === 'inodes' ? rounded(perDay, 2) : null,
    since: jsonTime(sinceMs),
  };
}
