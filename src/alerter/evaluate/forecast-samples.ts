import type { Rule } from '../../config/config.ts';
import { dayMs } from '../../platform/units.ts';
import { rememberedWeakly } from '../../platform/remembered.ts';
import { resources } from '../forecast/fleet-forecast.ts';
import type { NewForecast } from '../../storage/store/level-store.ts';
import { counted, describeSize, rounded } from '../../text/numbers.ts';
import { dayInWords, type TimeReader } from '../../text/time-words.ts';
import { foreseenBy } from './rule-metric.ts';
import { clearSample, numberRule, numberSample, type NumberRule, type Sample } from './sample.ts';
import { labelMatcher, ruleChooser, type Candidate } from './sampler.ts';

/** The forecasts of a client, and its known mounts. */
export interface ClientForecasts {
  readonly forecasts: readonly NewForecast[];
  /** Mounts whose levels are known today or yesterday, by kind. */
  readonly known: Readonly<Record<NewForecast['kind'], readonly string[]>>;
}

interface ForecastRule extends NumberRule, Candidate<string> {}

const daySeconds = dayMs / 1000;

/** Clients share their lists of rules, and a list never changes. */
const choosers = rememberedWeakly((rules: readonly Rule[]) => {
  const chooserOf = (kind: NewForecast['kind']) =>
    ruleChooser<string, ForecastRule>(
      rules
        .filter((rule) => foreseenBy(rule) === kind)
        .map((rule) => {
          const matches = labelMatcher(rule);
          return {
            ...numberRule(rule, (_value, row) => describeForecast(...(row as DescribedForecast))),
            matches: (mount) => matches(() => mount),
          };
        }),
    );
  return { space: chooserOf('space'), inodes: chooserOf('inodes') };
});

/** Samples the forecasts of a client: subjects are mounts, values are seconds until nothing is left. */
export function sampleForecasts(
  rules: readonly Rule[],
  { forecasts, known }: ClientForecasts,
  reader: TimeReader,
): readonly Sample[] {
  return resources.flatMap((kind) => {
    const choose = choosers(rules)[kind];
    const foreseen = new Map(forecasts.filter((one) => one.kind === kind).map((one) => [one.mount, one]));
    return [...new Set([...foreseen.keys(), ...known[kind]])].flatMap((mount) => {
      const forecast = foreseen.get(mount);
      return choose(mount, mount).map((one) =>
        forecast === undefined
          ? clearSample(one.rule, mount, 'not foreseen to be full')
          : numberSample(one, mount, forecast.daysLeft * daySeconds, [forecast, reader] satisfies DescribedForecast),
      );
    });
  });
}

type DescribedForecast = [NewForecast, TimeReader];

/** Describes a forecast: `full in about 6 days (Tue 27 Nov); grows 11 GiB a day since 14 Nov`. */
export function describeForecast({ daysLeft, growthPerDay, kind, sinceMs }: NewForecast, reader: TimeReader): string {
  const hours = Math.max(1, Math.round(daysLeft * 24));
  const time = hours < 36 ? counted(hours, 'hour') : counted(Math.round(daysLeft), 'day');
  const full =
    daysLeft === 0 ? 'full' : `full in about ${time} (${dayInWords(reader, reader.nowMs + daysLeft * dayMs)})`;
  const growth = kind === 'inodes' ? `${rounded(growthPerDay, 2)} %` : describeSize(growthPerDay);
  // The days of levels are days of UTC.
  const [, since] = /^\w+ (.*)$/.exec(dayInWords({ ...reader, zone: 'UTC' }, sinceMs)) ?? [];
  return `${full}; grows ${growth} a day since ${since ?? ''}`;
}
