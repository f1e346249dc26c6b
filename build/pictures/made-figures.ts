type Values = readonly (number | null)[];

/** A client's figures: a value an hour, the oldest first; null is unknown. */
export interface MadeFigures {
  readonly cpus: number;
  readonly cpu: Values;
  readonly cpuLeast: Values;
  readonly cpuMost: Values;
  readonly memory: Values;
  readonly swap: Values;
  readonly load: Values;
  readonly mounts: ReadonlyMap<string, Values>;
  readonly received: Values;
  readonly sent: Values;
  /** The point before which the machine booted; null: the machine did not boot. */
  readonly bootPoint: number | null;
}

const dataMounts: Readonly<Record<string, string>> = {
  db: '/var/lib/mysql',
  build: '/srv',
  backup: '/backup',
  mail: '/var',
};

/** Makes the figures of a client: a day's rhythm by kind of machine, noise, and the subjects of its alerts. */
export function madeFigures(name: string, index: number, points: number): MadeFigures {
  const kind = name.split('-')[0] ?? '';
  const random = randomFrom(index + 1);
  const cpus = { db: 16, build: 8, gateway: 2 }[kind] ?? 4;
  const isGone = name === 'backup-1';
  const hours = Array.from({ length: points }, (_, hour) => hour);
  // The collector did not run in these hours, and backup-1 is unreachable at the end.
  const isKnown = (hour: number): boolean =>
    (hour < points - 54 || hour > points - 53) && !(isGone && hour > points - 5);
  const known = (valueAt: (hour: number) => number): Values =>
    hours.map((hour) => {
      const value = valueAt(hour);
      return isKnown(hour) ? value : null;
    });
  const rhythms: Readonly<Record<string, readonly [level: number, swing: number]>> = {
    build: [20, 60],
    db: [25, 30],
    backup: [6, 5],
  };
  const [level, swing] = rhythms[kind] ?? [6 + (index % 5) * 3, 28];
  const day = (hour: number): number => Math.max(0, Math.sin(((hour % 24) - 7 + (index % 3)) * (Math.PI / 12)));
  const busy = hours.map((hour) =>
    Math.min(97, level + swing * day(hour + 10) * (0.7 + 0.3 * random()) + random() * 5),
  );
  const bootPoint = name === 'app-3' ? points - 64 : null;
  const leak = (hour: number): number =>
    bootPoint === null ? 0 : hour < bootPoint ? 18 + hour * 0.38 : 18 + (hour - bootPoint) * 0.65;
  const memoryLevel = 38 + ((index * 13) % 30);
  const cpu = known((hour) => busy[hour] ?? 0);
  const rates = (factor: number): Values => known((hour) => (busy[hour] ?? 0) * factor * (0.8 + 0.4 * random()));
  return {
    cpus,
    bootPoint,
    cpu,
    cpuLeast: cpu.map((value) => (value === null ? null : value * (0.35 + 0.2 * random()))),
    cpuMost: cpu.map((value) => (value === null ? null : Math.min(100, value * (1.25 + 0.5 * random()) + 2))),
    memory: known((hour) =>
      Math.min(98.1, (bootPoint === null ? memoryLevel : 38) + leak(hour) + 3 * day(hour) + random()),
    ),
    swap: known((hour) => (leak(hour) > 50 ? (leak(hour) - 50) * 2 : 0.4)),
    load: known((hour) => ((busy[hour] ?? 0) / 100) * cpus * (0.9 + 0.3 * random())),
    mounts: new Map([
      ['/', known((hour) => 22 + ((index * 7) % 40) + hour * 0.008)],
      ['/boot', known(() => 18 + (index % 4) * 3)],
      [dataMounts[kind] ?? '/var', known((hour) => dataPercent(name, index, hour, points, random))],
    ]),
    received: rates(9000 * cpus),
    sent: rates(14000 * cpus),
  };
}

function dataPercent(name: string, index: number, hour: number, points: number, random: () => number): number {
  const left = points - 1 - hour;
  if (name === 'db-1') return 96.4 - left * 0.16;
  if (name === 'build-2') return 91.7 - ((left + 4) % 120) * 0.08 + random() * 0.3;
  if (name === 'build-4') return 70 + (left > 88 ? (points - left) * 0.25 : 4) + random();
  return 30 + ((index * 11) % 45) + hour * 0.02 + random() * 0.4;
}

/** Returns a generator of numbers from 0 to 1 that are the same for the same seed (Park and Miller, 1988). */
function randomFrom(seed: number): () => number {
  let state = seed * 7919;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
