import * as v from 'valibot';

import { isWritten, readPrivateFile, removeFile } from '../../../agent/start/private-file.ts';
import { parseJson } from '../../platform/parse-json.ts';
import { hourMs, minuteMs } from '../../platform/units.ts';

const fileName = 'push.json';
const longestMs = hourMs;

/** The pause after failed pushes, stored beside the spool because cron starts a new process for each push. */
export interface PushBackoff {
  /** The number of consecutive failed pushes. */
  readonly failures: number;
  /** Returns the end of the pause; null if there is none. A time beyond the longest pause comes from a wrong clock. */
  readonly until: (nowMs: number) => number | null;
  /** Starts a pause and returns its end: 2, 4, 8 ... minutes, at most an hour, reduced by up to half at random. */
  readonly failed: (nowMs: number) => number;
  readonly succeeded: () => void;
}

/** Opens the back-off of these folders, the best first. Without folders there is no back-off. */
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

const whole = v.pipe(v.number(), v.safeInteger());
const pause = v.object({ failures: v.pipe(whole, v.toMinValue(0)), untilMs: whole });

function read(dirs: readonly string[]): Readonly<v.InferOutput<typeof pause>> {
  for (const dir of dirs) {
    // A damaged file counts as no pause.
    const kept = parseJson(pause, readPrivateFile(`${dir}/${fileName}`, 1024) ?? '');
    if (kept !== null) return kept;
  }
  return { failures: 0, untilMs: 0 };
}
