import { type AddCommand, choice, defineCommand } from '../command/define-command.ts';
import { shells } from './shells.ts';

/** Adds `completion` to a program. Both programs have the command; each completes its own command lines. */
export const completion: AddCommand = (program, execute) =>
  defineCommand({
    name: 'completion',
    help: 'print the completion script of a shell',
    example: `${program.name()} completion bash`,
    parameters: { shell: choice('<shell>', 'the shell', shells) },
    run: async (context, { shell }) => (await import('./completion.ts')).completionCommand(context, program, shell),
  })(program, execute);
