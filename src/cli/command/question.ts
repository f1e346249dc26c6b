import { createInterface } from 'node:readline/promises';

import type { FleetError } from '../../errors.ts';
import type { Context } from './context.ts';

/**
 * Asks on the terminal. Returns true for y or yes, and false for any other answer and at the end of input. Throws the
 * signal's reason, or `unasked` if the question or the answer has no terminal.
 */
export async function confirm(
  { output, signal }: Context,
  question: string,
  unasked: () => FleetError,
): Promise<boolean> {
  if (!output.terminal || output.json || !process.stdin.isTTY) throw unasked();
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  // readline takes Ctrl-C for a key press; the process still gets its usual signal.
  lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  try {
    const answer = await Promise.race([lines.question(`${question} [y/N] `, { signal }), ended]);
    signal.throwIfAborted();
    return /^y(es)?$/i.test(answer.trim());
  } catch (thrown) {
    signal.throwIfAborted();
    throw thrown;
  } finally {
    lines.close();
  }
}
