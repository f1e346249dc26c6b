/**
 * The run of one command line of either program: a command ends with one line for a person and a known exit status for
 * a machine.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { escapeControls } from '../../platform/errors/log.ts';
import { packageDir } from '../../state-folder/paths.ts';
import { settleTz } from '../../text/server-zone.ts';
import { createOutput, type Output } from '../terminal/output.ts';
import { flush, heedSignals, surviveUnwritableOutput } from '../terminal/streams-and-signals.ts';
import { complain, errorDocument } from './complain.ts';
import type { ExitStatus } from './context.ts';
import { Command, commandLineError, CommanderError, notEmpty, Option, type Action } from './define-command.ts';

interface GlobalOptions {
  readonly config?: string;
  readonly json?: true;
  readonly verbose?: true;
  readonly quiet?: true;
}

/** A function that performs the action of a command line. */
export type Perform = (globals: GlobalOptions, action: Action) => Promise<void>;

/** The surroundings of a command line. */
interface CommandLinePlace {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Prepares for the action, which is about to begin. Returns the signal that aborts the action. */
  begin(): AbortSignal;
}

/** Runs one command line (without node and script) and ends the process with its exit status. */
export async function runProgram(args: readonly string[], createProgram: (perform: Perform) => Command): Promise<void> {
  // With any umask: nobody else may write the files that are made here, and this account can use them.
  const given = process.umask(0o077);
  process.umask((given & 0o077) | 0o022);
  const unwritable = surviveUnwritableOutput();
  const { stdout, stderr } = process;
  const abort = new AbortController();
  const begin = (): AbortSignal => {
    heedSignals(abort);
    return abort.signal;
  };
  const line = createCommandLine(args, createProgram, { stdout, stderr, begin });
  process.on('uncaughtException', (thrown) => {
    process.exit(line.complain(thrown));
  });
  const status = await line.run();
  // Open handles (a socket that does not close) must not keep a finished command alive.
  await Promise.all([flush(stdout), flush(stderr)]);
  const fault = unwritable();
  if (fault === null) process.exit(status);
  const ownStatus = line.complain(fault);
  await flush(stderr);
  process.exit(Math.max(status, ownStatus));
}

/** A command line that is ready to run. */
interface CommandLine {
  /** Runs the command line. Returns its exit status. */
  run(): Promise<ExitStatus>;
  /** Prints an error that the run did not catch. Returns the exit status. */
  complain(thrown: unknown): ExitStatus;
}

/** Creates a command line (without node and script) of a program. */
export function createCommandLine(
  args: readonly string[],
  createProgram: (perform: Perform) => Command,
  place: CommandLinePlace,
): CommandLine {
  let status: ExitStatus = 0;
  const program = createProgram(async (globals, action) => {
    const output = outputFor(globals);
    const signal = place.begin();
    const zone = settleTz(process.env);
    if (zone !== null && !globals.quiet) output.complain(await zoneWarning(zone));
    try {
      status = await action({ output, configFile: globals.config ?? null, signal });
    } catch (thrown) {
      status = complain(output, thrown);
    }
  });
  const outputFor = (globals: GlobalOptions): Output => {
    const verbosity = globals.quiet ? 'quiet' : globals.verbose ? 'verbose' : 'normal';
    const { stdout, stderr } = place;
    return createOutput({ program: program.name(), json: globals.json ?? false, verbosity, stdout, stderr });
  };
  const run = async (): Promise<ExitStatus> => {
    try {
      await program.parseAsync(args, { from: 'user' });
    } catch (thrown) {
      if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
      const output = outputFor(guessGlobals(args));
      if (thrown instanceof CommanderError && thrown.code === 'commander.help') {
        // The help on stderr lists the commands already.
        if (output.json) output.printJson(errorDocument(commandLineError('a command is missing', program, args)));
        return 2;
      }
      const isUsage = thrown instanceof CommanderError;
      return complain(output, isUsage ? commandLineError(thrown.message, program, args) : thrown);
    }
    return status;
  };
  return { run, complain: (thrown) => complain(outputFor(guessGlobals(args)), thrown) };
}

/** Returns a line about a TZ that is no zone. */
async function zoneWarning(zone: string): Promise<string> {
  const near = (await import('../../config/values/calendar.ts')).nearestZone(zone);
  const meant = near === null ? '' : ` Did you mean ${near}?`;
  return `TZ=${escapeControls(zone)} is no zone that Node.js knows, so times are in UTC.${meant}`;
}

/** Returns the columns in which help is wrapped: 80, as manual pages are, and fewer on a narrower terminal. */
function helpWidth(): number {
  return Math.min(80, process.stdout.isTTY ? process.stdout.columns : 80);
}

/** Returns a program with the options that both programs have, and no command yet. */
export function emptyProgram(name: string, description: string, configHelp: string): Command {
  return new Command(name)
    .description(description)
    .version(readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addOption(new Option('-c, --config <file>', configHelp).argParser(notEmpty))
    .option('--json', 'print one JSON document instead of text')
    .addOption(new Option('-v, --verbose', 'print more, and the origin of errors').conflicts('quiet'))
    .option('-q, --quiet', 'print only answers, and faults that prevented the run')
    .exitOverride()
    .configureHelp({ minWidthToWrap: 25 })
    .configureOutput({ outputError: () => undefined, getOutHelpWidth: helpWidth, getErrHelpWidth: helpWidth });
}

/** Returns the options that decide how to print an error, from a command line that could not be parsed. */
function guessGlobals(args: readonly string[]): GlobalOptions {
  return {
    ...(args.includes('--json') ? { json: true } : {}),
    ...(args.includes('-v') || args.includes('--verbose') ? { verbose: true } : {}),
  };
}

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(path.join(packageDir, 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}
