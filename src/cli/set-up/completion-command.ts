import { type AddCommand, anyText, choice, defineCommand, many } from '../command/define-command.ts';
import type { NamesOf } from './complete.ts';
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

/** Returns the hidden `complete`. `namesOf` is called for names of a configuration alone. */
export function completeWith(namesOf: NamesOf): AddCommand {
  return (program, execute) =>
    defineCommand({
      name: 'complete',
      help: 'print the words that may end a command line, for the completion scripts',
      example: `${program.name()} complete -- sta`,
      parameters: { words: many(anyText('[words...]', 'the words after the name of the program')) },
      isHidden: true,
      run: async (context, { words }) =>
        await (await import('./complete.ts')).completeCommand(context, program, words, namesOf),
    })(program, execute);
}
