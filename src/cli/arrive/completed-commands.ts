import type { Command, Option } from '../command/define-command.ts';

/** The modes of fleet-health-agent. */
const modes = ['report', 'push', 'spoke', 'edge'];

/** The kinds of names that only config.xml has. */
export type NameKind = 'clients' | 'groups';

export interface CompletedOption {
  /** `--dry-run`, `-o`. */
  readonly flags: readonly string[];
  readonly help: string;
  readonly takesValue: boolean;
  readonly values: Values;
}

/** The words that may stand in a place: a list, names of config.xml or files; null if nothing is known. */
export type Values = readonly string[] | NameKind | 'files' | null;

export interface CompletedCommand {
  /** `silence add` for a subcommand; empty for the program itself. */
  readonly path: string;
  readonly help: string;
  readonly options: readonly CompletedOption[];
  /** The subcommands, if it has any. */
  readonly subcommands: readonly string[];
  /** The words of its first argument, which hold for all its arguments. */
  readonly values: Values;
}

/** Returns the program and all its commands, as the command table has them. */
export function completedCommands(program: Command): readonly CompletedCommand[] {
  const innerOf = ({ commands }: Command): readonly Command[] => commands.filter((one) => one.name() !== 'help');
  const walk = (command: Command, path: string): readonly CompletedCommand[] => [
    {
      path,
      help: command.description(),
      options: [
        ...command.options,
        command
          .createHelp()
          .visibleOptions(command)
          .find(({ long }) => long === '--help'),
      ]
        .flatMap((option) => option ?? [])
        .filter((option, index, all) => !option.hidden && all.findIndex(({ long }) => long === option.long) === index)
        .map(completedOption),
      subcommands: innerOf(command).map((one) => one.name()),
      values:
        command.registeredArguments.map((argument) => valuesOf(argument.name(), argument.argChoices)).at(0) ?? null,
    },
    ...innerOf(command).flatMap((one) => walk(one, `${path} ${one.name()}`.trim())),
  ];
  return walk(program, '');
}

function completedOption(option: Option): CompletedOption {
  const named = /[<[]([\w-]+)/.exec(option.flags)?.[1] ?? '';
  const argument = option.long === '--group' ? 'group' : option.long === '--client' ? 'client' : named;
  return {
    flags: [option.short, option.long].flatMap((flag) => flag ?? []),
    help: option.description,
    takesValue: option.required,
    values: argument === '' ? null : valuesOf(argument, option.argChoices),
  };
}

function valuesOf(argument: string, choices: readonly string[] | undefined): Values {
  if (choices !== undefined) return choices;
  if (argument === 'client') return 'clients';
  if (argument === 'group') return 'groups';
  if (argument === 'mode') return modes;
  return ['file', 'folder', 'dir'].includes(argument) ? 'files' : null;
}
