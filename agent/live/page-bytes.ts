import { readFileSync } from 'node:fs';

/** The type AT_PAGESZ. https://github.com/torvalds/linux/blob/master/include/uapi/linux/auxvec.h */
const pageSizeType = 6;
/** The page sizes of processors whose kernels support only one. */
const fixedBytes: Readonly<Record<string, number>> = { x64: 4096, ia32: 4096, s390x: 4096 };
const narrow = new Set(['arm', 'mips', 'mipsel', 'ppc']);

/**
 * Returns the page size. On processors with several, the kernel passed it to this process at its start. null if
 * unknown.
 */
export function pageBytes(root: string, architecture: string = process.arch): number | null {
  const fixed = fixedBytes[architecture];
  if (fixed !== undefined) return fixed;
  try {
    const vector = new Uint8Array(readFileSync(`${root}/proc/self/auxv`)).buffer;
    const words = narrow.has(architecture) ? new Uint32Array(vector) : new BigUint64Array(vector);
    for (let at = 0; at + 1 < words.length; at += 2)
      if (Number(words[at]) === pageSizeType) return Number(words[at + 1]);
  } catch {
    // Without /proc/self/auxv the page size and the memory of processes are unknown.
  }
  return null;
}
