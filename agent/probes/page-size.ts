import { readFileSync } from 'node:fs';

/** https://github.com/torvalds/linux/blob/master/include/uapi/linux/auxvec.h */
const pageSizeType = 6;
/** The processors whose kernels know one size only. */
const fixedBytes: Readonly<Record<string, number>> = { x64: 4096, ia32: 4096, s390x: 4096 };
const narrow = new Set(['arm', 'mips', 'mipsel', 'ppc']);

/** The size of a page of memory; on other processors what the kernel gave this process at its start. null: not known. */
export function pageBytes(root: string, architecture: string = process.arch): number | null {
  const fixed = fixedBytes[architecture];
  if (fixed !== undefined) return fixed;
  try {
    const vector = new Uint8Array(readFileSync(`${root}/proc/self/auxv`)).buffer;
    const words = narrow.has(architecture) ? new Uint32Array(vector) : new BigUint64Array(vector);
    for (let at = 0; at + 1 < words.length; at += 2)
      if (Number(words[at]) === pageSizeType) return Number(words[at + 1]);
  } catch {
    // Without it there is no page size, and memory of processes is not known.
  }
  return null;
}
