import { type ChildProcess, spawn } from 'node:child_process';

import { signalGroup } from './child-process.ts';
import { withDeadline } from './deadline.ts';

/** A command that is started without a shell. */
export interface CommandRun {
  readonly command: string;
  /** Default: none, as for the commands of config.xml. */
  readonly args?: readonly string[];
  /** Default: that of the commands of config.xml. */
  readonly env?: NodeJS.ProcessEnv;
  /** The text on stdin. Default: nothing. */
  readonly input?: string;
  /** A file descriptor for stdout, or `ignore`. Default: stdout is returned. */
  readonly stdout?: number | 'ignore';
  /** True to wait until no process holds the output, not only for the exit. Default: false. */
  readonly waitsForOutput?: boolean;
  /** The time after which the command is killed with its children. An abort of the signal kills them too. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** The most characters that are kept of each output. */
  readonly maxOutput: number;
}

export interface CommandOutcome {
  /** The exit status; null if a signal ended the command. */
  readonly status: number | null;
  readonly killedBy: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** True if the command was killed because its time was over. */
  readonly isLate: boolean;
}

/** The variables that a command inherits. Passwords of other programs are not among them. */
const passedOn = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ'] as const;
/** The time to wait for output after the exit: a process that the command left running may hold it open. */
const lastWordsMs = 500;

/** Returns the environment of commands of config.xml. */
export function commandEnvironment(): Readonly<Record<string, string>> {
  const inherited = passedOn.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { PATH: '/usr/bin:/bin', ...Object.fromEntries(inherited) };
}

/** Runs a command to its end. Throws the error of its start, and the reason of the signal. */
export async function runCommand(options: CommandRun): Promise<CommandOutcome> {
  const { command, args = [], input = '', timeoutMs, signal, maxOutput, waitsForOutput = false } = options;
  signal.throwIfAborted();
  const child: ChildProcess = spawn(command, args, {
    // A process group of its own, so that the deadline also ends the children of the command.
    detached: true,
    stdio: ['pipe', options.stdout ?? 'pipe', 'pipe'],
    env: options.env ?? commandEnvironment(),
  });
  const ended = endOf(child, waitsForOutput);
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      if (texts[name].length < maxOutput) texts[name] = (texts[name] + text).slice(0, maxOutput);
    });
  }
  // Only the status counts for a command that ends without reading its input.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  const late = new Error('the command took too long');
  try {
    const end = await withDeadline({ timeoutMs, signal, late: () => late }, () => ended);
    return { ...end, ...texts, isLate: false };
  } catch (thrown) {
    signalGroup(child, 'SIGKILL');
    if (thrown !== late) throw thrown;
    return { status: null, killedBy: null, ...texts, isLate: true };
  } finally {
    child.stdout?.destroy();
    child.stderr?.destroy();
  }
}

/** Resolves at the end of a child and of its output. Rejects if the child cannot be started. */
function endOf(child: ChildProcess, waitsForOutput: boolean): Promise<Pick<CommandOutcome, 'status' | 'killedBy'>> {
  return new Promise((resolve, reject) => {
    // Without free file descriptors spawn returns a child without streams, and reports this by the event alone.
    child.once('error', reject);
    const end = (status: number | null, killedBy: NodeJS.Signals | null): void => resolve({ status, killedBy });
    child.once('close', end);
    child.once('exit', (status, killedBy) => {
      if (waitsForOutput) return;
      const last = setTimeout(() => end(status, killedBy), lastWordsMs);
      child.once('close', () => clearTimeout(last));
    });
  });
}
