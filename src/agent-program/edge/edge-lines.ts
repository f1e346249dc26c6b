import { messageOf } from '../../errors.ts';
import type { AgentLog } from '../agent-program.ts';
import { openWaitingLines } from '../waiting-lines.ts';
import type { AlertLine } from './edge-judge.ts';
import type { LinesTarget } from './edge-settings.ts';
import { sendLines } from './send-lines.ts';

const waitingFile = 'edge-waiting.jsonl';

/** Returns a function that sends changes to a socket, with those that it did not take before. Returns how many wait. */
export function linesSender(
  to: LinesTarget,
  place: string,
  log: AgentLog,
): (changes: readonly AlertLine[]) => Promise<number> {
  const waiting = openWaitingLines(place, waitingFile);
  return async (changes) => {
    const lines = [...waiting.lines, ...changes.map((change) => JSON.stringify(change))];
    if (lines.length === 0) return 0;
    try {
      await sendLines(to, lines);
      waiting.keep([]);
    } catch (thrown) {
      const { dropped } = waiting.keep(lines);
      log.problem('not-sent', { waiting: waiting.lines.length, dropped, reason: messageOf(thrown) });
    }
    return waiting.lines.length;
  };
}
