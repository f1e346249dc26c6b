/**
 * The run of one command line of either program: a command ends with one line for a person and a known exit status for
 * a machine.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { packageDir } from '../../state/paths.ts';
import { createOutput, type Output } from '../terminal/output.ts';
import { flush, heedSignals, surviveClosedPipes } from '../terminal/streams-and-signals.ts';
import { complain, errorDocument } from './complain.ts';
import type { ExitStatus } from './context.ts';
import { Command, commandLineError, CommanderError, Option, type Action } from './define-command.ts';

export interface GlobalOptions {
  readonly config?: string;
  readonly json?: true;
  readonly verbose?: true;
  readonly quiet?: true;
}

/** A function that performs the action of a command line. */
export type Perform = (globals: GlobalOptions, action: Action) => Promise<void>;

/** Runs one command line (without node and script) and ends the process with its exit status. */
export async function runProgram(args: readonly string[], createProgram: (perform: Perform) => Command): Promise<void> {
  // With any umask: nobody else may write the files that are made here, and this account can use them.
  const given = process.umask(0o077);
  process.umask((given & 0o077) | 0o022);
  const status = await run(args, createProgram);
  // Open handles (a socket that does not close) must not keep a finished command alive.
  await Promise.all([flush(process.stdout), flush(process.stderr)]);
  process.exit(status);
}

async function run(args: readonly string[], createProgram: (perform: Perform) => Command): Promise<ExitStatus> {
  let status: ExitStatus = 0;
  const abort = new AbortController();
  surviveClosedPipes();
  const program = createProgram(async (globals, action) => {
    const output = outputFor(globals, program);
    heedSignals(abort);
    try {
      status = await action({ output, configFile: globals.config ?? null, signal: abort.signal });
    } catch (thrown) {
      status = complain(output, thrown);
    }
  });
  process.on('uncaughtException', (thrown) => {
    process.exit(complain(outputFor(guessGlobals(args), program), thrown));
  });
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
    const output = outputFor(guessGlobals(args), program);
    if (thrown instanceof CommanderError && thrown.code === 'commander.help') {
      // The help on stderr lists the commands already.
      if (output.json) output.printJson(errorDocument(commandLineError('a command is missing', program, args)));
      return 2;
    }
    const isUsage = thrown instanceof CommanderError;
    return complain(output, isUsage ? commandLineError(thrown.message, program, args) : thrown);
  }
  return status;
}

/** Returns a program with the options that both programs have, and no command yet. */
export function emptyProgram(name: string, description: string, configHelp: string): Command {
  return new Command(name)
    .description(description)
    .version(readVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .option('-c, --config <file>', configHelp)
    .option('--json', 'print one JSON document instead of text')
    .addOption(new Option('-v, --verbose', 'say more; show where an error came from').conflicts('quiet'))
    .option('-q, --quiet', 'say nothing but what prevented the run')
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
}

function outputFor(globals: GlobalOptions, program: Command): Output {
  const verbosity = globals.quiet ? 'quiet' : globals.verbose ? 'verbose' : 'normal';
  const { stdout, stderr } = process;
  return createOutput({ program: program.name(), json: globals.json ?? false, verbosity, stdout, stderr });
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
