import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';

import { type FleetError, usageError } from '../../platform/errors/errors.ts';
import type { Context, ExitStatus } from './context.ts';

export { Command, CommanderError, Option };

/** An option (`--since <time>`) or an argument (`<client>`, `[client...]`), and how its value is read. */
interface Parameter<Value> {
  readonly flags: string;
  readonly help: string;
  /** The value if the command line gives none. The help shows a text as the default. */
  readonly absent: Value;
  /** Reads one word. Throws InvalidArgumentError. */
  readonly read?: (word: string) => unknown;
  /** May be given several times; the value is a list. */
  readonly isList?: true;
  readonly choices?: readonly string[];
  /** Options that cannot be given beside this one. */
  readonly conflicts?: readonly string[];
  /** The help omits the parameter. */
  readonly isHidden?: true;
  /** The value may be empty, which is a fault otherwise: an unset variable of a shell would mean everything. */
  readonly mayBeEmpty?: true;
}

/** A required argument always has a value. */
type Given<Flags extends string, Value> = Flags extends `<${string}` ? Value : Value | null;

/** Defines an option without a value. The value of `--no-open` is true if the option is given. */
export function flag(flags: string, help: string): Parameter<boolean> {
  return { flags, help, absent: false };
}

export function text<const Flags extends string>(flags: Flags, help: string): Parameter<Given<Flags, string>> {
  return { flags, help, absent: null as Given<Flags, string> };
}

/** Defines a parameter for words that may be empty. */
export function anyText<const Flags extends string>(flags: Flags, help: string): Parameter<Given<Flags, string>> {
  return { ...text(flags, help), mayBeEmpty: true };
}

/** Defines an option whose value may be omitted: the value is then true. */
export function optionalText(flags: string, help: string): Parameter<string | true | null> {
  return { flags, help, absent: null };
}

export function choice<const Name extends string, const Flags extends string = string>(
  flags: Flags,
  help: string,
  choices: readonly Name[],
): Parameter<Given<Flags, Name>> {
  return { flags, help, absent: null as Given<Flags, Name>, choices };
}

/** Defines a parameter for a whole number within bounds. */
export function wholeNumber<const Flags extends string>(
  flags: Flags,
  help: string,
  minimum: number,
  maximum: number,
): Parameter<Given<Flags, number>> {
  const read = (word: string): number => {
    const value = /^\d{1,9}$/.test(word) ? Number(word) : NaN;
    if (value >= minimum && value <= maximum) return value;
    throw new InvalidArgumentError(`Give a whole number from ${minimum} to ${maximum}.`);
  };
  return { flags, help, absent: null as Given<Flags, number>, read };
}

/** Returns the parameter as an option that may be repeated, or as the last argument, `[client...]`. */
export function many<Value>(parameter: Parameter<Value>): Parameter<readonly NonNullable<Value>[]> {
  return { ...parameter, absent: [], isList: true };
}

/** Returns the parameter with a default, which the help shows. */
export function withDefault<Value>(
  parameter: Parameter<Value>,
  absent: NonNullable<Value>,
): Parameter<NonNullable<Value>> {
  return { ...parameter, absent };
}

/** The clients, the group and the labels that limit many commands. */
export const selection = {
  clients: many(text('[client...]', 'only these clients')),
  group: text('--group <name>', 'only clients of this group and of groups inside it'),
  label: text('--label <labels>', 'only clients with these labels, like site=ber,role!=db'),
} as const;

/** The conditions that many commands limit their clients to, beside names and groups. */
export const narrowing = {
  failing: flag('--failing', 'only clients whose newest visit failed'),
  notVisited: flag('--not-visited', 'only clients that the last full run did not visit'),
} as const;

/** The handler of a command with the values of its command line. */
export type Action = (context: Context) => Promise<ExitStatus>;

/** A function that adds a command to the program, or a subcommand to its command. `execute` runs the action. */
export type AddCommand = (parent: Command, execute: (action: Action) => Promise<void>) => void;

type Parameters = Readonly<Record<string, Parameter<unknown>>>;

/** The options that a command is given, by its parameters. */
export type OptionsOf<Taken extends Parameters> = {
  readonly [Name in keyof Taken]: Taken[Name] extends Parameter<infer Value> ? Value : never;
};

