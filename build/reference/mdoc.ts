/** Pieces of manual pages in mdoc(7), https://mandoc.bsd.lv/man/mdoc.7.html. */

/** The day of the last change of the pages' content. */
const dated = 'November 23, 2026';

export interface Page {
  readonly name: string;
  readonly section: number;
  readonly description: string;
  /** The lines after the name. */
  readonly body: readonly string[];
}

/** Returns a manual page. */
export function manualPage({ name, section, description, body }: Page): string {
  const head = [
    '.\\" Made by build/reference: UPDATE=1 node --import tsx --test test/config/config-page.test.ts',
    `.Dd ${dated}`,
    `.Dt ${name.toUpperCase()} ${section}`,
    '.Os',
    '.Sh NAME',
    `.Nm ${name}`,
    `.Nd ${escaped(description)}`,
  ];
  return `${[...head, ...body].join('\n')}\n`;
}

/** The longest line that mandoc -Tlint accepts. */
const maxLine = 80;

/** Returns text as short lines: a sentence begins a line of its own, and no part of it is read as a macro. */
export function prose(text: string): readonly string[] {
  return text
    .replaceAll(/(?<=[.!?]) (?=[A-Z])/g, '\n')
    .split('\n')
    .flatMap(wrapped)
    .map((line) => line.replace(/^[.']/, '\\&$&'));
}

function wrapped(text: string): readonly string[] {
  const lines: string[] = [];
  for (const one of escaped(text).split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + one.length >= maxLine) lines.push(one);
    else lines[lines.length - 1] = `${line} ${one}`;
  }
  return lines;
}

/** Returns Markdown as text: without backticks, and links without their addresses. */
export function withoutMarkdown(text: string): string {
  return text.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('`', '');
}

/** Returns a word for a macro's line. */
export function word(text: string): string {
  return `"${escaped(text).replaceAll('"', '\\(dq').replace(/[?.]$/, '$&\\&')}"`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\e');
}

/** Returns a list of terms, each a macro's line without its dot, with their descriptions. */
export function tagged(
  items: readonly { readonly term: string; readonly lines: readonly string[] }[],
): readonly string[] {
  if (items.length === 0) return [];
  return ['.Bl -tag -width Ds', ...items.flatMap(({ term, lines }) => [`.It ${term}`, ...lines]), '.El'];
}
