/** The command line of `fleet-health-agent`. Its commands stand in cli/agent-program/commands.ts. */
import { report } from './cli/agent-program/commands.ts';
import { addExample, type Command } from './cli/command/define-command.ts';
import { emptyProgram, runProgram, type Perform } from './cli/command/run-program.ts';

/** Every command, in the order of the help. */
const commands = [report];

/** Runs one command line (without node and script) and ends the process with its exit status. */
export async function main(args: readonly string[]): Promise<void> {
  await runProgram(args, createAgentProgram);
}

/** All commands and their options; `perform` is given what a command line asks for. */
export function createAgentProgram(perform: Perform): Command {
  const program = emptyProgram(
    'fleet-health-agent',
    'What a machine does by itself, without a visit of the collector.',
    "agent.json to use (default: the account's ~/.config/fleet-health/agent.json, else /etc/fleet-health/agent.json)",
  );
  addExample(program, 'fleet-health-agent report --format daemon-report');
  for (const add of commands) add(program, (action) => perform(program.opts(), action));
  return program;
}
