import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';

import { FleetError } from '../../errors.ts';
import type { Context, ExitStatus } from './context.ts';

export { Command, CommanderError, Option };

/** What a command does, once its command line is understood. */
export type Action = (context: Context) => Promise<ExitStatus>;

/** What every group of commands is added to. */
export interface CommandPlace {
  readonly program: Command;
  readonly execute: (action: Action) => Promise<void>;
}

/** A command whose help ends with an example. */
export function example(command: Command, shown: string): Command {
  return command.addHelpText('after', `\nExample:\n  ${shown}`);
}

export function groupOption(): Option {
  return new Option('--group <name>', 'only the clients of this group and of those inside it');
}

/** Reads an option or argument; beyond the bounds it is refused. */
export function wholeNumber(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (value >= minimum && value <= maximum) return value;
    throw new InvalidArgumentError(`Give a whole number from ${minimum} to ${maximum}.`);
  };
}

/** Puts Commander's words (`error: unknown option '--jsn'`, then `(Did you mean --json?)`) into ours. */
export function usageError(message: string, program: Command, args: readonly string[]): FleetError {
  const [first = '', ...rest] = message.split('\n');
  const suggestion = /\((Did you mean .*\?)\)/.exec(rest.join(' '))?.[1];
  return new FleetError({
    code: 'usage',
    stage: 'usage',
    message: first.replace(/^error: /, ''),
    advice: `${suggestion === undefined ? '' : `${suggestion} `}See ${commandIn(program, args)} --help.`,
  });
}

/** The name of the innermost command that a command line names, as `fleet-health keys retire`. */
function commandIn(program: Command, args: readonly string[]): string {
  let command = program;
  const names = [program.name()];
  for (const arg of args) {
    const inner = command.commands.find((one) => one.name() === arg);
    if (inner === undefined) continue;
    names.push(arg);
    command = inner;
  }
  return names.join(' ');
}