interface Description {
  readonly name: string;
  readonly help: string;
  /** A command line that the help ends with. */
  readonly example: string;
  /** The help omits the command. */
  readonly isHidden?: true;
}

interface CommandDefinition<Taken extends Parameters> extends Description {
  /** Arguments in their order, and options. */
  readonly parameters?: Taken;
  /** Runs the command. Loads the command's module, which other commands do not load. */
  readonly run: (context: Context, values: OptionsOf<Taken>) => Promise<ExitStatus>;
}

/** Defines a command: its name, parameters, help and handler. */
export function defineCommand<const Taken extends Parameters = Readonly<Record<string, never>>>({
  parameters = {} as Taken,
  run,
  ...description
}: CommandDefinition<Taken>): AddCommand {
  return (parent, execute) => {
    const command = describe(parent, description);
    const readers = Object.entries(parameters).map(
      ([name, parameter]) => [name, addParameter(command, parameter)] as const,
    );
    const values = (): OptionsOf<Taken> =>
      Object.fromEntries(readers.map(([name, read]) => [name, read()])) as OptionsOf<Taken>;
    command.action(() => execute((context) => run(context, values())));
  };
}

/** Defines a command that only has subcommands. */
export function defineGroup(description: Description, subcommands: readonly AddCommand[]): AddCommand {
  return (parent, execute) => {
    const group = describe(parent, description);
    for (const add of subcommands) add(group, execute);
  };
}

const examples = new WeakMap<Command, string>();

/** Returns the command line that the help of a command ends with. */
export function exampleOf(command: Command): string {
  return examples.get(command) ?? '';
}

/** Adds an example to the end of a command's help. */
export function addExample(command: Command, example: string): Command {
  examples.set(command, example);
  return command.addHelpText('after', `\nExample:\n  ${example}`);
}

function describe(parent: Command, { name, help, example, isHidden }: Description): Command {
  return addExample(parent.command(name, { hidden: isHidden === true }).description(help), example);
}

/** Adds an argument or option. Returns a function that reads its value from the parsed command line. */
function addParameter(command: Command, parameter: Parameter<unknown>): () => unknown {
  const { flags, help, absent, read = (word: string): unknown => word, choices, conflicts, isHidden } = parameter;
  const readFull = (word: string): unknown => read(parameter.mayBeEmpty === true ? word : notEmpty(word));
  const parse = parameter.isList === true ? appending(readFull) : readFull;
  if (!flags.startsWith('-')) {
    const index = command.registeredArguments.length;
    const argument = new Argument(flags, help);
    command.addArgument(choices === undefined ? argument.argParser(parse) : argument.choices(choices));
    return () => (command.processedArgs[index] as unknown) ?? absent;
  }
  const option = new Option(flags, help);
  if (choices !== undefined) option.choices(choices);
  else if (option.required || option.optional) option.argParser(parse);
  if (conflicts !== undefined) option.conflicts([...conflicts]);
  if (typeof absent === 'string') option.default(absent);
  command.addOption(isHidden === true ? option.hideHelp() : option);
  return () => {
    const value: unknown = command.opts()[option.attributeName()];
    return option.negate ? value === false : (value ?? absent);
  };
}

/** The values that say nothing, in lists and patterns as well: `""`, `","`, `"!"`. */
const nothing = /^[\s,!]*$/;

/** Returns the value of an option or argument. Throws InvalidArgumentError if the value says nothing. */
export function notEmpty(word: string): string {
  if (nothing.test(word)) throw new InvalidArgumentError('It is empty: give a value, or leave it out.');
  return word;
}

function appending(read: (word: string) => unknown): (word: string, before: unknown) => unknown {
  return (word, before) => [...(Array.isArray(before) ? (before as unknown[]) : []), read(word)];
}

/** Rewords Commander's complaint (`error: unknown option '--jsn'`, then `(Did you mean --json?)`) as a usage error. */
export function commandLineError(message: string, program: Command, args: readonly string[]): FleetError {
  const [first = '', ...rest] = message.split('\n');
  const suggestion = /\((Did you mean .*\?)\)/.exec(rest.join(' '))?.[1];
  const hint = suggestion === undefined ? '' : `${suggestion} `;
  return usageError(first.replace(/^error: /, ''), `${hint}See ${commandIn(program, args)} --help.`);
}

/** Returns the name of the innermost command that a command line names, such as `fleet-health keys retire`. */
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
