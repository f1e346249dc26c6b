import { type ChildProcess, spawn } from 'node:child_process';

import { signalGroup } from './kill-group.ts';

/** A command that is started without a shell. */
export interface CommandRun {
  readonly command: string;
  /** Default: none, as for the commands of config.xml. */
  readonly args?: readonly string[];
  /** Default: that of the commands of config.xml. */
  readonly env?: NodeJS.ProcessEnv;
  /** The text on stdin. Default: nothing. */
  readonly input?: string;
  /** A file descriptor for stdout. Default: stdout is returned. */
  readonly stdout?: number;
  /** True to wait until no process holds the output, not only for the exit. Default: false. */
  readonly waitsForOutput?: boolean;
  /** The time after which the command is killed with its children. An abort of the signal kills them too. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** The most characters that are kept of each output. */
  readonly mostOutput: number;
}

export interface CommandOutcome {
  /** The exit status; null if a signal ended the command. */
  readonly status: number | null;
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
  const { command, args = [], input = '', timeoutMs, signal, mostOutput } = options;
  signal.throwIfAborted();
  // A process group of its own, so that the deadline also ends the children of the command.
  const child: ChildProcess = spawn(command, args, {
    detached: true,
    stdio: ['pipe', options.stdout ?? 'pipe', 'pipe'],
    env: options.env ?? commandEnvironment(),
  });
  // Before everything else: without free file descriptors spawn returns a child without streams, and reports this by
  // the event.
  const failed = new Promise<never>((_resolve, reject) => child.once('error', reject));
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      if (texts[name].length < mostOutput) texts[name] = (texts[name] + text).slice(0, mostOutput);
    });
  }
  let isLate = false;
  const kill = (): void => void signalGroup(child, 'SIGKILL');
  const timer = setTimeout(() => {
    isLate = true;
    kill();
  }, timeoutMs);
  signal.addEventListener('abort', kill, { once: true });
  try {
    const ended = new Promise<number | null>((resolve) => {
      child.once('close', resolve);
      child.once('exit', (code) => {
        if (options.waitsForOutput === true) return;
        const last = setTimeout(() => resolve(code), lastWordsMs);
        child.once('close', () => clearTimeout(last));
      });
      // Only the status counts for a command that ends without reading its input.
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(input);
    });
    const status = await Promise.race([ended, failed]);
    signal.throwIfAborted();
    return { status, ...texts, isLate };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', kill);
    child.stdout?.destroy();
    child.stderr?.destroy();
  }
}
