import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';

/** https://github.com/torvalds/linux/blob/master/include/uapi/linux/auxvec.h */
const pageSizeType = 6;
const clockTicksType = 17;
const narrow = new Set(['arm', 'ia32', 'mips', 'mipsel', 'ppc', 's390']);

export interface KernelConstants {
  readonly pageBytes: number | null;
  readonly ticksPerSecond: number | null;
}

/** What sysconf(3) would say, from what the kernel gave this process at its start: /proc/self/auxv. */
export function kernelConstants(root: string): KernelConstants {
  let vector: Buffer;
  try {
    vector = readFileSync(`${root}/proc/self/auxv`);
  } catch {
    return { pageBytes: null, ticksPerSecond: null };
  }
  const wordBytes = narrow.has(process.arch) ? 4 : 8;
  const word = (at: number): number => {
    // The values in question fit into the lower half of a word.
    if (endianness() === 'LE') return vector.readUInt32LE(at);
    return vector.readUInt32BE(at + wordBytes - 4);
  };
  const found = new Map<number, number>();
  for (let at = 0; at + 2 * wordBytes <= vector.length; at += 2 * wordBytes) found.set(word(at), word(at + wordBytes));
  return { pageBytes: found.get(pageSizeType) ?? null, ticksPerSecond: found.get(clockTicksType) ?? null };
}
