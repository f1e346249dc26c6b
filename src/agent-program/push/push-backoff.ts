import { isWritten, readPrivateFile, removeFile } from '../../../agent/start/private-file.ts';
import { hourMs, minuteMs } from '../../platform/units.ts';

const fileName = 'push.json';
const longestMs = hourMs;

/** The pause after pushes that failed, kept beside the spool, for cron starts each push anew. */
export interface PushBackoff {
  /** The pushes in a row that failed. */
  readonly failures: number;
  /** Returns when the pause ends; null: there is none. A time beyond the longest pause comes from a wrong clock. */
  readonly until: (nowMs: number) => number | null;
  /** Returns when the pause ends that begins now: 2, 4, 8 ... minutes, at most an hour, less up to half of it. */
  readonly failed: (nowMs: number) => number;
  readonly succeeded: () => void;
}

/** Opens the back-off of these folders, the best first. Without any there is none. */
export function openPushBackoff(dirs: readonly string[], random: () => number = Math.random): PushBackoff {
  const { failures, untilMs } = read(dirs);
  return {
    failures,
    until: (nowMs) => (untilMs > nowMs && untilMs - nowMs <= longestMs ? untilMs : null),
    failed: (nowMs) => {
      const pauseMs = Math.min(longestMs, minuteMs * 2 ** Math.min(failures + 1, 10));
      const nextMs = Math.ceil(nowMs + pauseMs * (1 - random() / 2));
      const content = Buffer.from(JSON.stringify({ failures: failures + 1, untilMs: nextMs }));
      dirs.find((dir) => isWritten(dir, fileName, content, false));
      return nextMs;
    },
    succeeded: () => {
      if (failures > 0) for (const dir of dirs) removeFile(`${dir}/${fileName}`);
    },
  };
}

function read(dirs: readonly string[]): { readonly failures: number; readonly untilMs: number } {
  for (const dir of dirs) {
    const content = readPrivateFile(`${dir}/${fileName}`, 1024);
    if (content === null) continue;
    try {
      const { failures, untilMs } = JSON.parse(content.toString()) as Record<string, unknown>;
      if (Number.isSafeInteger(failures) && Number.isSafeInteger(untilMs)) {
        return { failures: Math.max(0, Number(failures)), untilMs: Number(untilMs) };
      }
    } catch {
      // A damaged file is no pause.
    }
  }
  return { failures: 0, untilMs: 0 };
}
