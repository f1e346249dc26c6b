import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

import { agentProgram, program } from '../support/programs/run-cli.ts';
import { agentFileOf, binOf } from './fault-pipe.ts';
import type { FaultSite } from './fault-site.ts';
import { hookEnvironment, type KillPlan } from './kill-plan.ts';

export type Command = 'collect' | 'ingest' | 'alert' | 'serve' | 'push' | 'spoke';

/** The start of a command; for `push` and `spoke` with the client. */
export interface Start {
  readonly command: Command;
  readonly client?: string;
  readonly plan: KillPlan | null;
}

export interface RunningProgram {
  readonly command: Command;
  readonly pid: number;
  readonly isAlive: () => boolean;
  kill(signal?: NodeJS.Signals): boolean;
  /** Resolves when the program's output matches, or when the program has ended. */
  said(pattern: RegExp): Promise<void>;
  readonly ended: Promise<Ended>;
}

export interface Ended {
  readonly command: Command;
  /** The exit status; null if a signal ended the program. */
  readonly status: number | null;
  readonly signal: string | null;
  readonly said: string;
  /** True if the program did not end within the time limit of all programs. */
  readonly hung: boolean;
}

const longestMs = 90_000;

/** Starts the built program as cron would, with the hook in it. */
export function startProgram(site: FaultSite, { command, client = '', plan }: Start): RunningProgram {
  const child = spawn(process.execPath, ['--require', site.programs.hook, ...argsOf(site, command, client)], {
    cwd: site.dir,
    env: {
      PATH: `${binOf(site.dir)}:${path.dirname(process.execPath)}:/usr/bin:/bin`,
      [hookEnvironment.dir]: site.hookDir,
      [hookEnvironment.client]: client,
      [hookEnvironment.plan]: plan === null ? '' : JSON.stringify(plan),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(0, 8000)));
  }
  let hung = false;
  const timer = setTimeout(() => {
    hung = true;
    child.kill('SIGKILL');
  }, longestMs);
  const isAlive = (): boolean => child.exitCode === null && child.signalCode === null;
  return {
    command,
    pid: child.pid ?? 0,
    isAlive,
    kill: (signal = 'SIGKILL') => isAlive() && child.kill(signal),
    said: (pattern) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!pattern.test(said) && isAlive()) return;
          child.stdout.removeListener('data', look);
          child.removeListener('exit', look);
          resolve();
        };
        child.stdout.on('data', look);
        child.once('exit', look);
        look();
      }),
    ended: once(child, 'exit').then(([status, signal]) => {
      clearTimeout(timer);
      return { command, status: status as number | null, signal: signal as string | null, said, hung };
    }),
  };
}

function argsOf(site: FaultSite, command: Command, client: string): readonly string[] {
  if (command === 'push') return [agentProgram, '-c', agentFileOf(site.dir, client), '-q', 'push', '--once'];
  if (command === 'spoke') return [agentProgram, '-c', agentFileOf(site.dir, client), 'spoke'];
  // `serve` and `spoke` log that they listen.
  return [program, '-c', site.configOf(command), ...(command === 'serve' ? [] : ['-q']), command];
}
