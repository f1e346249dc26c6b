/** Commands on a terminal, provided by script(1) of util-linux. */
import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { minuteMs } from '../../../src/platform/units.ts';
import { program } from './run-cli.ts';

const hasScript = spawnSync('script', ['--version']).status === 0;
if (!hasScript && process.env['CI']) throw new Error('script (util-linux) is not installed');
/** The option `skip` of a test that needs a terminal. */
export const withoutTerminal = hasScript ? false : 'script (util-linux) is not installed';

export interface TerminalOptions {
  readonly cwd?: string;
  /** Variables in addition to PATH and TERM=xterm. */
  readonly env?: Readonly<Record<string, string>>;
  readonly columns?: number;
  /** Text after the command in the shell's line. */
  readonly into?: string;
  /** Keys typed before the command reads anything. */
  readonly typed?: string;
  /** Called with the whole screen whenever it has more text. `type` presses keys. */
  readonly onScreen?: (screen: string, type: (keys: string) => void) => void;
}

/** The mark at the end of a command's output. The command cannot know it. */
const end = `end-${randomUUID()}`;

/**
 * Returns the shell's text. The terminal stays open until its output was read. script(1) waits only 10 ms for the last
 * output of a process that has ended, which is too short on a busy machine.
 */
function shellText(args: readonly string[], { columns = 80, into = '' }: TerminalOptions): string {
  const words = [process.execPath, program, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  return `trap : INT; stty cols ${columns} rows 50; ${words.join(' ')} ${into}
status=$?; printf %s ${end}; stty -echo; until read -r line && [ "$line" = read ]; do :; done; exit $status`;
}

/** Runs the program on a terminal. Returns its exit status and its output there. */
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
