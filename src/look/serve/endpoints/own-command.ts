import type { ServedCommand } from '../../../config/config.ts';
import { messageOf } from '../../../platform/errors/errors.ts';
import { runCommand } from '../../../platform/run-command.ts';
import { shortened } from '../../../text/shortened.ts';
import { oneLine } from '../../../text/plain-text.ts';

/** The time from the end of a command to its next start, however many requests there are. */
const keptMs = 2_000;
const maxOutput = 64 * 1024;
const maxWords = 300;

/** The result of a command: its output, or a line about its fault. */
export interface CommandAnswer {
  readonly stdout: string;
  /** The fault; null if the exit status was 0. */
  readonly fault: string | null;
}

/**
 * Returns a function that runs a command of `<serve>`. Requests during a run and shortly after share its result. The
 * signal ends the command. Never throws.
 */
export function ownCommand({ command, timeoutMs }: ServedCommand, signal: AbortSignal): () => Promise<CommandAnswer> {
  let asked: Promise<CommandAnswer> | null = null;
  /** The time at which the command ended; null while it runs. */
  let endedAtMs: number | null = null;
  const run = async (): Promise<CommandAnswer> => {
    try {
      const { status, stdout, stderr, isLate } = await runCommand({ command, timeoutMs, signal, maxOutput });
      if (status === 0) return { stdout, fault: null };
      if (isLate) return { stdout, fault: `the command did not end within ${timeoutMs / 1000} s` };
      const output = [stdout, stderr].map((text) => text.split('\n', 1)[0] ?? '').find((line) => line.trim() !== '');
      return { stdout, fault: shortened(oneLine(output ?? `exit status ${status ?? 'of a signal'}`), maxWords) };
    } catch (thrown) {
      return { stdout: '', fault: `the command cannot be started: ${messageOf(thrown)}` };
    }
  };
  return () => {
    if (asked !== null && (endedAtMs === null || performance.now() - endedAtMs < keptMs)) return asked;
    endedAtMs = null;
    asked = run().finally(() => (endedAtMs = performance.now()));
    return asked;
  };
}
