import type { Context, ExitStatus } from '../command/context.ts';
import type { Command, Option } from '../command/define-command.ts';

/** A word that may stand at the cursor, with its help. */
type Candidate = readonly [word: string, help: string];

/** The candidate that stands for the names of files. */
const files: Candidate = ['', 'files'];

/** The modes of fleet-health-agent. */
const modes = ['report', 'push', 'pattoo', 'spoke', 'edge'];

/** Returns the names of the clients or groups of a configuration. */
export type NamesOf = (
  kind: 'client' | 'group',
  context: Pick<Context, 'output' | 'configFile'>,
) => Promise<readonly string[]>;

/** The words of a command line before the cursor. */
interface Before {
  /** The innermost command that they name. */
  readonly command: Command;
  /** The option whose value is next; null if none is. */
  readonly option: Option | null;
  /** The value of `-c`. */
  readonly configFile: string | null;
}

/**
 * Runs `complete` for the scripts of `completion`: prints the words that the last word of a command line may become,
 * each on a line, with its help after a tab. A line that begins with a tab stands for the names of files. `words` are
 * those after the program's name.
 */
export async function completeCommand(
  { output }: Pick<Context, 'output'>,
  program: Command,
  words: readonly string[],
  namesOf: NamesOf,
): Promise<ExitStatus> {
  const begun = words.at(-1) ?? '';
  const { configFile, ...before } = readWords(program, words.slice(0, -1));
  const names = (kind: 'client' | 'group'): Promise<readonly string[]> => namesOf(kind, { output, configFile });
  for (const [word, help] of await candidates(before, begun, names)) {
    // A name with a line break would make two words.
    const isOffered = word === '' || (word.startsWith(begun) && !/\p{Cc}/u.test(word));
    if (isOffered) output.print(`${word}\t${help}`);
  }
  return 0;
}

function readWords(program: Command, words: readonly string[]): Before {
  let before: Before = { command: program, option: null, configFile: null };
  for (const word of words) {
    const { command, option } = before;
    const known = [...command.options, ...program.options];
    if (option !== null) {
      before = { ...before, option: null, ...(option.long === '--config' ? { configFile: word } : {}) };
    } else if (word.startsWith('-')) {
      before = { ...before, option: known.find((one) => one.required && [one.short, one.long].includes(word)) ?? null };
    } else before = { ...before, command: command.commands.find((one) => one.name() === word) ?? command };
  }
  return before;
}

async function candidates(
  { command, option }: Pick<Before, 'command' | 'option'>,
  begun: string,
  namesOf: (kind: 'client' | 'group') => Promise<readonly string[]>,
): Promise<readonly Candidate[]> {
  const valuesOf = async (name: string, choices: readonly string[] | undefined): Promise<readonly Candidate[]> => {
    if (name === 'client' || name === 'group') return plain(await namesOf(name));
    if (name === 'mode') return plain(modes);
    return fileNames.has(name) ? [files] : plain(choices ?? []);
  };
  if (option !== null) {
    const { long, flags, argChoices } = option;
    const placeholder = /<([\w-]+)/.exec(flags)?.[1] ?? '';
    return await valuesOf(long === '--group' || long === '--client' ? long.slice(2) : placeholder, argChoices);
  }
  const help = command.createHelp();
  if (begun.startsWith('-')) {
    return help
      .visibleOptions(command)
      .flatMap(({ short, long, description }) =>
        [short, long].flatMap((flag) => (flag === undefined ? [] : [[flag, description] as const])),
      );
  }
  const inner = help.visibleCommands(command);
  const [argument] = command.registeredArguments;
  if (inner.length > 0) return inner.map((one) => [one.name(), one.description()]);
  return argument === undefined ? [] : await valuesOf(argument.name(), argument.argChoices);
}

/** The placeholders of values that are names of files. */
const fileNames: ReadonlySet<string> = new Set(['file', 'folder', 'dir']);

function plain(words: readonly string[]): readonly Candidate[] {
  return [...new Set(words)].map((word) => [word, '']);
}
