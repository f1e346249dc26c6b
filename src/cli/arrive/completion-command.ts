import { type AddCommand, choice, defineCommand } from '../command/define-command.ts';
import { shells } from './shells.ts';

/** Adds `completion` to a program. Both programs have the command; each completes its own command lines. */
export const completion: AddCommand = (program, execute) =>
  defineCommand({
    name: 'completion',
    help: 'a script by which bash, zsh or fish completes command lines',
    example: `${program.name()} completion bash`,
    parameters: { shell: choice('<shell>', 'which shell', shells) },
    run: async (context, { shell }) => (await import('./completion.ts')).completionCommand(context, program, shell),
  })(program, execute);
