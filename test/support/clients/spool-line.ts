/** The crontab line of `fleet-health spool`, run as cron runs it. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';

import { spoolLine } from '../../../src/transport/loader/spool-line.ts';
import { ownCollector } from './agent-visit.ts';

/** Returns the command of a line of crontab(5), as cron passes it to a shell. */
export function commandOfLine(line: string): string {
  const command = /^(?:\S+ ){5}(.*)$/.exec(line)?.[1] ?? '';
  if (/%/.test(command)) throw new Error('cron takes a % for a line break');
  return command;
}

/** Returns the line for client web-1 of the collector of test/support/clients/agent-visit.ts. */
export function lineFor({ client = 'web-1', collectorId = ownCollector, pauseSeconds = 0 } = {}): string {
  const folder = createHash('sha256').update(client).digest('hex').slice(0, 32);
  return spoolLine({ collectorId, folder, schedule: '* * * * *', pauseSeconds });
}

export interface CronOptions {
  readonly home: string;
  readonly uid?: number;
  /** The words of the shell before the command. Default: /bin/sh. */
  readonly shell?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a line as cron does: in the account's home, with only HOME, LOGNAME, SHELL and a short PATH. */
export function runAsCron(
  line: string,
  options: CronOptions,
): { readonly status: number | null; readonly said: string } {
  const [program, args, more] = cronProcess(line, options);
  const { status, stdout, stderr } = spawnSync(program, args, { ...more, encoding: 'utf8' });
  return { status, said: stdout + stderr };
}

/** Does the same as runAsCron without waiting. */
export function startAsCron(line: string, options: CronOptions): ReturnType<typeof spawn> {
  const [program, args, more] = cronProcess(line, options);
  return spawn(program, args, { ...more, stdio: 'ignore' });
}

function cronProcess(
  line: string,
  { home, uid, shell, env }: CronOptions,
): [string, string[], { cwd: string; env: Record<string, string>; uid?: number; gid?: number }] {
  const [program = '/bin/sh', ...args] = shell ?? ['/bin/sh'];
  return [
    program,
    [...args, '-c', commandOfLine(line)],
    {
      cwd: home,
      env: { HOME: home, LOGNAME: 'x', SHELL: '/bin/sh', PATH: '/usr/bin:/bin', ...env },
      ...(uid === undefined ? {} : { uid, gid: uid }),
    },
  ];
}
