/**
 * The command line: puts the commands of cli/ROOM/commands.ts together. The module of a command is loaded when the
 * command runs. stderr stays empty unless something prevented the run.
 */
import * as ofAlerts from './cli/alerts/commands.ts';
import * as ofCheck from './cli/check/commands.ts';
import * as ofClients from './cli/clients/commands.ts';
import { addGroups, type CommandGroup } from './cli/command/command-groups.ts';
import { addExample, type Command } from './cli/command/define-command.ts';
import { emptyProgram, runProgram, type Perform } from './cli/command/run-program.ts';
import * as ofDatabase from './cli/database/commands.ts';
import * as ofLook from './cli/look/commands.ts';
import * as ofMetrics from './cli/metrics/commands.ts';
import * as ofPush from './cli/push/commands.ts';
import * as ofRuns from './cli/runs/commands.ts';
import * as ofSealed from './cli/sealed/commands.ts';
import * as ofServe from './cli/serve/commands.ts';
import * as ofSetUp from './cli/set-up/commands.ts';
import { completion } from './cli/set-up/completion-command.ts';
import * as ofStatus from './cli/status/commands.ts';
import * as ofTrust from './cli/trust/commands.ts';
import * as ofTryOut from './cli/try-out/commands.ts';

/** All commands, by the names of their exports. */
const commands = {
  ...{ ...ofAlerts, ...ofCheck, ...ofClients, ...ofDatabase, ...ofLook, ...ofMetrics, ...ofPush, ...ofRuns },
  ...{ ...ofSealed, ...ofServe, ...ofSetUp, ...ofStatus, ...ofTrust, ...ofTryOut, completion },
};
type Name = keyof typeof commands;

/** The commands of the first hour, which the help lists before all others. */
const firstHour: readonly Name[] = ['demo', 'init', 'trust', 'check', 'collect', 'status', 'crontab'];

/** The order of the help. The last group has each command that none has. */
const groups: readonly (readonly [name: string, title: string, commands: readonly Name[]])[] = [
  [
    'every-day',
    'Every day',
    [
      ...(['collect', 'alert', 'status', 'alerts', 'explain', 'show', 'report'] as const),
      ...(['ack', 'unack', 'silence', 'mail', 'digest', 'changes', 'forecast', 'outliers', 'tune'] as const),
    ],
  ],
  ['set-up', 'Set up', ['demo', 'init', 'importCommand', 'check', 'trust', 'crontab', 'serve', 'tokens', 'events']],
  ['keep', 'Keep', ['prune', 'backup', 'copy', 'migrate', 'forget', 'keys', 'ingest']],
  ['clients', 'Clients', ['authorize', 'spool', 'enroll', 'receive', 'cleanup']],
  ['more', 'More', ['metrics', 'exportHistory', 'simulate', 'completion', 'complete']],
];

function groupsOfHelp(): readonly CommandGroup[] {
  const listed = new Set(groups.flatMap(([, , names]) => names));
  const others = (Object.keys(commands) as Name[]).filter((name) => !listed.has(name));
  return groups.map(([name, title, names], place) => ({
    ...{ name, title },
    commands: [...names, ...(place === groups.length - 1 ? others : [])].map((one) => commands[one]),
  }));
}

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
  addGroups(program, { first: firstHour.map((name) => commands[name]), groups: groupsOfHelp(), perform });
  return program;
}
