import { connect } from 'node:net';
import { messageOf } from '../../platform/errors/errors.ts';
import { secondMs } from '../../platform/units.ts';
import type { AgentLog } from '../agent-program.ts';
import { openWaitingLines } from '../waiting-lines.ts';
import type { Evaluated } from './edge-evaluator.ts';
import type { LinesTarget } from './edge-settings.ts';
import { openToldAlerts } from './told-alerts.ts';

const waitingFile = 'edge-waiting.jsonl';

/** The changes that are sent to a socket. */
export interface EdgeLines {
  /** Keeps lines until the socket has accepted them: the changes of a report, and alerts that the receiver lacks. */
  readonly keep: (evaluated: Pick<Evaluated, 'changes' | 'open'>, atMs: number) => void;
  /** Sends the waiting lines. Lines that the socket does not accept are logged, and still wait. */
  readonly send: (signal: AbortSignal) => Promise<void>;
  /** Returns the number of waiting lines. */
  readonly queue: () => number;
}

export function edgeLines(to: LinesTarget, place: string, log: AgentLog): EdgeLines {
  const waiting = openWaitingLines(place, waitingFile);
  const lacking = openToldAlerts(to, place);
  let dropped = 0;
  return {
    keep: (evaluated, atMs) => {
      const lines = lacking(evaluated, atMs).map((line) => JSON.stringify(line));
      if (lines.length > 0) dropped += waiting.keep([...waiting.lines, ...lines]).dropped;
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

const deadlineMs = 5 * secondMs;

/**
 * Writes lines to a socket and closes it. Rejects if the lines could not be handed to the other machine within five
 * seconds, and when the signal aborts. The lines are not acknowledged: a machine that receives the bytes and crashes
 * has lost them.
 */
async function sendLines(target: LinesTarget, lines: readonly string[], signal: AbortSignal): Promise<void> {
  const socket = connect({ ...target, signal });
  const timer = setTimeout(() => socket.destroy(new Error(`not taken within ${deadlineMs / secondMs} s`)), deadlineMs);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject).once('close', () => resolve());
      // The answer of the other end is discarded.
      socket.resume();
      socket.end(lines.map((line) => `${line}\n`).join(''));
      socket.once('finish', () => socket.destroySoon());
    });
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
