import { closeSync, writeSync } from 'node:fs';

import { logFileOf, openLogFile } from '../../agent-program/log-file.ts';
import { runMode, type RunModeOptions } from '../../agent-program/run-mode.ts';
import { readSettings } from '../../agent-program/settings.ts';
import { readyDescriptor, readyWord } from '../../agent-program/start-mode.ts';
import { messageOf } from '../../errors.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { createOutputLog, type Output } from '../terminal/output.ts';

const terminalSignals = ['SIGINT', 'SIGQUIT', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU'] as const;

export interface RunOptions {
  readonly mode: string;
  readonly send: boolean;
  readonly inBackground: boolean;
  /** Default: the interval of agent.json. */
  readonly everyMs?: number;
}

/** Runs a mode in the foreground, or as the process that `start` has put into the background. */
export async function runCommand(context: Context, options: RunOptions): Promise<ExitStatus> {
  const { mode, send, inBackground, everyMs = null } = options;
  const { configFile, output, signal } = context;
  const run = (onReady: () => void): Promise<void> =>
    runMode({ mode, configFile, signal, send, everyMs, log: logOf(output, mode, configFile), onReady });
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

/** Returns the log of a mode: its file if agent.json names a folder, else standard output. */
function logOf(output: Output, mode: string, configFile: string | null): RunModeOptions['log'] {
  const { logDirectory } = readSettings(configFile);
  if (logDirectory === null) return { ...createOutputLog(output), reopen: () => undefined };
  const { write, reopen } = openLogFile(logFileOf(logDirectory, mode));
  return { ...createOutputLog({ ...output, print: write, complain: write }), reopen };
}
