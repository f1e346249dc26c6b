import type { LineWords } from './line-words.ts';
import type { MailWords, SectionWords } from './mail-words.ts';
import { commaGrouped } from '../../text/numbers.ts';
import { wrap, wrapCommand } from '../../text/text-columns.ts';

/** The columns of a line. Addresses and words of commands that are wider stay whole. */
export const textColumns = 72;
const columns = textColumns;
const indent = '  ';
/** The indent of commands to copy. Words of a client are indented otherwise, so that none can pass for a command. */
const ofCommands = indent.repeat(2);
/** The indent of a continued text. */
const further = indent.repeat(4);

/** Renders a mail as plain text of 72 columns. */
export function composeText({ introduction, answer, sections, closing }: MailWords): string {
  const blocks = [
    ...(introduction === null ? [] : [wrap(introduction, { columns })]),
    ...(answer === null ? [] : [[...wrap(`${answer.text}:`, { columns }), `${indent}${answer.link}`]]),
    ...sections.flatMap(blocksOfSection),
    [
      '-'.repeat(columns),
      ...closing.flatMap(({ text, command }) =>
        command === null ? wrap(text, { columns }) : commandLines(text, command, ''),
      ),
    ],
  ];
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function blocksOfSection({ heading, count, explanation, lines, rest }: SectionWords): (readonly string[])[] {
  const head = `${heading.toUpperCase()} ${count === null ? '' : `(${commaGrouped(count)}) `}`;
  return [
    [head.padEnd(columns, '='), ...(explanation === null ? [] : wrap(explanation, { columns }))],
    ...lines.map(linesOf),
    ...(rest.length === 0 ? [] : [rest.flatMap((text) => wrap(text, { columns, rest: further }))]),
  ];
}

function linesOf({
  title,
  page = null,
  facts,
  list = [],
  chart,
  names,
  notes,
  commands,
}: LineWords): readonly string[] {
  const inner = { columns, first: indent, rest: further };
  return [
    ...wrap(title, { columns, rest: further }),
    ...[...facts, ...list].flatMap((fact) => wrap(fact, inner)),
    ...(names === null ? [] : wrap(names, inner)),
    ...(chart === null ? [] : wrap(`${chart.blocks} ${chart.label}`, inner)),
    ...notes.flatMap((note) => wrap(`note: ${note}`, inner)),
    ...commands.flatMap(({ why, command }) => commandLines(why, command, ofCommands)),
    ...(page === null ? [] : [`${indent}${page}`]),
  ];
}

/** Returns the reason and the command on one line if they fit, else the command on lines of its own. */
function commandLines(why: string, command: readonly string[], first: string): readonly string[] {
  const rest = first + indent;
  const together = wrapCommand(command, { columns, first: why === '' ? first : `${first}${why} `, rest });
  if (why === '' || together.length === 1) return together;
  return [...wrap(why, { columns, first }), ...wrapCommand(command, { columns, first: rest, rest: rest + indent })];
}
