/** Commands on a terminal, which script(1) of util-linux gives them. */
import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { minuteMs } from '../../src/platform/units.ts';
import { program } from './run-cli.ts';

const hasScript = spawnSync('script', ['--version']).status === 0;
if (!hasScript && process.env['CI']) throw new Error('script (util-linux) is not installed');
/** The option `skip` of a test that needs a terminal. */
export const withoutTerminal = hasScript ? false : 'script (util-linux) is not installed';

export interface TerminalOptions {
  readonly cwd?: string;
  /** Beside PATH and TERM=xterm. */
  readonly env?: Readonly<Record<string, string>>;
  readonly columns?: number;
  /** Follows the command in the shell's line. */
  readonly into?: string;
  /** Typed before the command reads anything. */
  readonly typed?: string;
  /** Called with all that stands there whenever there is more; `type` presses keys. */
  readonly onScreen?: (screen: string, type: (keys: string) => void) => void;
}

/** Stands behind what a command wrote, which cannot know it. */
const end = `end-${randomUUID()}`;

/**
 * The shell's text. The terminal stays open until what stands on it was read: script(1) waits just 10 ms for what a
 * process that has ended left in its terminal, which on a busy machine is not enough.
 */
function shellText(args: readonly string[], { columns = 80, into = '' }: TerminalOptions): string {
  const words = [process.execPath, program, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  return `trap : INT; stty cols ${columns} rows 50; ${words.join(' ')} ${into}
status=$?; printf %s ${end}; stty -echo; until read -r line && [ "$line" = read ]; do :; done; exit $status`;
}

/** Runs the program on a terminal. Returns its exit status and what it wrote there. */
export async function onTerminal(
  args: readonly string[],
  options: TerminalOptions = {},
): Promise<{ readonly status: number | null; readonly screen: string }> {
  const { cwd = tmpdir(), env, typed, onScreen } = options;
  const child = spawn('script', ['-qec', shellText(args, options), '/dev/null'], {
    cwd,
    env: { PATH: `${path.dirname(process.execPath)}:/usr/bin:/bin`, TERM: 'xterm', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
    signal: AbortSignal.timeout(minuteMs * 5),
  });
  const type = (keys: string): void => void child.stdin.write(keys);
  if (typed !== undefined) type(typed);
  let screen = '';
  let hasEnded = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (hasEnded) return;
    screen += text;
    const endsAt = screen.indexOf(end);
    hasEnded = endsAt !== -1;
    if (hasEnded) screen = screen.slice(0, endsAt);
    else onScreen?.(screen, type);
    if (hasEnded) type('read\n');
  });
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, screen };
}
