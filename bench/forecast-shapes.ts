/**
 * Daily levels of made file systems, in percent of the size: 35 days of past, the last of them today, and 30 of future.
 * Growing levels are full either well within 30 days or long after, so that no estimator is right or wrong by a day.
 */
import { historyDays } from '../src/alerter/forecast/forecast.ts';
import { fraction } from '../src/simulator/seeded.ts';

export const futureDays = 30;
const totalDays = historyDays + futureDays;
export const today = historyDays - 1;
const weekDays = 7;

/** Levels by the day; null is a day with an unknown level. A level of 100 and more is full. */
export type Levels = readonly (number | null)[];

export interface Shape {
  readonly name: string;
  readonly make: (chance: Chance) => Levels;
}

/** Random numbers, the same for the same seed. */
export class Chance {
  readonly #seed: number;
  #drawn = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  between(least: number, most: number): number {
    this.#drawn += 1;
    return least + (most - least) * fraction(this.#seed, this.#drawn);
  }

  whole(least: number, most: number): number {
    return Math.floor(this.between(least, most + 1));
  }

  /** Returns a random number around 0 with this deviation. */
  noise(deviation: number): number {
    const draws = Array.from({ length: 12 }, () => this.between(0, 1));
    return deviation * (draws.reduce((sum, draw) => sum + draw, 0) - 6);
  }
}

const usualNoise = 0.1;

function levels(chance: Chance, at: (day: number) => number, noise = usualNoise): number[] {
  return Array.from({ length: totalDays }, (_, day) => at(day) + chance.noise(noise));
}

/** Returns a level of today, and the daily growth by which the file system is full after `minDays` to `maxDays`. */
function growth(chance: Chance, minDays: number, maxDays: number): { readonly now: number; readonly rate: number } {
  const left = chance.between(10, 50);
  return { now: 100 - left, rate: left / chance.between(minDays, maxDays) };
}

const soon = [5, 22] as const;
const late = [60, 200] as const;

function sawtooth(chance: Chance, period: number, [least, most]: readonly [number, number], peak: number): Levels {
  const height = chance.between(least, most);
  const phase = chance.whole(0, period - 1);
  return levels(chance, (day) => peak - height + (height * ((day + phase) % period)) / (period - 1));
}

const step = (newest: number, oldest: number, height: readonly [number, number]) => (chance: Chance) => {
  const at = today - chance.whole(newest, oldest);
  const [base, by] = [chance.between(40, 70), chance.between(...height)];
  return levels(chance, (day) => base + (day > at ? by : 0));
};

const linear = (days: readonly [number, number], noise?: number) => (chance: Chance) => {
  const { now, rate } = growth(chance, ...days);
  return levels(chance, (day) => now + rate * (day - today), noise);
};

const batches = (days: readonly [number, number]) => (chance: Chance) => {
  const { now, rate } = growth(chance, ...days);
  const phase = chance.whole(0, weekDays - 1);
  const weeks = (day: number): number => Math.floor((day + phase) / weekDays);
  return levels(chance, (day) => now + rate * weekDays * (weeks(day) - weeks(today)));
};

const beganAgo = (days: number): Shape => ({
  name: `growth that began ${days} days ago`,
  make: (chance) => {
    const { now, rate } = growth(chance, 3, 20);
    return levels(chance, (day) => now + rate * (Math.max(day, today - days) - today));
  },
});

function cleaned(chance: Chance, times: number): Levels {
  const { now, rate } = growth(chance, ...soon);
  const cuts = Array.from({ length: times }, () => ({ at: chance.whole(10, 32), by: chance.between(10, 40) }));
  const before = (day: number): number => cuts.reduce((sum, { at, by }) => sum + (day <= historyDays - at ? by : 0), 0);
  return levels(chance, (day) => now + rate * (day - today) + before(day));
}

function withGaps(chance: Chance, whole: Levels, share: number): Levels {
  return whole.map((level, day) => (day < today && chance.between(0, 1) < share ? null : level));
}

