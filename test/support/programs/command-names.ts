import type { Command } from '../../../src/cli/command/define-command.ts';
import { createProgram } from '../../../src/cli.ts';

/** Returns the names of all commands but `help`; of one with subcommands those of the subcommands, as `keys list`. */
export function commandNames(of: Command = createProgram(() => Promise.resolve()), before = ''): readonly string[] {
  return of.commands
    .filter((command) => command.name() !== 'help')
    .flatMap((command) => {
      const name = `${before}${command.name()}`;
      return command.commands.length > 0 ? commandNames(command, `${name} `) : [name];
    });
}
