/**
 * The command line: which commands and options there are, and how a command ends. What a command does stands in
 * cli/<command>.ts and is loaded when it runs. Promises: one line for a person and a known exit status for a machine
 * whatever happens; nothing on stderr unless something prevented the run.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { addAlerting } from './cli/alerts/alerting-commands.ts';
import { addAuthorize } from './cli/clients/authorize-command.ts';
import { addBackup } from './cli/database/backup-command.ts';
import { addCleanup } from './cli/clients/cleanup-command.ts';
import {
  Command,
  CommanderError,
  example,
  groupOption,
  Option,
  usageError,
  wholeNumber,
  type Action,
} from './cli/command/command-parts.ts';
import { complain, errorDocument } from './cli/command/complain.ts';
import type { ExitStatus } from './cli/command/context.ts';
import { addHolding } from './cli/alerts/holding-commands.ts';
import { addIngest } from './cli/sealed/ingest-command.ts';
import { addKeys } from './cli/sealed/keys-command.ts';
import { createOutput, type Output } from './cli/terminal/output.ts';
import { addPrune } from './cli/database/prune-command.ts';
import { addRuntimes } from './cli/clients/runtimes-command.ts';
import { addSimulate } from './cli/try-out/simulate-command.ts';
import { addSpool } from './cli/clients/spool-command.ts';
import { addStatus } from './cli/status/status-command.ts';
import { flush, heedSignals, surviveClosedPipes } from './cli/terminal/streams-and-signals.ts';
import { packageDir } from './state/paths.ts';

interface CollectFlags {
  readonly dryRun?: true;
  readonly open: boolean;
  readonly group?: string;
  readonly concurrency?: number;
  readonly retry?: number;
  readonly format?: 'table' | 'log';
}

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
  // What hangs on (a socket that does not close) must not keep a finished command alive.
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
      if (output.json) output.printJson(errorDocument(usageError('a command is missing', program, args)));
      return 2;
    }
    const isUsage = thrown instanceof CommanderError;
    return complain(output, isUsage ? usageError(thrown.message, program, args) : thrown);
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
  example(program, 'fleet-health trust && fleet-health collect && fleet-health status');

  const command = (usage: string, description: string, shown: string): Command =>
    example(program.command(usage).description(description), shown);
  const execute = (action: Action): Promise<void> => perform(program.opts(), action);

  command('collect', 'visit the clients once and store what they report', 'fleet-health collect --group web --retry 1')
    .argument('[client...]', 'only these clients')
    .option('--dry-run', 'visit and print, store and acknowledge nothing')
    .option('--no-open', 'store reports sealed, for `ingest` on the machine that has the private key')
    .addOption(groupOption())
    .option('--concurrency <n>', 'visits at a time', wholeNumber(1, 10_000))
    .addOption(
      new Option(
        '--format <form>',
        'table, or a log of key=value lines; default: table at a terminal, piped or not',
      ).choices(['table', 'log']),
    )
    .option('--retry <n>', 'try so often again what may succeed a moment later', wholeNumber(0, 10))
    .action((clients: string[], options: CollectFlags) =>
      execute(async (context) => {
        const { collectCommand } = await import('./cli/runs/collect.ts');
        return collectCommand(context, {
          clients,
          group: options.group ?? null,
          dryRun: options.dryRun ?? false,
          // Commander's way to say that --no-open was not given.
          noOpen: !options.open,
          concurrency: options.concurrency ?? null,
          retry: options.retry ?? 0,
          format: options.format ?? null,
        });
      }),
    );

  command('trust', 'fetch host keys, show their fingerprints, ask, and remember them', 'fleet-health trust web-1 web-2')
    .argument('[client...]', 'only these clients or bastions, and what lies on the way to them')
    .addOption(groupOption())
    .option('--yes', 'ask nothing')
    .option('--replace', 'also replace keys that have changed')
    .option('--from <file>', 'compare with a known_hosts file, or lines of `name SHA256:...`, instead of asking')
    .action((clients: string[], options: { group?: string; yes?: true; replace?: true; from?: string }) =>
      execute(async (context) => {
        const { trustCommand } = await import('./cli/trust/trust.ts');
        return trustCommand(context, {
          clients,
          group: options.group ?? null,
          yes: options.yes ?? false,
          replace: options.replace ?? false,
          from: options.from ?? null,
        });
      }),
    );

  addStatus({ program, execute });
  addAlerting({ program, execute });
  addHolding({ program, execute });

  command('check', 'validate config.xml, and say who is told of what', 'fleet-health check --connect')
    .argument('[client...]', 'show what holds for these: the way to them, rules and limits, who is told, windows')
    .option('--defaults', 'also print every default in force')
    .option('--connect', 'also try the database, the mail server and every login')
    .option('--mail [address]', 'also send a test mail (default: to the first who is told of alerts)')
    .action((clients: string[], options: { connect?: true; defaults?: true; mail?: true | string }) =>
      execute(async (context) => {
        if (clients.length > 0) {
          const { checkWaysCommand } = await import('./cli/check/check-ways.ts');
          return checkWaysCommand(context, clients, options);
        }
        const { checkCommand } = await import('./cli/check/check.ts');
        const mail = options.mail === true ? null : options.mail;
        return checkCommand(context, { connect: options.connect ?? false, defaults: options.defaults ?? false, mail });
      }),
    );

  addPrune({ program, execute });
  addIngest({ program, execute });
  addKeys({ program, execute });
  addRuntimes({ program, execute });

  addAuthorize({ program, execute });

  addSpool({ program, execute });

  addCleanup({ program, execute });
  addBackup({ program, execute });

  command('migrate', 'bring the database to this version', 'fleet-health migrate --check')
    .option('--check', 'only say what would be done')
    .action((options: { check?: true }) =>
      execute(async (context) => {
        const { migrateCommand } = await import('./cli/database/migrate.ts');
        return migrateCommand(context, { check: options.check ?? false });
      }),
    );

  command('demo', 'the whole thing on this machine, in a folder to play on with', 'fleet-health demo --dir my-demo')
    .option('--dir <folder>', 'the folder to use', 'fleet-health-demo')
    .option('--serve', 'keep the SSH servers of an earlier demo running, until Ctrl-C')
    .action((options: { dir: string; serve?: true }) =>
      execute(async (context) => {
        const { demoCommand } = await import('./cli/try-out/demo.ts');
        return demoCommand(context, { dir: path.resolve(options.dir), serve: options.serve ?? false });
      }),
    );
  addSimulate({ program, execute });
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
