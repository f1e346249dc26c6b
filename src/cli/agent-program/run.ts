import { closeSync, writeSync } from 'node:fs';

import { parseEvery } from '../../agent-program/every-bounds.ts';
import { pattooUrl } from '../../agent-program/push/post-pattoo.ts';
import { logFileOf, openLogFile } from '../../agent-program/log-file.ts';
import { runMode, type RunModeOptions } from '../../agent-program/run-mode.ts';
import { readSettings } from '../../agent-program/settings.ts';
import { readyDescriptor, readyWord } from '../../agent-program/start-mode.ts';
import { type FleetError, messageOf, usageError } from '../../platform/errors/errors.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { createOutputLog, type Output } from '../terminal/output.ts';

const terminalSignals = ['SIGINT', 'SIGQUIT', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU'] as const;

export interface RunOptions {
  readonly mode: string;
  readonly send: boolean;
  readonly inBackground: boolean;
  /** null: the interval of agent.json. */
  readonly every?: string | null;
  readonly format?: 'pattoo' | null;
  /** The server of pattoo; null: that of agent.json. */
  readonly to?: string | null;
}

/** Runs a mode in the foreground, or as the process that `start` has put into the background. */
export async function runCommand(context: Context, options: RunOptions): Promise<ExitStatus> {
  const { send, inBackground, every = null, to = null } = options;
  const mode = modeOf(options);
  const everyMs = every === null ? null : parseEvery(every);
  const server = to === null ? null : serverOf(to);
  const { configFile, output, signal } = context;
  const run = (onReady: () => void): Promise<void> =>
    runMode({ mode, configFile, signal, send, everyMs, to: server, log: logOf(output, mode, configFile), onReady });
  if (!inBackground) {
    await run(() => undefined);
    return 0;
  }
  process.umask(0o077);
  for (const name of terminalSignals) process.removeAllListeners(name).on(name, () => undefined);
  let isReported = false;
  const writeLine = (text: string): void => {
    if (isReported) return;
    isReported = true;
    // The process that started this one may have ended.
    try {
      writeSync(readyDescriptor, `${text}\n`);
      closeSync(readyDescriptor);
    } catch {
      return;
    }
  };
  try {
    await run(() => writeLine(readyWord));
    return 0;
  } catch (thrown) {
    writeLine(messageOf(thrown));
    throw thrown;
  }
}

/** Returns the mode, which is `pattoo` for `push --format pattoo`. Throws a usage error for other modes with these. */
export function modeOf({ mode, format = null, to = null }: Pick<RunOptions, 'mode' | 'format' | 'to'>): string {
  const isPattoo = format === 'pattoo' && ['push', 'pattoo'].includes(mode);
  if (format !== null && !isPattoo) throw usageError(`--format ${format} is for push`, 'Leave it out.');
  if (to !== null && !isPattoo && mode !== 'pattoo') throw pattooUsage();
  return isPattoo ? 'pattoo' : mode;
}

/** Parses the URL of a server of pattoo. Throws a usage error for other texts. */
export function serverOf(to: string | null): URL {
  const url = pattooUrl(to);
  if (url === null) throw pattooUsage();
  return url;
}

/** Returns the usage error of `--format` and `--to` that do not fit. */
function pattooUsage(): FleetError {
  return usageError(
    '--format pattoo needs --to with a URL of https or http without a login, and --to the format',
    'Write it like --format pattoo --to https://pattoo.example.org/pattoo/api/v1/agent',
  );
}

/** Returns the log of a mode: its file if agent.json names a folder, else standard output. */
function logOf(output: Output, mode: string, configFile: string | null): RunModeOptions['log'] {
  const { logDirectory } = readSettings(configFile);
  if (logDirectory === null) return { ...createOutputLog(output), reopen: () => undefined };
  const { write, reopen } = openLogFile(logFileOf(logDirectory, mode));
  return { ...createOutputLog({ ...output, print: write, complain: write }), reopen };
}
