import path from 'node:path';

import { isWritten, readPrivateFile } from '../../../agent/start/private-file.ts';
import { messageOf } from '../../errors.ts';
import type { AgentLog } from '../agent-program.ts';
import type { AlertLine } from './edge-judge.ts';
import type { LinesTarget } from './edge-settings.ts';
import { sendLines } from './send-lines.ts';

/** The most lines that wait for a socket: the oldest are dropped, and counted in the log. */
const mostWaiting = 1000;
const waitingFile = 'edge-waiting.jsonl';
const maxWaitingBytes = 4 * 1024 * 1024;

/** Returns a function that sends changes to a socket, with those that it did not take before. Returns how many wait. */
export function linesSender(
  to: LinesTarget,
  place: string,
  log: AgentLog,
): (changes: readonly AlertLine[]) => Promise<number> {
  let waiting = readWaiting(place);
  return async (changes) => {
    waiting = [...waiting, ...changes.map((change) => JSON.stringify(change))];
    if (waiting.length === 0) return 0;
    try {
      await sendLines(to, waiting);
      waiting = [];
      keepWaiting(place, waiting);
    } catch (thrown) {
      const dropped = Math.max(0, waiting.length - mostWaiting);
      waiting = waiting.slice(dropped);
      keepWaiting(place, waiting);
      log.problem('not-sent', { waiting: waiting.length, dropped, reason: messageOf(thrown) });
    }
    return waiting.length;
  };
}

/** Returns the lines that an earlier process could not send. */
function readWaiting(place: string): readonly string[] {
  const text = readPrivateFile(path.join(place, waitingFile), maxWaitingBytes)?.toString() ?? '';
  return text.split('\n').filter((line) => line !== '');
}

/** A disk that does not take the lines changes nothing: this process goes on to try. */
function keepWaiting(place: string, lines: readonly string[]): void {
  isWritten(place, waitingFile, Buffer.from(`${lines.join('\n')}\n`), false);
}
