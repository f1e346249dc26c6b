/** Turns what a report measured under names of its own into readings: the figures of checks, each under a metric. */
import type { CheckStat } from './checks.ts';
import { writtenFigures, type WrittenFigure } from './written-perfdata.ts';

/** The unit of a series. A counter only grows; its rate is `per_second`. */
export type SeriesUnit = 'seconds' | 'bytes' | 'percent' | 'count' | 'counter' | 'per_second';

/** A value of a report under the name of its series. */
export interface Reading {
  readonly metric: string;
  /** A JSON object with sorted keys; checks have none: `{}`. */
  readonly labels: string;
  readonly unit: SeriesUnit;
  readonly value: number;
}

/** Sums over years of values within this stay numbers that a database can hold. */
const largest = 1e24;

/**
 * Returns the figures of checks that ran for the report; the metric is the check and the label. A result that is
 * repeated was read before. An unknown value is no reading.
 */
export function checkReadings(checks: readonly CheckStat[]): readonly Reading[] {
  return checks.flatMap(({ check_name: name, perfdata, age_s: age }) => {
    if (perfdata === '' || age > 0) return [];
    return writtenFigures(perfdata).flatMap((figure) => {
      const { label, value } = figure;
      if (value === null || Math.abs(value) > largest) return [];
      return [{ metric: `${name} ${label}`, labels: '{}', unit: unitOf(figure), value }];
    });
  });
}

const units: Readonly<Record<string, SeriesUnit>> = { s: 'seconds', B: 'bytes', '%': 'percent' };

function unitOf({ suffix, counter }: WrittenFigure): SeriesUnit {
  return counter ? 'counter' : (units[suffix] ?? 'count');
}
