/** The command line of `fleet-health-agent`. Its commands stand in cli/agent-program/commands.ts. */
import { edge, push, reload, report, restart, run, spoke, start, status, stop } from './cli/agent-program/commands.ts';
import { completeWith, completion } from './cli/set-up/completion-command.ts';
import { addExample, type Command } from './cli/command/define-command.ts';
import { emptyProgram, runProgram, type Perform } from './cli/command/run-program.ts';

/** agent.json has no names that a command line gives. */
const complete = completeWith(() => Promise.resolve([]));

/** Every command, in the order of the help. */
const commands = [report, push, spoke, edge, run, start, stop, restart, reload, status, completion, complete];

/** Runs one command line (without node and script) and ends the process with its exit status. */
export async function main(args: readonly string[]): Promise<void> {
  await runProgram(controlForm(args), createAgentProgram);
}

const verbs = ['start', 'stop', 'restart', 'status'] as const;

/** Returns `start MODE` for `MODE --start`, and likewise for the other verbs. The mode defaults to push. */
export function controlForm(args: readonly string[]): readonly string[] {
  const verb = verbs.find((one) => args.includes(`--${one}`));
  if (verb === undefined) return args;
  const rest = args.filter((arg) => arg !== `--${verb}`);
  const at = rest.findIndex(
    (arg, index) => !arg.startsWith('-') && !['-c', '--config'].includes(rest[index - 1] ?? ''),
  );
  return [verb, rest[at] ?? 'push', ...rest.filter((_, index) => index !== at)];
}

/** Creates the program with all commands. `perform` receives the options and the action of a command line. */
export function createAgentProgram(perform: Perform): Command {
  const program = emptyProgram(
    'fleet-health-agent',
    'Makes, evaluates and sends reports of this machine without a visit of the collector.',
    "agent.json to use (default: the account's ~/.config/fleet-health/agent.json, else /etc/fleet-health/agent.json)",
  );
  addExample(program, 'fleet-health-agent report --format daemon-report');
  program.addHelpText('after', '\nMODE --start means start MODE; so do --stop, --restart and --status.');
  for (const add of commands) add(program, (action) => perform(program.opts(), action));
  return program;
}
