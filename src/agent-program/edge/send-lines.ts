import { connect } from 'node:net';

import { secondMs } from '../../platform/units.ts';
import type { LinesTarget } from './edge-settings.ts';

const deadlineMs = 5 * secondMs;

/**
 * Writes lines to a socket and closes it. Rejects if the lines could not be handed to the other machine within five
 * seconds, and when the signal aborts. The lines are not acknowledged: a machine that receives the bytes and crashes
 * has lost them.
 */
export async function sendLines(target: LinesTarget, lines: readonly string[], signal: AbortSignal): Promise<void> {
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
