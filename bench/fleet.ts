/** What whole passes over simulated fleets cost, how that grows, and what it holds in memory. */
import { spawnSync } from 'node:child_process';

import { startSimulated } from './simulated.ts';
import type { PassCost, SimulatedOptions } from './simulated.ts';

/** Passes that are measured, after one that makes folders and takes inventories. */
const passesOf = (clients: number): number => (clients <= 1000 ? 3 : 1);
const usual = 10_000;
const large = 50_000;
const nodeStarts = 20;

/** What must hold; `--large` adds the last row. Wall times are only true on a machine that does nothing else. */
const targets: Readonly<Record<string, { readonly wallS: number; readonly megabytes: number }>> = {
  '10000 clean': { wallS: 25, megabytes: 256 },
  '10000 lossy': { wallS: 75, megabytes: 256 },
  '50000 clean': { wallS: 150, megabytes: 512 },
};

/** Prints a line for each size and profile, and the exponent by which CPU time grows. */
export async function benchFleet(): Promise<void> {
  const bare = nodeCpuMs();
  console.log(
    `node -e 0: ${bare.toFixed(1)} ms CPU (16 on an idle machine: what is above that, all figures are too high by)`,
  );
  // On a busy machine the large ones take hours.
  const most = Number(process.env['BENCH_MOST_CLIENTS'] ?? (process.argv.includes('--large') ? large : usual));
  const sizes = [100, 1000, usual, large].filter((clients) => clients <= most);
  const points: (readonly [clients: number, cpuMs: number])[] = [];
  for (const clients of sizes) {
    const cost = await measure({ clients, profile: 'clean' }, passesOf(clients), bare);
    points.push([clients, cost.cpuMs]);
  }
  if (points.length > 1)
    console.log(`CPU time grows with the number of clients to the power of ${exponentOf(points).toFixed(2)}`);
  const biggest = Math.min(most, usual);
  await measure({ clients: biggest, profile: 'lossy' }, 1, bare);
  await measure({ clients: biggest, profile: 'clean' }, 1, bare, ['--concurrency', '1000']);
}

async function measure(
  options: SimulatedOptions,
  passes: number,
  bareMs: number,
  args: readonly string[] = [],
): Promise<PassCost> {
  const { clients, profile } = options;
  const fleet = await startSimulated(options);
  let closed: number | null = null;
  try {
    const first = fleet.collect(args);
    const costs = Array.from({ length: passes }, () => fleet.collect(args));
    const cost = medianOf(costs);
    closed = await fleet.close();
    const { cpuMs, wallMs, megabytes, succeeded, failed } = cost;
    const each = cpuMs / clients;
    console.log(
      `${clients} ${profile}${args.length === 0 ? '' : ` ${args.join(' ')}`}: ${succeeded} well, ${failed} failed; ` +
        `${(wallMs / 1000).toFixed(1)} s, ${each.toFixed(2)} ms CPU a visit (${(each / bareMs).toFixed(3)} node -e 0), ` +
        `${Math.round(megabytes)} MB; the first pass ${(first.wallMs / 1000).toFixed(1)} s, ` +
        `${(first.cpuMs / clients).toFixed(2)} ms, ${Math.round(first.megabytes)} MB; ` +
        `the simulator ${closed.toFixed(2)} ms a visit`,
    );
    const target = args.length === 0 ? targets[`${clients} ${profile}`] : undefined;
    if (target !== undefined && (wallMs / 1000 > target.wallS || megabytes > target.megabytes)) {
      console.log(`  off its limit of ${target.wallS} s and ${target.megabytes} MB`);
    }
    if (args.includes('1000') && megabytes > 250) console.log('  1,000 visits in flight are off their limit of 250 MB');
    return cost;
  } finally {
    if (closed === null) await fleet.close();
  }
}

function medianOf(costs: readonly PassCost[]): PassCost {
  const sorted = [...costs].sort((one, other) => one.cpuMs - other.cpuMs);
  const middle = sorted[sorted.length >> 1];
  if (middle === undefined) throw new Error('nothing was measured');
  return middle;
}

/** The slope of a straight line through the logarithms, by least squares. */
function exponentOf(points: readonly (readonly [number, number])[]): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanX = mean(logs.map(([x]) => x));
  const meanY = mean(logs.map(([, y]) => y));
  const above = logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return above / logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}

/** CPU time of a bare start of Node, which says how busy this machine is. */
function nodeCpuMs(): number {
  const script =
    'const { execFileSync } = require("node:child_process");' +
    `for (let n = 0; n < ${nodeStarts}; n++) execFileSync(process.execPath, ["-e", "0"]);` +
    'console.log(require("node:fs").readFileSync("/proc/self/stat", "utf8").split(") ")[1].split(" ").slice(13, 15).join(" "))';
  const { stdout } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  const [user = 0, system = 0] = stdout.trim().split(' ').map(Number);
  // /proc counts in hundredths of a second.
  return ((user + system) * 10) / nodeStarts;
}
