/**
 * The question "Full within 30 days?", for five estimators and made file systems with a known future. Counts how often
 * each estimator is wrong about file systems that will not be full, and right about those that will.
 */
import { forecast } from '../src/alerter/forecast/forecast.ts';
import { theilSen, type DayValue } from '../src/alerter/forecast/quantiles.ts';
import { forInformation, measured, type BenchOptions, type BenchResult, type Figure } from './figure.ts';
import { firstEstimate } from './forecast-first.ts';
import { Chance, chosenShapes, futureDays, otherShapes, today, type Levels, type Shape } from './forecast-shapes.ts';

/** Returns the days until full; null if no exhaustion is forecast. */
type Estimator = (past: Levels) => number | null;

const size = 100;

const estimators: Readonly<Record<string, Estimator>> = {
  'least-squares-14': byLine(14, leastSquares),
  'least-squares-30': byLine(30, leastSquares),
  'theil-sen-14': byLine(14, theilSen),
  'ours-at-first': (past) => firstEstimate(past, size),
  ours: (past) => {
    const days = past.map((used) => (used === null ? null : { used, size }));
    return forecast(days, size - newestOf(past))?.daysLeft ?? null;
  },
};

interface Counts {
  /** File systems that will not be full within 30 days, and the alarms for them. */
  safe: number;
  alarmed: number;
  /** File systems that will be full, and the alarms for them. */
  doomed: number;
  caught: number;
}

export function benchForecast({ quick, say }: BenchOptions): Promise<BenchResult> {
  const seeds = quick ? 5 : 500;
  const figures = [
    ...evaluateSet('chosen', chosenShapes, seeds, say),
    ...evaluateSet('other', otherShapes, seeds, say),
  ];
  return Promise.resolve({ figures, series: [] });
}

function evaluateSet(
  set: string,
  shapes: readonly Shape[],
  seeds: number,
  say: BenchOptions['say'],
): readonly Figure[] {
  const names = Object.keys(estimators);
  const whole = new Map(names.map((name) => [name, emptyCounts()]));
  for (const [number, shape] of shapes.entries()) {
    const ofShape = names.map((name) => {
      const counts = evaluateShape(shape, number, estimators[name] ?? (() => null), seeds);
      addTo(whole.get(name) ?? emptyCounts(), counts);
      return `${name} ${rateWords(counts)}`;
    });
    say(`${shape.name}: ${ofShape.join('; ')}`);
  }
  return [...whole].flatMap(([name, counts]) => [
    measured(
      forInformation(
        `forecast-${set}-false-${name}`,
        `${set} shapes, ${name}: alarms for what will not be full`,
        'percent',
      ),
      [percent(counts.alarmed, counts.safe)],
    ),
    measured(
      forInformation(
        `forecast-${set}-caught-${name}`,
        `${set} shapes, ${name}: alarms for what will be full`,
        'percent',
      ),
      [percent(counts.caught, counts.doomed)],
    ),
  ]);
}

function evaluateShape({ make }: Shape, number: number, estimator: Estimator, seeds: number): Counts {
  const counts = emptyCounts();
  for (let seed = 1; seed <= seeds; seed += 1) {
    const levels = make(new Chance(seed * 1000 + number));
    const past = levels.slice(0, today + 1);
    if (newestOf(past) >= size) continue;
    const isDoomed = levels.slice(today + 1).some((level) => (level ?? 0) >= size);
    const isAlarm = (estimator(past) ?? Infinity) <= futureDays;
    counts[isDoomed ? 'doomed' : 'safe'] += 1;
    if (isAlarm) counts[isDoomed ? 'caught' : 'alarmed'] += 1;
  }
  return counts;
}

function emptyCounts(): Counts {
  return { safe: 0, alarmed: 0, doomed: 0, caught: 0 };
}

function addTo(sum: Counts, counts: Counts): void {
  for (const key of ['safe', 'alarmed', 'doomed', 'caught'] as const) sum[key] += counts[key];
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (100 * part) / whole;
}

function rateWords({ safe, alarmed, doomed, caught }: Counts): string {
  const parts = [
    ...(safe === 0 ? [] : [`${percent(alarmed, safe).toFixed(1)} % false`]),
    ...(doomed === 0 ? [] : [`${percent(caught, doomed).toFixed(1)} % caught`]),
  ];
  return parts.join(', ');
}

function newestOf(past: Levels): number {
  return past.findLast((level) => level !== null) ?? 0;
}

/** Returns an estimator by a line through the known levels of the last days. */
function byLine(days: number, slopeOf: (points: readonly DayValue[]) => number): Estimator {
  return (past) => {
    const points = past.slice(-days).flatMap((value, day) => (value === null ? [] : [{ day, value }]));
    const slope = slopeOf(points);
    return slope > 0 ? (size - newestOf(past)) / slope : null;
  };
}

function leastSquares(points: readonly DayValue[]): number {
  const mean = (of: (point: DayValue) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [day, value] = [mean((point) => point.day), mean((point) => point.value)];
  const above = mean((point) => (point.day - day) * (point.value - value));
  return above / mean((point) => (point.day - day) ** 2);
}
