import { createRandom } from './random.ts';
import { maxInputBytes, mutate } from './mutate.ts';
import type { FuzzTarget } from './target.ts';

export interface FuzzOptions {
  readonly target: FuzzTarget;
  /** Kept inputs, which are mutated like the target's own seeds. */
  readonly corpus: readonly Buffer[];
  readonly seed: number;
  /** The time for it. */
  readonly forMs: number;
  /** The greatest number of inputs. Default: as many as the time allows. */
  readonly maxRuns?: number;
  /** The limit of CPU time for 256 KiB of one input repeated. A parser with quadratic cost would take minutes. */
  readonly longCpuMs?: number;
}

export interface FuzzResult {
  readonly runs: number;
  /** The number of different results of the parser. */
  readonly kinds: number;
  /** The first input that broke the parser. */
  readonly failure: { readonly input: Buffer; readonly error: Error } | null;
}

const maxPool = 3000;
const longBytes = 256 * 1024;
const usualLongCpuMs = 3000;
const longEvery = 400;

/** Mutates inputs for a while and checks the parser's results. */
export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const { target, corpus, seed, forMs, maxRuns = Infinity, longCpuMs = usualLongCpuMs } = options;
  const random = createRandom(seed);
  const [first, ...others] = target.seeds();
  const pool: [Buffer, ...Buffer[]] = [first, ...others, ...corpus];
  const [word, ...words] = target.words.map((text) => Buffer.from(text, 'latin1'));
  const dictionary: [Buffer, ...Buffer[]] = [word ?? Buffer.alloc(0), ...words];
  const kinds = new Set<string>();
  const endsAt = performance.now() + forMs;
  let runs = 0;
  while (runs < maxRuns && performance.now() < endsAt) {
    const input = mutate(random.pick(pool), pool, dictionary, random);
    try {
      const kind = await target.check(input);
      if (!kinds.has(kind) && pool.length < maxPool) {
        kinds.add(kind);
        pool.push(input);
      }
    } catch (thrown) {
      return { runs, kinds: kinds.size, failure: { input, error: asError(thrown) } };
    }
    if (++runs % longEvery !== 0 || input.length === 0) continue;
    const long = Buffer.alloc(longBytes, input);
    const error = await tooSlow(target, long, longCpuMs);
    if (error !== null) return { runs, kinds: kinds.size, failure: { input: input.subarray(0, maxInputBytes), error } };
  }
  return { runs, kinds: kinds.size, failure: null };
}

/** Returns the fault of a kept input, checked as it is and repeated; null if none. */
export async function evaluate(target: FuzzTarget, input: Buffer): Promise<Error | null> {
  try {
    await target.check(input);
  } catch (thrown) {
    return asError(thrown);
  }
  return input.length === 0 ? null : await tooSlow(target, Buffer.alloc(longBytes, input), usualLongCpuMs);
}

async function tooSlow(target: FuzzTarget, long: Buffer, longCpuMs: number): Promise<Error | null> {
  const before = process.cpuUsage();
  try {
    await target.check(long);
  } catch (thrown) {
    return asError(thrown);
  }
  const { user, system } = process.cpuUsage(before);
  const cpuMs = (user + system) / 1000;
  return cpuMs > longCpuMs ? new Error(`${long.length} bytes of it took ${Math.round(cpuMs)} ms of CPU time`) : null;
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
