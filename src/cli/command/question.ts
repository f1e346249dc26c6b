import { createInterface } from 'node:readline/promises';

import type { FleetError } from '../../platform/errors/errors.ts';
import type { Context } from './context.ts';

/** Opens the terminal for questions. */
export function openQuestions(signal: AbortSignal) {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  // readline takes Ctrl-C for a key press; the process still gets its usual signal.
  lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  const ended = new Promise<null>((resolve) => lines.once('close', () => resolve(null)));
  return {
    /** Returns the answer, or null at the end of input. Throws the signal's reason. */
    ask: async (question: string): Promise<string | null> => {
      try {
        // `ended` stands first: it wins the race if the input ended before the question.
        const answer = await Promise.race([ended, lines.question(question, { signal })]);
        signal.throwIfAborted();
        return answer;
      } catch (thrown) {
        // An aborted question rejects with readline's own error.
        signal.throwIfAborted();
        throw thrown;
      }
    },
    close: (): void => lines.close(),
  };
}

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
  const questions = openQuestions(signal);
  try {
    return /^y(es)?$/i.test((await questions.ask(`${question} [y/N] `))?.trim() ?? '');
  } finally {
    questions.close();
  }
}
