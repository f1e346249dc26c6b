/**
 * The command line: puts the commands of cli/ROOM/commands.ts together, and says how each ends. The module of a command
 * is loaded when it runs. A command ends with one line for a person and a known exit status for a machine; stderr stays
 * empty unless something prevented the run.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { ack, alert, alerts, digest, explain, forget, mail, silence, unack } from './cli/alerts/commands.ts';
import { check } from './cli/check/commands.ts';
import { authorize, cleanup, runtimes, spool } from './cli/clients/commands.ts';
import { complain, errorDocument } from './cli/command/complain.ts';
import type { ExitStatus } from './cli/command/context.ts';
import {
  addExample,
  Command,
  commandLineError,
  CommanderError,
  Option,
  type Action,
} from './cli/command/define-command.ts';
import { backup, migrate, prune } from './cli/database/commands.ts';
import { forecast, outliers, report, show } from './cli/look/commands.ts';
import { exportHistory, metrics } from './cli/metrics/commands.ts';
import { collect } from './cli/runs/commands.ts';
import { ingest, keys } from './cli/sealed/commands.ts';
import { serve, tokens } from './cli/serve/commands.ts';
import { status } from './cli/status/commands.ts';
import { createOutput, type Output } from './cli/terminal/output.ts';
import { flush, heedSignals, surviveClosedPipes } from './cli/terminal/streams-and-signals.ts';
import { trust } from './cli/trust/commands.ts';
import { demo, simulate } from './cli/try-out/commands.ts';
import { packageDir } from './state/paths.ts';

/** Every command, in the order of the help. */
const commands = [
  ...[
    collect,
    trust,
    status,
    show,
    forecast,
    outliers,
    report,
    metrics,
    exportHistory,
    serve,
    tokens,
    alert,
    alerts,
    explain,
    digest,
    ack,
    unack,
    silence,
    mail,
    forget,
    check,
    prune,
    ingest,
    keys,
  ],
  ...[runtimes, authorize, spool, cleanup, backup, migrate, demo, simulate],
];

interface GlobalOptions {
  readonly config?: string;
  readonly json?: true;
  readonly verbose?: true;
  readonly quiet?: true;
}

/** Runs one command line (without node and script) and ends the process with its exit status. */
export async function main(args: readonly string[]): Promise<void> {
  // Whatever it was: nobody else writes what is made here, and we can use it ourselves.
  const given = process.umask(0o077);
  process.umask((given & 0o077) | 0o022);
  const status = await run(args);
  // Open handles (a socket that does not close) must not keep a finished command alive.
  await Promise.all([flush(process.stdout), flush(process.stderr)]);
  process.exit(status);
}

async function run(args: readonly string[]): Promise<ExitStatus> {
  let status: ExitStatus = 0;
  const abort = new AbortController();
  surviveClosedPipes();
  process.on('uncaughtException', (thrown) => {
    process.exit(complain(outputFor(guessGlobals(args)), thrown));
  });
  const program = createProgram(async (globals, action) => {
    const output = outputFor(globals);
    heedSignals(abort);
    try {
      status = await action({ output, configFile: globals.config ?? null, signal: abort.signal });
    } catch (thrown) {
      status = complain(output, thrown);
    }
  });
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
    const output = outputFor(guessGlobals(args));
    if (thrown instanceof CommanderError && thrown.code === 'commander.help') {
      // The help that says which there are stands on stderr already.
      if (output.json) output.printJson(errorDocument(commandLineError('a command is missing', program, args)));
      return 2;
    }
    const isUsage = thrown instanceof CommanderError;
    return complain(output, isUsage ? commandLineError(thrown.message, program, args) : thrown);
  }
  return status;
}

/** All commands and their options; `perform` is given what a command line asks for. */
export function createProgram(perform: (globals: GlobalOptions, action: Action) => Promise<void>): Command {
  const program = new Command('fleet-health')
    .description('Watches a fleet over SSH, from cron, with nothing resident on the machines.')
    .version(readVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .option(
      '-c, --config <file>',
      'config.xml to use (default: $FLEET_HEALTH_CONFIG, ./config.xml, /etc/fleet-health/)',
    )
    .option('--json', 'print one JSON document instead of text')
    .addOption(new Option('-v, --verbose', 'say more; show where an error came from').conflicts('quiet'))
    .option('-q, --quiet', 'say nothing but what prevented the run')
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  addExample(program, 'fleet-health trust && fleet-health collect && fleet-health status');
  for (const add of commands) add(program, (action) => perform(program.opts(), action));
  return program;
}

function outputFor(globals: GlobalOptions): Output {
  const verbosity = globals.quiet ? 'quiet' : globals.verbose ? 'verbose' : 'normal';
  return createOutput({ json: globals.json ?? false, verbosity, stdout: process.stdout, stderr: process.stderr });
}

/** The options that matter for complaining, of a command line that could not be parsed. */
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
