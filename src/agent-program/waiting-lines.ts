import path from 'node:path';

import { isWritten, readPrivateFile } from '../../agent/start/private-file.ts';

/** The most lines that are kept. The oldest are dropped. */
const maxWaiting = 1000;
const maxWaitingBytes = 8 * 1024 * 1024;

/** Lines of JSON that wait for a receiver that has not accepted them. */
export interface WaitingLines {
  readonly lines: readonly string[];
  /**
   * Replaces the lines; keeps only the newest of too many. The lines stay in the memory of this process if the disk
   * cannot store them.
   */
  readonly keep: (lines: readonly string[]) => KeptLines;
}

export interface KeptLines {
  /** The number of the oldest lines, which were dropped. */
  readonly dropped: number;
  /** False if the file still has the previous lines. */
  readonly isWritten: boolean;
}

/** Opens the lines that an earlier process has stored in a file of the state folder. */
export function openWaitingLines(place: string, file: string): WaitingLines {
  const text = readPrivateFile(path.join(place, file), maxWaitingBytes)?.toString() ?? '';
  const waiting = {
    lines: text.split('\n').filter((line) => line !== '') as readonly string[],
    keep: (lines: readonly string[]): KeptLines => {
      let kept = lines.slice(-maxWaiting);
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
