import { messageOf } from '../../errors.ts';
import type { AgentLog } from '../agent-program.ts';
import { openWaitingLines } from '../waiting-lines.ts';
import type { AlertLine } from './edge-evaluator.ts';
import type { LinesTarget } from './edge-settings.ts';
import { sendLines } from './send-lines.ts';

const waitingFile = 'edge-waiting.jsonl';

/** The changes that are sent to a socket. */
export interface EdgeLines {
  /** Keeps changes until the socket has accepted them. */
  readonly keep: (changes: readonly AlertLine[]) => void;
  /** Sends the waiting lines. Lines that the socket does not accept are logged, and still wait. */
  readonly send: (signal: AbortSignal) => Promise<void>;
  /** Returns the number of waiting lines. */
  readonly queue: () => number;
}

export function edgeLines(to: LinesTarget, place: string, log: AgentLog): EdgeLines {
  const waiting = openWaitingLines(place, waitingFile);
  let dropped = 0;
  return {
    keep: (changes) => {
      if (changes.length === 0) return;
      dropped += waiting.keep([...waiting.lines, ...changes.map((change) => JSON.stringify(change))]).dropped;
    },
    send: async (signal) => {
      const { lines } = waiting;
      if (lines.length === 0) return;
      try {
        await sendLines(to, lines, signal);
        // Other lines may have been added during the transmission.
        const taken = new Set(lines);
        waiting.keep(waiting.lines.filter((line) => !taken.has(line)));
      } catch (thrown) {
        log.problem('not-sent', { waiting: waiting.lines.length, dropped, reason: messageOf(thrown) });
        dropped = 0;
      }
    },
    queue: () => waiting.lines.length,
  };
}
