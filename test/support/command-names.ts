import type { Command } from '../../src/cli/command/define-command.ts';
import { createProgram } from '../../src/cli.ts';

/** Every command there is, in the place of a command with subcommands each of these: `keys list`. */
export function commandNames(of: Command = createProgram(() => Promise.resolve()), before = ''): readonly string[] {
  return of.commands.flatMap((command) => {
    const name = `${before}${command.name()}`;
    return command.commands.length > 0 ? commandNames(command, `${name} `) : [name];
  });
}
