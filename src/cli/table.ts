import { columnsOf, cut } from '../alerter/text-columns.ts';
import { escapeControls } from '../log.ts';
import type { Colour, Output } from './output.ts';

/** Text of a cell; it is made harmless here, so it may come from outside. */
export type Cell = string | { readonly text: string; readonly colour: Colour };

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Cut short, with `…`, when the table is wider than the terminal; the last such column first. */
  readonly shrinks?: boolean;
}

const minimumWidth = 8;
const gap = 2;

interface PlacedCell {
  readonly text: string;
  /** Columns that it takes, colour or not. */
  readonly width: number;
  readonly colour: Colour | null;
}

/** A table without borders: one line a row, columns aligned, no wider than the terminal if that can be. */
export function renderTable(
  output: Pick<Output, 'columns' | 'terminal' | 'colour'>,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
): string {
  const lines = [
    columns.map(({ title }) => placed({ text: title, colour: 'bold' })),
    ...rows.map((row) => columns.map((_, index) => placed(row[index] ?? ''))),
  ];
  const widths = columns.map((_, index) => lines.reduce((most, line) => Math.max(most, line[index]?.width ?? 0), 0));
  if (output.terminal) shrink(widths, columns, output.columns);
  const drawn = lines.map((line) =>
    line.map((cell, index) => {
      const width = widths[index] ?? 0;
      const { text, width: taken } = cell.width <= width ? cell : placed(cut(cell.text, width));
      const room = ' '.repeat(Math.max(0, width - taken));
      const shown = cell.colour === null ? text : output.colour(cell.colour, text);
      return columns[index]?.align === 'right' ? room + shown : shown + room;
    }),
  );
  return drawn.map((cells) => cells.join(' '.repeat(gap)).trimEnd()).join('\n');
}

function placed(cell: Cell): PlacedCell {
  const text = escapeControls(typeof cell === 'string' ? cell : cell.text);
  return { text, width: columnsOf(text), colour: typeof cell === 'string' ? null : cell.colour };
}

function shrink(widths: number[], columns: readonly Column[], available: number): void {
  let excess = widths.reduce((sum, width) => sum + width + gap, -gap) - available;
  for (let index = columns.length - 1; index >= 0 && excess > 0; index -= 1) {
    const width = widths[index] ?? 0;
    if (columns[index]?.shrinks !== true) continue;
    const narrower = Math.max(Math.min(width, minimumWidth), width - excess);
    excess -= width - narrower;
    widths[index] = narrower;
  }
}
