import path from 'node:path';

import { parseEvery } from '../../agent-program/every-bounds.ts';
import { keptStatus, reloadMode, runningMode, stopMode } from '../../agent-program/control.ts';
import { modeNamed } from '../../agent-program/modes.ts';
import { readSettings } from '../../agent-program/settings.ts';
import { namedStateDirectory } from '../../agent-program/settings-files.ts';
import { startInBackground } from '../../agent-program/start-mode.ts';
import { openStatePlace } from '../../agent-program/state-place.ts';
import { modeOf, serverOf } from './run.ts';
import type { Context, ExitStatus } from '../command/context.ts';

interface ControlOptions {
  readonly mode: string;
  readonly format: 'pattoo' | null;
  readonly force: boolean;
}

export interface StartOptions {
  readonly mode: string;
  readonly send: boolean;
  readonly every: string | null;
  readonly format: 'pattoo' | null;
  readonly to: string | null;
}

/** Prints what was done, unless the command is quiet. */
function say({ verbosity, print }: Context['output'], text: string): void {
  if (verbosity !== 'quiet') print(text);
}

/** Starts a mode in the background. Prints the process id and succeeds if the mode runs already. */
export async function startCommand(context: Context, options: StartOptions): Promise<ExitStatus> {
  const { send, every, to } = options;
  const mode = modeOf(options);
  // Faults are reported here: the process in the background has no terminal.
  if (to !== null) serverOf(to);
  if (every !== null) parseEvery(every);
  const place = checkedPlace(context, mode);
  const { output, configFile } = context;
  const saysRunning = async (): Promise<boolean> => {
    const running = await runningMode(place, mode);
    if (running !== null) say(output, `${mode} is running already (pid ${running.pid}).`);
    return running !== null;
  };
  if (await saysRunning()) return 0;
  const config = configFile === null ? [] : ['-c', path.resolve(configFile)];
  const [node = '', script = ''] = process.argv;
  const more = [
    ...(send ? ['--send'] : []),
    ...(every === null ? [] : ['--every', every]),
    ...(to === null ? [] : ['--to', to]),
  ];
  try {
    await startInBackground(mode, {
      program: [node, ...process.execArgv, script],
      args: [...config, 'run', mode, ...more],
    });
  } catch (thrown) {
    // Another start at the same time may have been first.
    if (await saysRunning()) return 0;
    throw thrown;
  }
  const pid = (await runningMode(place, mode))?.pid;
  say(output, `${mode} is running${pid === undefined ? '' : ` (pid ${pid})`}.`);
  return 0;
}

export async function stopCommand(context: Context, { force, ...options }: ControlOptions): Promise<ExitStatus> {
  const mode = modeOf(options);
  const pid = await stopMode(placeOf(context, mode), mode, force);
  say(context.output, pid === null ? `${mode} is not running.` : `${mode} has ended (pid ${pid}).`);
  return 0;
}

export async function restartCommand(context: Context, options: ControlOptions & StartOptions): Promise<ExitStatus> {
  const mode = modeOf(options);
  await stopMode(checkedPlace(context, mode), mode, options.force);
  return await startCommand(context, options);
}

/** Makes a mode read agent.json again. The exit status is 3 if the mode is not running. */
export async function reloadCommand(context: Context, { mode }: Pick<ControlOptions, 'mode'>): Promise<ExitStatus> {
  const pid = await reloadMode(placeOf(context, mode), mode);
  if (pid === null) context.output.print(`${mode} is not running.`);
  else say(context.output, `${mode} reads agent.json again (pid ${pid}).`);
  return pid === null ? 3 : 0;
}

/** Prints the state of a mode. The exit status is 3, as in the LSB, if the mode is not running. */
export async function statusCommand(
  context: Context,
  options: Pick<ControlOptions, 'mode' | 'format'>,
): Promise<ExitStatus> {
  const mode = modeOf(options);
  const place = placeOf(context, mode);
  const { output } = context;
  const holder = await runningMode(place, mode);
  const { lastReportAtMs, queue } = keptStatus(place, mode);
  const time = (ms: number | null | undefined): string | null => (ms ? new Date(ms).toISOString() : null);
  const facts = {
    mode,
    running: holder !== null,
    pid: holder?.pid ?? null,
    since: time(holder?.startedAtMs),
    last_report_at: time(lastReportAtMs),
    queue,
  };
  const { since, last_report_at: last } = facts;
  if (output.json) output.printJson(facts);
  else if (holder === null) output.print(`${mode} is not running; last report ${last ?? '-'}, queue ${queue ?? '-'}`);
  else
    output.print(
      `${mode} is running: pid ${holder.pid}, since ${since ?? '-'}, last report ${last ?? '-'}, queue ${queue ?? '-'}`,
    );
  return holder === null ? 3 : 0;
}

/** Returns the state folder. Throws FleetError for faults of agent.json, before `restart` ends a mode. */
function checkedPlace(context: Context, mode: string): string {
  modeNamed(mode);
  return openStatePlace(readSettings(context.configFile).stateDirectory);
}

/** Returns the state folder, also if agent.json has faults by now: a running mode can still be inspected and ended. */
function placeOf(context: Context, mode: string): string {
  modeNamed(mode);
  return openStatePlace(namedStateDirectory(context.configFile));
}
