import { maxUnpackedBytes } from '../../../agent/capture/parse-capture.ts';

/** Returns a capture of the most bytes, or fewer, with the most lines of four files, and the most processes. */
export function captureAtBounds(maxBytes: number = maxUnpackedBytes): Buffer {
  const linesOfEach = 16_000;
  const lineChars = Math.floor(maxUnpackedBytes / linesOfEach / 4);
  const kinds: readonly ((at: number) => string)[] = [
    (at) => `proc/${at}/stat:${at} (sh) S 1 9 9 0 -1 4194560 1 0 0 0 5 7 0 0 20 0 1 0 123 1 2`,
    (at) => `proc/net/dev:eth${at}: 1 2 3 4 5 6 7 8 9 1 1 1`,
    (at) => `proc/self/mountinfo:${at} 0 8:${at} / /${at} rw - ext4 /dev/x${at} rw`,
    (at) => `proc/meminfo:x${at}`,
  ];
  const lines = Array.from({ length: linesOfEach }, (_, at) =>
    kinds.map((kind) =>
      kind(at)
        .padEnd(lineChars - 1)
        .slice(0, lineChars - 1),
    ),
  );
  return Buffer.from(
    `${lines
      .flat()
      .join('\n')
      .slice(0, maxBytes - 100)}\n=place /x\n=end 1|2|3|\n`,
  );
}
