import stringWidth from 'string-width';

/** The place of a column in a table of text: the column's title, and how the column fits into a narrow terminal. */
export interface ColumnLayout {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Shortens the column, with `…`, if the table is still wider than the terminal; the widest such column first. */
  readonly shrinks?: boolean;
  /** Cuts in the middle: names of one fleet often differ only in their ends. */
  readonly keepsEnd?: boolean;
  /** Other columns are omitted before a text of up to this width is cut. Default: 28. */
  readonly whole?: number;
  /** Omits the column if the table is wider than the terminal: 1 first. Missing: the column stays. */
  readonly drops?: number;
}

const characters = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Returns the columns of a text in a terminal or a mail program's fixed font. Wide characters take two, marks none. */
export function columnsOf(text: string): number {
  return stringWidth(text);
}

interface WrapOptions {
  readonly columns: number;
  /** The prefix of the first line, and of the others. */
  readonly first?: string;
  readonly rest?: string;
}

/**
 * Breaks a line between words, and words that are wider than a line between characters. Keeps addresses (http, https)
 * whole, as a broken address leads nowhere. A wider address stands on a line of its own.
 */
export function wrap(text: string, { columns, first = '', rest = first }: WrapOptions): readonly string[] {
  const lines: string[] = [];
  const fresh = (start: string): Line => ({ text: start, columns: columnsOf(start), isEmpty: true });
  let line = fresh(first);
  const end = (): void => {
    lines.push(line.text.trimEnd());
    line = fresh(rest);
  };
  const add = (piece: string, width: number): void => {
    line = { text: line.text + piece, columns: line.columns + width, isEmpty: false };
  };
  for (const word of text.split(' ')) {
    const width = columnsOf(word);
    if (!line.isEmpty && line.columns + 1 + width > columns) end();
    if (line.columns + width <= columns || isAddress(word)) {
      if (!line.isEmpty) add(' ', 1);
      add(word, width);
      continue;
    }
    for (const { segment } of characters.segment(word)) {
      const segmentWidth = columnsOf(segment);
      if (!line.isEmpty && line.columns + segmentWidth > columns) end();
      add(segment, segmentWidth);
    }
  }
  end();
  return lines;
}

interface Line {
  readonly text: string;
  readonly columns: number;
  readonly isEmpty: boolean;
}

/** Breaks a shell command into lines, between its words only, with a backslash before each break. */
export function wrapCommand(
  words: readonly string[],
  { columns, first = '', rest = first }: WrapOptions,
): readonly string[] {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of words) {
    if (!isEmpty && columnsOf(line) + 1 + columnsOf(word) + 2 > columns) {
      lines.push(`${line} \\`);
      line = rest;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}

/** Cuts a text to a number of columns, with an ellipsis at the cut. */
export function cut(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let kept = '';
  let used = 0;
  for (const { segment } of characters.segment(text)) {
    const width = columnsOf(segment);
    if (used + width > columns - 1) break;
    kept += segment;
    used += width;
  }
  // A directional isolate that was cut must end before the text that follows.
  const isOpen = kept.lastIndexOf('\u2068') > kept.lastIndexOf('\u2069');
  return `${kept.trimEnd()}…${isOpen ? '\u2069' : ''}`;
}

/** Cuts a text in its middle to a number of columns. About two thirds of the rest are the end of the text. */
export function cutMiddle(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  const head = cut(text, Math.max(2, Math.floor(columns / 3)));
  let tail = '';
  let used = columnsOf(head);
  for (const { segment } of [...characters.segment(text)].reverse()) {
    used += columnsOf(segment);
    if (used > columns) break;
    tail = segment + tail;
  }
  return head + tail;
}

function isAddress(word: string): boolean {
  return /^[(<]?https?:\/\/./i.test(word);
}
