import type { ServedCommand } from '../../config/config.ts';
import { messageOf } from '../../errors.ts';
import { runCommand } from '../../platform/run-command.ts';
import { shortened } from '../../text/shortened.ts';
import { oneLine } from '../../text/plain-text.ts';

/** However many ask, a command is started so long after its last end. */
const keptMs = 2_000;
const mostOutput = 64 * 1024;
const mostWords = 300;

/** The end of a command: what it printed, or what is wrong in a line. */
export interface CommandAnswer {
  readonly stdout: string;
  /** null: its exit status was 0. */
  readonly fault: string | null;
}

/**
 * Returns a function that runs a command of `<serve>` for all who ask while it runs or shortly after. The signal ends
 * it. Never throws.
 */
export function ownCommand({ command, timeoutMs }: ServedCommand, signal: AbortSignal): () => Promise<CommandAnswer> {
  let asked: Promise<CommandAnswer> | null = null;
  /** null: the command runs. */
  let endedAtMs: number | null = null;
  const run = async (): Promise<CommandAnswer> => {
    try {
      const { status, stdout, stderr, isLate } = await runCommand({ command, timeoutMs, signal, mostOutput });
      if (status === 0) return { stdout, fault: null };
      if (isLate) return { stdout, fault: `the command did not end within ${timeoutMs / 1000} s` };
      const output = [stdout, stderr].map((text) => text.split('\n', 1)[0] ?? '').find((line) => line.trim() !== '');
      return { stdout, fault: shortened(oneLine(output ?? `exit status ${status ?? 'of a signal'}`), mostWords) };
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
