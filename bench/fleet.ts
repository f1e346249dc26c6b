import { atMost, measured, seriesOf, type BenchOptions, type BenchResult, type Figure, type Row } from './figure.ts';
import { spreadOf, type Point } from './statistics.ts';
import type { PassCost } from './collect-pass.ts';
import { startSimulated, type SimulatedOptions } from './simulated.ts';

const clean = 'simulated clients, one pass, known hosts checked, fsynced, stored, two cores shared with the simulator';
const time = (name: string, what: string, limit: number): Row => ({
  name,
  what,
  unit: 's',
  peer: null,
  target: atMost(limit),
});
const memory = (name: string, what: string, limit: number | null): Row => ({
  name,
  what,
  unit: 'MB',
  peer: null,
  target: limit === null ? null : atMost(limit),
});
interface Rows {
  readonly time: Row;
  readonly memory: Row;
}
/** The rows by the number of clients. */
const cleanRows: Readonly<Record<number, Rows>> = {
  10_000: {
    time: time('fleet-10000', `10,000 ${clean}`, 25),
    memory: memory('fleet-10000-memory', 'the same: resident memory of the collector', 256),
  },
  50_000: {
    time: time('fleet-50000', '50,000 simulated clients', 150),
    memory: memory('fleet-50000-memory', 'the same: resident memory of the collector', 512),
  },
};
const lossyRows: Readonly<Record<number, Rows>> = {
  10_000: {
    time: time('fleet-lossy', '10,000 simulated clients with 5 % dead in every way, default settings', 75),
    memory: memory('fleet-lossy-memory', 'the same: resident memory of the collector', null),
  },
};
const firstLossy: Row = {
  name: 'fleet-lossy-first',
  what: 'the same when no client was ever visited: inventories, and nothing known of who is dead',
  unit: 's',
  peer: null,
  target: null,
};
const inFlight: Row = memory('in-flight', '1,000 visits in flight: resident memory of the collector', 250);

/** Measures passes over simulated fleets: their costs and growth, and the memory of 1,000 visits at a time. */
export async function benchFleet(options: BenchOptions): Promise<BenchResult> {
  const { quick, say } = options;
  const figures: Figure[] = [];
  const points = { wall: [] as Point[], cpu: [] as Point[], memory: [] as Point[] };
  for (const clients of quick ? [5, 10] : [100, 1000, 10_000, 50_000]) {
    const { passes } = await measure({ clients, profile: 'clean' }, clients <= 10_000 && !quick ? 3 : 1, say);
    const wall = passes.map(({ wallMs }) => wallMs / 1000);
    const megabytes = passes.map((pass) => pass.megabytes);
    points.wall.push({ n: clients, value: spreadOf(wall).median });
    points.cpu.push({ n: clients, value: spreadOf(passes.map(({ cpuMs }) => cpuMs / 1000)).median });
    points.memory.push({ n: clients, value: spreadOf(megabytes).median });
    figures.push(...figuresOf(cleanRows[quick ? clients * 1000 : clients], wall, megabytes));
  }
  // Slow clients: with fast ones fewer visits are under way at a time than the limit allows.
  const many = { clients: quick ? 20 : 4000, profile: 'slow' } as const;
  const { passes } = await measure(many, quick ? 1 : 3, say, ['--concurrency', '1000']);
  say(`1,000 in flight: at most ${Math.max(...passes.map(({ maxOpen }) => maxOpen))} files and sockets were open`);
  figures.push(
    measured(
      inFlight,
      passes.map(({ megabytes }) => megabytes),
    ),
  );
  const series = [
    seriesOf({ name: 'fleet-time', what: 'one pass, clean fleet', unit: 's' }, points.wall),
    seriesOf({ name: 'fleet-cpu', what: "one pass, the collector's CPU time", unit: 's' }, points.cpu),
    seriesOf({ name: 'fleet-memory', what: "one pass, the collector's memory", unit: 'MB' }, points.memory),
  ];
  return { figures, series };
}

/** Measures passes over a fleet with 5 % dead clients, with default settings. */
export async function benchFleetLossy({ quick, say }: BenchOptions): Promise<BenchResult> {
  const figures: Figure[] = [];
  const points: Point[] = [];
  for (const clients of quick ? [24] : [100, 1000, 10_000, 50_000]) {
    const { first, passes } = await measure({ clients, profile: 'lossy' }, clients === 10_000 ? 2 : 1, say);
    const wall = passes.map(({ wallMs }) => wallMs / 1000);
    points.push({ n: clients, value: spreadOf(wall).median });
    const rows = lossyRows[quick ? 10_000 : clients];
    if (rows === undefined) continue;
    figures.push(
      ...figuresOf(
        rows,
        wall,
        passes.map(({ megabytes }) => megabytes),
      ),
    );
    figures.push(measured(firstLossy, [first.wallMs / 1000]));
  }
  const what = 'one pass, 5 % dead in every way';
  return { figures, series: [seriesOf({ name: 'fleet-lossy-time', what, unit: 's' }, points)] };
}

function figuresOf(rows: Rows | undefined, wall: readonly number[], megabytes: readonly number[]): readonly Figure[] {
  return rows === undefined ? [] : [measured(rows.time, wall), measured(rows.memory, megabytes)];
}

/** Measures passes, after a first pass that makes folders and takes inventories. */
async function measure(
  options: SimulatedOptions,
  passCount: number,
  say: (line: string) => void,
  args: readonly string[] = [],
): Promise<{ readonly first: PassCost; readonly passes: readonly PassCost[] }> {
  const { clients, profile } = options;
  const fleet = await startSimulated(options);
  let simulatorMs: number | null = null;
  try {
    const first = await fleet.collect(args);
    const passes: PassCost[] = [];
    while (passes.length < passCount) passes.push(await fleet.collect(args));
    simulatorMs = await fleet.close();
    const [{ succeeded, failed, cpuMs } = first] = passes;
    say(
      `${clients} ${profile} ${args.join(' ')}: ${succeeded} well, ${failed} failed; ` +
        `${(cpuMs / clients).toFixed(2)} ms CPU a visit; the first pass ${(first.wallMs / 1000).toFixed(1)} s, ` +
        `${Math.round(first.megabytes)} MB; the simulator ${simulatorMs.toFixed(2)} ms a visit`,
    );
    const failing = passes.map((pass) => pass.failed).filter((count) => count > 0);
    if (profile === 'clean' && failing.length > 0) {
      say(`visits failed (${failing.join(', ')}): the machine has more to do than this, and the figures say little`);
    }
    return { first, passes };
  } finally {
    if (simulatorMs === null) await fleet.close();
  }
}
