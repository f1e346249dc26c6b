import { type Command, exampleOf, type Option } from '../../src/cli/command/define-command.ts';
import { manualPage, prose, tagged, withoutMarkdown as plain } from './mdoc.ts';

export interface Manual {
  readonly program: Command;
  readonly environment: readonly Named[];
  readonly files: readonly Named[];
  /** Other pages with their sections. */
  readonly seeAlso: readonly (readonly [name: string, section: number])[];
}

interface Named {
  readonly name: string;
  readonly help: string;
}

const exitStatuses: readonly Named[] = [
  { name: '0', help: 'All is well.' },
  { name: '1', help: 'It was done, but something failed; a message names it.' },
  { name: '2', help: 'Wrong usage or configuration: nothing was done.' },
  { name: '3', help: 'It could not be done.' },
];

/** Returns a page of section 1, from the program's table of commands. */
export function programManual({ program, environment, files, seeAlso }: Manual): string {
  const help = program.description();
  return manualPage({
    name: program.name(),
    section: 1,
    description: help.replace(/\.$/, '').replace(/^./, (first) => first.toLowerCase()),
    body: [
      '.Sh SYNOPSIS',
      '.Nm',
      '.Op Ar options',
      '.Ar command',
      '.Op Ar argument ...',
      '.Sh DESCRIPTION',
      ...prose(help),
      '.Pp',
      'These options stand before or after the command:',
      ...optionList(program),
      '.Sh COMMANDS',
      ...visibleCommands(program).flatMap((one) => commandSections(one, '', program.name())),
      '.Sh ENVIRONMENT',
      ...tagged(environment.map((one) => ({ term: `Ev ${one.name}`, lines: prose(one.help) }))),
      '.Sh FILES',
      ...tagged(files.map((one) => ({ term: `Pa ${one.name}`, lines: prose(one.help) }))),
      '.Sh EXIT STATUS',
      ...tagged(exitStatuses.map((one) => ({ term: one.name, lines: prose(one.help) }))),
      '.Sh EXAMPLES',
      `.Dl ${exampleOf(program)}`,
      '.Sh SEE ALSO',
      ...seeAlso.map(([name, section], at) => `.Xr ${name} ${section}${at < seeAlso.length - 1 ? ' ,' : ''}`),
    ],
  });
}

/** Returns the section of a command, and those of its subcommands. */
function commandSections(command: Command, parent: string, programName: string): readonly string[] {
  const name = `${parent} ${command.name()}`.trim();
  const args = command.registeredArguments;
  const words = args.map((one) => `${one.required ? '' : 'Op '}Ar ${one.name()}${one.variadic ? ' ...' : ''}`);
  const inner = visibleCommands(command);
  return [
    `.Ss ${name}`,
    ...(inner.length > 0 ? [] : [[`.Nm ${programName}`, `Cm ${name}`, ...words].join(' '), '.Pp']),
    ...prose(plain(command.description())),
    ...tagged(args.map((one) => ({ term: `Ar ${one.name()}`, lines: descriptionLines(one) }))),
    ...optionList(command),
    '.Pp',
    `.Dl ${exampleOf(command)}`,
    ...inner.flatMap((one) => commandSections(one, name, programName)),
  ];
}

function visibleCommands(command: Command): readonly Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((one) => one.name() !== 'help');
}

function optionList(command: Command): readonly string[] {
  const all = command.createHelp().visibleOptions(command);
  // The option is listed once, for the program.
  const options = command.parent === null ? all : all.filter(({ long }) => long !== '--help');
  return tagged(options.map((option) => ({ term: optionTerm(option), lines: descriptionLines(option) })));
}

function optionTerm({ short, long, flags, required }: Option): string {
  const names = [short, long].flatMap((one) => (one === undefined ? [] : [`Fl ${one.slice(1)}`])).join(' , ');
  const value = /[<[]([\w-]+)/.exec(flags)?.[1];
  if (value === undefined) return names;
  return required ? `${names} Ar ${value}` : `${names} Op Ar ${value}`;
}

function descriptionLines(one: {
  readonly description: string;
  readonly argChoices?: readonly string[] | undefined;
  readonly defaultValue?: unknown;
}): readonly string[] {
  const choices = one.argChoices === undefined ? '' : ` (${one.argChoices.join(', ')})`;
  const absent = typeof one.defaultValue === 'string' ? ` (default: ${one.defaultValue})` : '';
  return prose(`${plain(one.description)}${choices}${absent}`);
}
