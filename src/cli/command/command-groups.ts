import { usageError } from '../../platform/errors/errors.ts';
import { type AddCommand, Command } from './define-command.ts';
import type { Perform } from './run-program.ts';

/** Commands that the help lists under one heading. */
export interface CommandGroup {
  /** The word of `fleet-health help WORD`. */
  readonly name: string;
  readonly title: string;
  readonly commands: readonly AddCommand[];
}

export interface Groups {
  /** Commands of the groups that the help of the program lists before all groups, and not within them. */
  readonly first: readonly AddCommand[];
  readonly groups: readonly CommandGroup[];
  readonly perform: Perform;
}

/** Adds the commands of all groups to a program, and the command `help`, which knows commands and groups. */
export function addGroups(program: Command, { first, groups, perform }: Groups): void {
  const addAll = (heading: string, commands: readonly AddCommand[]): void => {
    program.commandsGroup(heading);
    for (const add of commands) add(program, (action) => perform(program.opts(), action));
  };
  addAll('The first hour:', first);
  for (const { name, title, commands } of groups) {
    addAll(
      `${title} (help ${name}):`,
      commands.filter((one) => !first.includes(one)),
    );
  }
  program
    .helpCommand(false)
    .command('help')
    .argument('[topic...]', `a command, or ${groups.map(({ name }) => name).join(', ')}`)
    .description('print the help of a command or a group')
    .action((words: readonly string[]) => {
      const group = groups.find(({ name }) => name === words.join(' '));
      if (group === undefined) commandNamed(program, words).outputHelp();
      else groupProgram(program, group).outputHelp();
    });
}

/** Returns a program that has the commands of a group only, for its help. */
function groupProgram(program: Command, { title, commands }: CommandGroup): Command {
  const part = new Command(program.name()).usage('COMMAND ...').helpCommand(false).helpOption(false);
  part.copyInheritedSettings(program).commandsGroup(`${title}:`);
  for (const add of commands) add(part, () => Promise.resolve());
  return part;
}

/** Returns the command that words name, such as `keys retire`. Throws FleetError `usage`. */
function commandNamed(program: Command, words: readonly string[]): Command {
  return words.reduce((command, word) => {
    const inner = command.commands.find((one) => one.name() === word);
    if (inner !== undefined) return inner;
    throw usageError(
      `there is no command or group ${JSON.stringify(words.join(' '))}`,
      `See ${program.name()} --help.`,
    );
  }, program);
}
