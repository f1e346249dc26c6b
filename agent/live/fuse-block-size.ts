import type { MountAnswer } from '../probes/source.ts';
import { outputOf } from './output-of.ts';

/**
 * Corrects the block sizes of FUSE mounts that have just answered, by the sizes of `df`. Mounts that df does not list
 * are unknown. BusyBox's `stat -f` reports the wrong one of the two sizes; its df is right.
 */
export async function correctBlockSizes(
  answers: ReadonlyMap<string, MountAnswer>,
  mounts: readonly string[],
  deadlineMs: number,
): Promise<ReadonlyMap<string, MountAnswer>> {
  const asked = mounts.filter((mount) => 'usage' in (answers.get(mount) ?? {}));
  if (asked.length === 0) return answers;
  let output = '';
  let reason = 'df did not tell its size';
  try {
    output = await outputOf('df', ['-kP', '--', ...asked], deadlineMs);
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error);
  }
  const kibibytes = new Map(
    output.split('\n').flatMap((line) => {
      const [, size, mount = ''] = / +(\d+) +\d+ +-?\d+ +(?:\d+%|-) +(\/.*)$/.exec(line) ?? [];
      return size === undefined ? [] : [[mount, Number(size)] as const];
    }),
  );
  const corrected = new Map(answers);
  for (const mount of asked) {
    const answer = answers.get(mount);
    if (answer === undefined || !('usage' in answer)) continue;
    const { blocks, bsize } = answer.usage;
    const size = kibibytes.get(mount);
    if (size === undefined) corrected.set(mount, { unresponsive: false, reason });
    // df rounds up to whole KiB.
    else if (blocks > 0 && Math.ceil((blocks * bsize) / 1024) !== size) {
      corrected.set(mount, { usage: { ...answer.usage, bsize: Math.round((size * 1024) / blocks) } });
    }
  }
  return corrected;
}
