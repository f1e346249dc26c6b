import { escapeControls } from '../../log.ts';
import { columnsOf, cut, cutMiddle, wrap } from '../../text/text-columns.ts';
import type { Colour, Output } from './output.ts';

/** Text of a cell; it is made harmless here, so it may come from outside. */
export type Cell = string | { readonly text: string; readonly colour: Colour };

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => Cell;
  readonly align?: 'left' | 'right';
  /** Cut short, with `…`, when the table is wider than the terminal; the widest such column first. */
  readonly shrinks?: boolean;
  /** Cut in the middle: names of one fleet often differ in their ends alone. */
  readonly keepsEnd?: boolean;
  /** Left out, before any column is cut, when the table is wider than the terminal. */
  readonly drops?: boolean;
}

const minimumWidth = 8;
const gap = 2;
const noteIndent = '    ';

interface PlacedCell {
  readonly text: string;
  /** Columns that it takes, colour or not. */
  readonly width: number;
  readonly colour: Colour | null;
}

/**
 * A table without borders: one line a row, then its notes, sentences on lines of their own. Its columns are aligned,
 * and no wider than the terminal if that can be.
 */
export function renderTable<Row>(
  output: Pick<Output, 'columns' | 'terminal' | 'colour'>,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  notesOf: (row: Row) => readonly Cell[] = () => [],
): string {
  const lines = [
    columns.map(({ title }) => placed({ text: title, colour: 'bold' })),
    ...rows.map((row) => columns.map(({ cell }) => placed(cell(row)))),
  ];
  const widths = columns.map((_, index) => lines.reduce((most, line) => Math.max(most, line[index]?.width ?? 0), 0));
  const isWide = output.terminal && widthOf(widths) > output.columns;
  if (isWide) for (const [index, { drops }] of columns.entries()) if (drops === true) widths[index] = dropped;
  if (isWide) shrink(widths, columns, output.columns);
  return lines
    .flatMap((line, at) => {
      const row = rows[at - 1];
      const cells = line.flatMap((cell, index) => {
        const width = widths[index] ?? 0;
        if (width === dropped) return [];
        const shorten = columns[index]?.keepsEnd === true ? cutMiddle : cut;
        const { text, width: taken } = cell.width <= width ? cell : placed(shorten(cell.text, width));
        const room = ' '.repeat(Math.max(0, width - taken));
        const shown = cell.colour === null ? text : output.colour(cell.colour, text);
        return [columns[index]?.align === 'right' ? room + shown : shown + room];
      });
      const notes = row === undefined ? [] : notesOf(row);
      return [cells.join(' '.repeat(gap)).trimEnd(), ...notes.flatMap((note) => noteLines(output, note))];
    })
    .join('\n');
}

/** Broken between words on a terminal; a log has the whole note on one line. */
function noteLines(
  { terminal, columns, colour }: Pick<Output, 'columns' | 'terminal' | 'colour'>,
  note: Cell,
): string[] {
  const { text, colour: shade } = placed(note);
  const lines = terminal ? wrap(text, { columns, first: noteIndent }) : [noteIndent + text];
  return lines.map((line) => (shade === null ? line : colour(shade, line)));
}

function placed(cell: Cell): PlacedCell {
  const text = escapeControls(typeof cell === 'string' ? cell : cell.text);
  return { text, width: columnsOf(text), colour: typeof cell === 'string' ? null : cell.colour };
}

/** The gap before the next column goes with a column that is left out. */
const dropped = -gap;

function widthOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width + gap, -gap);
}

function shrink(widths: number[], columns: readonly Pick<Column<unknown>, 'shrinks'>[], available: number): void {
  const shrinking = columns.flatMap(({ shrinks }, index) => (shrinks === true ? [index] : []));
  for (let excess = widthOf(widths) - available; excess > 0; excess -= 1) {
    const widest = Math.max(...shrinking.map((index) => widths[index] ?? 0));
    const index = shrinking.findLast((candidate) => widths[candidate] === widest);
    if (index === undefined || widest <= minimumWidth) return;
    widths[index] = widest - 1;
  }
}
