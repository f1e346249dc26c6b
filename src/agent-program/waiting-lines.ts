import path from 'node:path';

import { isWritten, readPrivateFile } from '../../agent/start/private-file.ts';

/** The most lines that are kept: the oldest are dropped. */
const mostWaiting = 1000;
const maxWaitingBytes = 8 * 1024 * 1024;

/** Lines of JSON that wait for somebody who did not take them. */
export interface WaitingLines {
  readonly lines: readonly string[];
  /** Replaces the lines, of too many by the newest. They live on in this process if the disk does not take them. */
  readonly keep: (lines: readonly string[]) => KeptLines;
}

export interface KeptLines {
  /** The oldest lines, beyond the bounds. */
  readonly dropped: number;
  /** False: the file has the lines before these. */
  readonly isWritten: boolean;
}

/** Opens the lines that an earlier process has kept in a file of the state folder. */
export function openWaitingLines(place: string, file: string): WaitingLines {
  const text = readPrivateFile(path.join(place, file), maxWaitingBytes)?.toString() ?? '';
  const waiting = {
    lines: text.split('\n').filter((line) => line !== '') as readonly string[],
    keep: (lines: readonly string[]): KeptLines => {
      let kept = lines.slice(-mostWaiting);
      let content = Buffer.from(kept.map((line) => `${line}\n`).join(''));
      while (content.length > maxWaitingBytes) {
        kept = kept.slice(Math.ceil(kept.length / 10));
        content = Buffer.from(kept.map((line) => `${line}\n`).join(''));
      }
      waiting.lines = kept;
      return { dropped: lines.length - kept.length, isWritten: isWritten(place, file, content, true) };
    },
  };
  return waiting;
}
