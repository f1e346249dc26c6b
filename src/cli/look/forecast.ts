import { usageError } from '../../platform/errors/errors.ts';
import { backtest, type BacktestCounts } from '../../alerter/forecast/backtest.ts';
import { forecastFleet } from '../../alerter/forecast/fleet-forecast.ts';
import { farthestDays, historyDays } from '../../alerter/forecast/forecast.ts';
import { dayMs } from '../../platform/units.ts';
import type { FleetLevels } from '../../storage/store/level-store.ts';
import { printAnswer } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { readStored } from '../command/read-stored.ts';
import { chooseClients, isWholeFleet, loadSettingsToShow } from '../command/settings.ts';
import { parseSpanOption } from '../command/until.ts';
import { forecastJson } from './forecast-json.ts';
import { backtestText, forecastText } from './forecast-text.ts';
import type { forecastParameters } from './parameters.ts';

/** The most past days whose forecasts can be repeated: levels are kept for these days and their history. */
const maxPastDays = 90;

/** Runs `forecast`: prints the file systems that will be full, or how forecasts of the past turned out. */
export async function forecastCommand(
  context: Context,
  options: OptionsOf<typeof forecastParameters>,
): Promise<ExitStatus> {
  const { output, signal } = context;
  const withinDays = parseDays('--within', options.within, farthestDays);
  const days = options.backtest === null ? null : parseDays('--backtest', options.backtest, maxPastDays);
  if (days !== null && !Number.isInteger(days)) throw usageError('--backtest takes whole days', 'Write 90d.');
  const config = loadSettingsToShow(context);
  const names = chooseClients(config, options).map(({ name }) => name);
  const levels = await readStored(config.storage, signal, async (storage): Promise<FleetLevels> => {
    if (storage === null) return { todayMs: Date.now(), mounts: [] };
    const all = await storage.levels.levels(isWholeFleet(options) ? null : names, historyDays + (days ?? 0), signal);
    const known = new Set(names);
    return { ...all, mounts: all.mounts.filter(({ client }) => known.has(client)) };
  });
  if (days === null) {
    const forecasts = forecastFleet(levels, withinDays);
    return printAnswer(
      output,
      () => ({ command: 'forecast', within_days: withinDays, forecasts: forecasts.map(forecastJson) }),
      () => forecastText(output, config, forecasts, { within: options.within, levels }),
    );
  }
  const counts = await backtest(levels, { days, withinDays, signal });
  return printAnswer(
    output,
    () => ({ command: 'forecast', backtest: { days, within_days: withinDays, ...countsJson(counts) } }),
    () => backtestText(counts, { days, within: options.within }),
  );
}

function parseDays(option: string, text: string, most: number): number {
  const days = parseSpanOption(option, text) / dayMs;
  if (days > most)
    throw usageError(`${option} ${JSON.stringify(text)} is beyond ${most} days`, `Write ${most}d or less.`);
  return days;
}

function countsJson({ spoke, right, wrong, late, open, missed }: BacktestCounts): object {
  return { spoke, right, wrong, late, open, missed };
}
