/**
 * The command line: puts the commands of cli/ROOM/commands.ts together. The module of a command is loaded when the
 * command runs. stderr stays empty unless something prevented the run.
 */
import { ack, alert, alerts, digest, explain, forget, mail, silence, unack } from './cli/alerts/commands.ts';
import { complete, crontab, importCommand, init } from './cli/set-up/commands.ts';
import { completion } from './cli/set-up/completion-command.ts';
import { check } from './cli/check/commands.ts';
import { authorize, cleanup, spool } from './cli/clients/commands.ts';
import { addGroups, type CommandGroup } from './cli/command/command-groups.ts';
import { type AddCommand, addExample, type Command } from './cli/command/define-command.ts';
import { emptyProgram, runProgram, type Perform } from './cli/command/run-program.ts';
import { backup, copy, migrate, prune } from './cli/database/commands.ts';
import { changes, forecast, outliers, report, show } from './cli/look/commands.ts';
import { exportHistory, metrics } from './cli/metrics/commands.ts';
import { enroll, receive } from './cli/push/commands.ts';
import { collect } from './cli/runs/commands.ts';
import { ingest, keys } from './cli/sealed/commands.ts';
import { events, serve, tokens } from './cli/serve/commands.ts';
import { status } from './cli/status/commands.ts';
import { trust } from './cli/trust/commands.ts';
import { demo, simulate } from './cli/try-out/commands.ts';

/** The commands of the first hour, which the help lists before all others. */
const firstHour: readonly AddCommand[] = [demo, init, trust, check, collect, status, crontab];

/** All commands, in the order of the help. */
const groups: readonly CommandGroup[] = [
  {
    name: 'every-day',
    title: 'Every day',
    commands: [
      ...[collect, alert, status, alerts, explain, show, report],
      ...[ack, unack, silence, mail, digest, changes, forecast, outliers],
    ],
  },
  {
    name: 'set-up',
    title: 'Set up',
    commands: [demo, init, importCommand, check, trust, crontab, serve, tokens, events],
  },
  { name: 'keep', title: 'Keep', commands: [prune, backup, copy, migrate, forget, keys, ingest] },
  { name: 'clients', title: 'Clients', commands: [authorize, spool, enroll, receive, cleanup] },
  { name: 'more', title: 'More', commands: [metrics, exportHistory, simulate, completion, complete] },
];

/** Runs one command line (without node and script) and ends the process with its exit status. */
export async function main(args: readonly string[]): Promise<void> {
  await runProgram(args, createProgram);
}

/** Creates the program with all commands. `perform` receives the options and the action of a command line. */
export function createProgram(perform: Perform): Command {
  const program = emptyProgram(
    'fleet-health',
    'Monitors a fleet over SSH, from cron, without a resident agent on the machines.',
    'config.xml to use (default: $FLEET_HEALTH_CONFIG, ./config.xml, /etc/fleet-health/)',
  );
  addExample(program, 'fleet-health trust && fleet-health collect && fleet-health status');
  addGroups(program, { first: firstHour, groups, perform });
  return program;
}
