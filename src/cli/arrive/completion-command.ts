import { type AddCommand, choice, defineCommand } from '../command/define-command.ts';
import { shells } from './shells.ts';

/** Knows the program whose command lines it completes. Both programs have it. */
export const completion: AddCommand = (program, execute) =>
  defineCommand({
    name: 'completion',
    help: 'a script by which bash, zsh or fish completes command lines',
    example: `${program.name()} completion bash`,
    parameters: { shell: choice('<shell>', 'which shell', shells) },
    run: async (context, { shell }) => (await import('./completion.ts')).completionCommand(context, program, shell),
  })(program, execute);
