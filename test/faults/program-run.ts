import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

import { program } from '../support/run-cli.ts';
import type { FaultSite } from './fault-site.ts';
import { hookEnvironment, type KillPlan } from './kill-plan.ts';

export type Command = 'collect' | 'ingest' | 'alert';

export interface RunningProgram {
  readonly command: Command;
  readonly pid: number;
  isAlive(): boolean;
  kill(): boolean;
  readonly ended: Promise<Ended>;
}

export interface Ended {
  readonly command: Command;
  /** null: a signal ended it. */
  readonly status: number | null;
  readonly signal: string | null;
  readonly said: string;
  /** It did not end by itself in the time that everything has. */
  readonly hung: boolean;
}

const longestMs = 90_000;

/** Starts the built program as cron would, with the hook in it. */
export function startProgram(site: FaultSite, command: Command, plan: KillPlan | null): RunningProgram {
  const args = ['--require', site.programs.hook, program, '-c', site.configOf(command), '-q', command];
  const child = spawn(process.execPath, args, {
    cwd: site.dir,
    env: {
      PATH: `${path.dirname(process.execPath)}:/usr/bin:/bin`,
      [hookEnvironment.dir]: site.hookDir,
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
    kill: () => isAlive() && child.kill('SIGKILL'),
    ended: once(child, 'exit').then(([status, signal]) => {
      clearTimeout(timer);
      return { command, status: status as number | null, signal: signal as string | null, said, hung };
    }),
  };
}
