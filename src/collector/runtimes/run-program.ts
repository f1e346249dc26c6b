import { spawn } from 'node:child_process';

import { environmentForPrograms } from '../../config/secret.ts';
import { errnoOf, messageOf } from '../../errors.ts';
import { signalGroup } from '../../platform/kill-group.ts';

export interface ProgramOptions {
  readonly program: string;
  readonly args: readonly string[];
  /** File descriptors. Default: empty stdin; stdout is returned. */
  readonly stdin?: number;
  readonly stdout?: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface ProgramResult {
  /** `missing`: there is no such program; `denied`: it may not be run; `late`: killed at the deadline. */
  readonly outcome: 'ended' | 'missing' | 'denied' | 'late';
  /** The exit status; null if a signal ended the program. */
  readonly status: number | null;
  /** The beginning of its output. */
  readonly stdout: string;
  readonly stderr: string;
}

const maxOutputChars = 64 * 1024;

/**
 * Runs a program of this machine, without a shell, to its end. Kills it and its children at the deadline and when the
 * signal is aborted. Throws the signal's reason.
 */
export async function runProgram(options: ProgramOptions): Promise<ProgramResult> {
  const { program, args, signal } = options;
  signal.throwIfAborted();
  const child = spawn(program, args, {
    stdio: [options.stdin ?? 'ignore', options.stdout ?? 'pipe', 'pipe'],
    env: options.env ?? environmentForPrograms(),
    detached: true,
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      if (output[name].length < maxOutputChars) output[name] += text;
    });
  }
  const late = AbortSignal.timeout(options.timeoutMs);
  const limit = AbortSignal.any([signal, late]);
  // The children of an ended program may still run and hold its output.
  const kill = (): void => void signalGroup(child, 'SIGKILL');
  limit.addEventListener('abort', kill, { once: true });
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    signal.throwIfAborted();
    return { outcome: late.aborted ? 'late' : 'ended', status, ...output };
  } catch (thrown) {
    const errno = errnoOf(thrown);
    if (errno !== 'ENOENT' && errno !== 'EACCES') throw thrown;
    return { outcome: errno === 'ENOENT' ? 'missing' : 'denied', status: null, stdout: '', stderr: messageOf(thrown) };
  } finally {
    limit.removeEventListener('abort', kill);
  }
}
