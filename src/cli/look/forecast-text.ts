import type { Config } from '../../config/config.ts';
import type { BacktestCounts } from '../../alerter/forecast/backtest.ts';
import { dayOf, forecastMountWords, growthWords, rangeWords, urgentDays } from '../../look/data/nearest-forecasts.ts';
import { dayMs } from '../../platform/units.ts';
import type { FleetLevels, NewForecast } from '../../storage/store/level-store.ts';
import { describeAge } from '../../text/durations.ts';
import { counted, rounded } from '../../text/numbers.ts';
import type { Output } from '../terminal/output.ts';
import { readerTime } from '../terminal/reader-time.ts';
import { renderTable } from '../terminal/table.ts';

/** Returns the table of forecasts, the nearest first. */
export function forecastText(
  output: Output,
  config: Config,
  forecasts: readonly NewForecast[],
  { within, levels }: { readonly within: string; readonly levels: FleetLevels },
): string {
  const mounts = counted(levels.mounts.length, 'file system');
  if (forecasts.length === 0) return `None of ${mounts} is foreseen to be full within ${within}.`;
  const nowMs = Date.now();
  const { moment } = readerTime(config, nowMs);
  const day = (atMs: number): string => moment(atMs).slice(0, 10);
  const table = renderTable(
    output,
    [
      { title: 'client', shrinks: true, keepsEnd: true, cell: ({ client }) => client },
      { title: 'mount', shrinks: true, keepsEnd: true, cell: forecastMountWords },
      {
        title: 'full in',
        align: 'right',
        cell: ({ daysLeft }) => ({
          text: describeAge(daysLeft * dayMs),
          colour: daysLeft < urgentDays ? 'red' : 'yellow',
        }),
      },
      { title: 'about', cell: ({ daysLeft }) => day(nowMs + daysLeft * dayMs) },
      { title: 'range', drops: 2, cell: rangeWords },
      { title: 'grows a day', align: 'right', cell: growthWords },
      { title: 'since', drops: 1, cell: ({ sinceMs }) => dayOf(sinceMs) },
    ],
    forecasts,
  );
  return `${table}\n\n${forecasts.length} of ${mounts} will be full within ${within} if they grow as they do.`;
}

/** Describes how forecasts of the past turned out. */
export function backtestText(
  { spoke, right, wrong, late, open, missed }: BacktestCounts,
  { days, within }: { readonly days: number; readonly within: string },
): string {
  const known = right + wrong + late;
  const share = known === 0 ? '' : ` (${rounded((100 * right) / known, 1)} % of those that are known)`;
  return [
    `In ${days} days there ${spoke === 1 ? 'was' : 'were'} ${counted(spoke, 'forecast')} of "full within ${within}", one a file system and day.`,
    `  right  ${right}${share}`,
    `  wrong  ${wrong}: the file system was not full by then`,
    `  late   ${late}: it was full in less than half of the time`,
    `  open   ${open}: not known yet`,
    `Became full without a forecast in the week before: ${counted(missed, 'file system')}.`,
  ].join('\n');
}
