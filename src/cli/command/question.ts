import { createInterface } from 'node:readline/promises';

import type { FleetError } from '../../errors.ts';
import type { Context } from './context.ts';

/**
 * Asks on the terminal. Anything but y or yes, the end of input included, is a no. Throws the signal's reason, and
 * `unasked` if the question or the answer has no terminal.
 */
export async function confirm(
  { output, signal }: Context,
  question: string,
  unasked: () => FleetError,
): Promise<boolean> {
  if (!output.terminal || output.json || !process.stdin.isTTY) throw unasked();
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  // Ctrl-C comes as a key press while the terminal is read by readline; it is to mean what it always means.
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