/** The shapes by which the estimator was chosen. */
export const chosenShapes: readonly Shape[] = [
  { name: 'flat', make: (chance) => levels(chance, flatAt(chance.between(20, 95))) },
  { name: 'weekly sawtooth', make: (chance) => sawtooth(chance, weekDays, [3, 15], chance.between(40, 95)) },
  { name: 'monthly sawtooth', make: (chance) => sawtooth(chance, 30, [3, 12], chance.between(40, 75)) },
  { name: 'a step in the last ten days', make: step(1, 10, [5, 20]) },
  { name: 'a step before', make: step(11, 33, [5, 20]) },
  { name: 'a clean-up', make: step(1, 25, [-40, -10]) },
  { name: 'slow growth', make: linear(late) },
  { name: 'fast growth', make: linear(soon) },
  { name: 'slow weekly batches', make: batches(late) },
  { name: 'fast weekly batches', make: batches([8, 22]) },
  ...[7, 8, 9, 10, 11, 12].map(beganAgo),
  { name: 'growth with a clean-up', make: (chance) => cleaned(chance, 1) },
];

/** Shapes that had no part in the choice of the estimator. */
export const otherShapes: readonly Shape[] = [
  { name: 'a ten days sawtooth', make: (chance) => sawtooth(chance, 10, [3, 15], chance.between(50, 95)) },
  { name: 'a two weeks sawtooth', make: (chance) => sawtooth(chance, 14, [3, 15], chance.between(50, 95)) },
  { name: 'a high monthly sawtooth', make: (chance) => sawtooth(chance, 30, [10, 30], chance.between(80, 95)) },
  { name: 'a random walk', make: randomWalk },
  { name: 'dumps of any size', make: (chance) => levels(chance, () => 50 + chance.between(0, 25)) },
  { name: 'two steps', make: (chance) => sumOf(step(1, 33, [3, 9])(chance), step(1, 33, [3, 9])(chance)) },
  { name: 'a burst of three days', make: burst },
  { name: 'growth that ended 4 to 9 days ago', make: ended },
  { name: 'weekly sawtooth with gaps', make: (chance) => withGaps(chance, sawtooth(chance, 7, [3, 15], 90), 0.3) },
  { name: 'fast growth with gaps', make: (chance) => withGaps(chance, linear(soon)(chance), 0.3) },
  { name: 'fast growth with much noise', make: linear(soon, 1.5) },
  { name: 'growth with two clean-ups', make: (chance) => cleaned(chance, 2) },
  { name: 'growth that doubles in 5 to 9 days', make: doubling },
  { name: 'fast growth under a weekly sawtooth', make: underSawtooth },
];

function flatAt(level: number): () => number {
  return () => level;
}

function randomWalk(chance: Chance): Levels {
  let level = chance.between(40, 80);
  return levels(chance, () => (level += chance.noise(0.5)), 0);
}

function sumOf(one: Levels, other: Levels): Levels {
  return one.map((level, day) => (level ?? 0) / 2 + (other[day] ?? 0) / 2);
}

function burst(chance: Chance): Levels {
  const began = today - chance.whole(0, 9);
  const [base, by] = [chance.between(30, 60), chance.between(10, 30)];
  return levels(chance, (day) => base + (day >= began && day < began + 3 ? by : 0));
}

function ended(chance: Chance): Levels {
  const { now, rate } = growth(chance, ...soon);
  const end = today - chance.whole(4, 9);
  return levels(chance, (day) => now + rate * (Math.min(day, end) - end));
}

function doubling(chance: Chance): Levels {
  const [base, grown] = [chance.between(30, 50), chance.between(10, 25)];
  const days = chance.between(5, 9);
  return levels(chance, (day) => base + grown * 2 ** ((day - today) / days));
}

function underSawtooth(chance: Chance): Levels {
  const { now, rate } = growth(chance, 5, 18);
  const saw = sawtooth(chance, weekDays, [2, 8], 0);
  return saw.map((level, day) => now + rate * (day - today) + (level ?? 0));
}
