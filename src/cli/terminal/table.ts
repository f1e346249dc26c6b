import { escapeControls } from '../../log.ts';
import { columnsOf, cut, cutMiddle, wrap } from '../../text/text-columns.ts';
import type { Colour, Output } from './output.ts';

/** Text of a cell; it is made harmless here, so it may come from outside. */
export type Cell = string | { readonly text: string; readonly colour: Colour };

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Cut short, with `…`, when the table is wider than the terminal; the widest such column first. */
  readonly shrinks?: boolean;
  /** Cut in the middle: names of one fleet often differ in their ends alone. */
  readonly keepsEnd?: boolean;
  /** Left out, before any column is cut, when the table is wider than the terminal. */
  readonly drops?: boolean;
}

/** The cells of a row, and sentences that stand below it on lines of their own. */
export interface NotedRow {
  readonly cells: readonly Cell[];
  readonly notes: readonly Cell[];
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
 * A table without borders: one line a row, then its notes; columns aligned, no wider than the terminal if that can be.
 */
export function renderTable(
  output: Pick<Output, 'columns' | 'terminal' | 'colour'>,
  columns: readonly Column[],
  rows: readonly (readonly Cell[] | NotedRow)[],
): string {
  const noted = rows.map((row) => ('cells' in row ? row : { cells: row, notes: [] }));
  const lines = [
    columns.map(({ title }) => placed({ text: title, colour: 'bold' })),
    ...noted.map(({ cells }) => columns.map((_, index) => placed(cells[index] ?? ''))),
  ];
  const widths = columns.map((_, index) => lines.reduce((most, line) => Math.max(most, line[index]?.width ?? 0), 0));
  const isWide = output.terminal && widthOf(widths) > output.columns;
  if (isWide) for (const [index, { drops }] of columns.entries()) if (drops === true) widths[index] = dropped;
  if (isWide) shrink(widths, columns, output.columns);
  const drawn = lines.map((line) =>
    line.flatMap((cell, index) => {
      const width = widths[index] ?? 0;
      if (width === dropped) return [];
      const shorten = columns[index]?.keepsEnd === true ? cutMiddle : cut;
      const { text, width: taken } = cell.width <= width ? cell : placed(shorten(cell.text, width));
      const room = ' '.repeat(Math.max(0, width - taken));
      const shown = cell.colour === null ? text : output.colour(cell.colour, text);
      return [columns[index]?.align === 'right' ? room + shown : shown + room];
    }),
  );
  return drawn
    .flatMap((cells, index) => [
      cells.join(' '.repeat(gap)).trimEnd(),
      ...(noted[index - 1]?.notes ?? []).flatMap((note) => noteLines(output, note)),
    ])
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

function shrink(widths: number[], columns: readonly Column[], available: number): void {
  const shrinking = columns.flatMap(({ shrinks }, index) => (shrinks === true ? [index] : []));
  for (let excess = widthOf(widths) - available; excess > 0; excess -= 1) {
    const widest = Math.max(...shrinking.map((index) => widths[index] ?? 0));
    const index = shrinking.findLast((candidate) => widths[candidate] === widest);
    if (index === undefined || widest <= minimumWidth) return;
    widths[index] = widest - 1;
  }
}
