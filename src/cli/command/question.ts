import { createInterface } from 'node:readline/promises';

import type { Context } from './context.ts';

/** Whether somebody can be asked: both the question and the answer need a terminal. */
export function canAsk({ output }: Context): boolean {
  return output.terminal && !output.json && process.stdin.isTTY;
}

/** Asks on the terminal. Anything but y or yes, the end of input included, is a no. Throws the signal's reason. */
export async function confirm(question: string, signal: AbortSignal): Promise<boolean> {
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
