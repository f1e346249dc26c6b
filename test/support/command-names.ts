import type { Command } from '../../src/cli/command/define-command.ts';
import { createProgram } from '../../src/cli.ts';

/** Returns the names of all commands. A command with subcommands is replaced by its subcommands, as in `keys list`. */
export function commandNames(of: Command = createProgram(() => Promise.resolve()), before = ''): readonly string[] {
  return of.commands.flatMap((command) => {
    const name = `${before}${command.name()}`;
    return command.commands.length > 0 ? commandNames(command, `${name} `) : [name];
  });
}
