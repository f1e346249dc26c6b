import { greatest } from '../../platform/group-by.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import { type ColumnLayout, columnsOf, cut, cutMiddle, wrap } from '../../text/text-columns.ts';
import type { Colour, Output } from './output.ts';

/** The text of a cell. The table escapes control characters, so the text may come from outside. */
export type Cell = string | { readonly text: string; readonly colour: Colour };

export interface Column<Row> extends ColumnLayout {
  readonly cell: (row: Row) => Cell;
}

const minimumWidth = 8;
const wholeWidth = 28;
/** The widest padding without a terminal: a few longer texts move the rest of their own rows instead. */
const paddedWidth = 32;
const gap = 2;
const noteIndent = '    ';

interface PlacedCell {
  readonly text: string;
  /** The width in columns, without codes of colour. */
  readonly width: number;
  readonly colour: Colour | null;
}

/**
 * Renders a table without borders: one line per row, then the row's notes, sentences on lines of their own. Aligns the
 * columns, and keeps within the width of the terminal if possible. A line at the end names the omitted columns.
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
  const widths = columns.map((_, index) => {
    const all = lines.map((line) => line[index]?.width ?? 0);
    const usual = output.terminal ? all : all.filter((width) => width <= paddedWidth);
    return greatest([0, ...(usual.length * 2 > all.length ? usual : all)]);
  });
  const omitted = output.terminal ? fit(widths, columns, output.columns) : [];
  const shown = lines.flatMap((line, at) => {
    const row = rows[at - 1];
    const cells = line.flatMap((cell, index) => {
      const width = widths[index] ?? 0;
      if (width === dropped) return [];
      const shorten = columns[index]?.keepsEnd === true ? cutMiddle : cut;
      // The text is escaped already.
      const text = cell.width <= width || !output.terminal ? cell.text : shorten(cell.text, width);
      const room = ' '.repeat(Math.max(0, width - (text === cell.text ? cell.width : columnsOf(text))));
      const coloured = cell.colour === null ? text : output.colour(cell.colour, text);
      return [columns[index]?.align === 'right' ? room + coloured : coloured + room];
    });
    const notes = row === undefined ? [] : notesOf(row);
    return [cells.join(' '.repeat(gap)).trimEnd(), ...notes.flatMap((note) => noteLines(output, note))];
  });
  return [...shown, ...omissionLines(output, omitted)].join('\n');
}

function omissionLines(
  { columns, colour }: Pick<Output, 'columns' | 'colour'>,
  omitted: readonly Pick<Column<unknown>, 'title'>[],
): readonly string[] {
  if (omitted.length === 0) return [];
  const text = `Too narrow for: ${omitted.map(({ title }) => title).join(', ')}.`;
  return wrap(text, { columns }).map((line) => colour('dim', line));
}

/** Returns a note, broken between words on a terminal, or on one line in a log. */
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

/** The width of an omitted column, which removes the gap before the next column. */
const dropped = -gap;

function widthOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width + gap, -gap);
}

/** Makes the widths fit. Returns the columns that are omitted to make them fit. */
function fit<Row>(widths: number[], columns: readonly Column<Row>[], available: number): readonly Column<Row>[] {
  if (widthOf(widths) <= available) return [];
  const needed = (): number =>
    widthOf(
      widths.map((width, index) => {
        const { shrinks, whole = wholeWidth } = columns[index] ?? {};
        return shrinks === true ? Math.min(width, whole) : width;
      }),
    );
  const droppable = columns
    .flatMap(({ drops }, index) => (drops === undefined ? [] : [{ index, drops }]))
    .sort((one, other) => one.drops - other.drops);
  const omitted = new Set<number>();
  for (const { index } of droppable) {
    if (needed() <= available) break;
    widths[index] = dropped;
    omitted.add(index);
  }
  shrink(widths, columns, available);
  return columns.filter((_, index) => omitted.has(index));
}

function shrink(widths: number[], columns: readonly Pick<Column<unknown>, 'shrinks'>[], available: number): void {
  const shrinking = columns.flatMap(({ shrinks }, index) => (shrinks === true ? [index] : []));
  for (let excess = widthOf(widths) - available; excess > 0; excess -= 1) {
    const widest = greatest(shrinking.map((index) => widths[index] ?? 0));
    const index = shrinking.findLast((candidate) => widths[candidate] === widest);
    if (index === undefined || widest <= minimumWidth) return;
    widths[index] = widest - 1;
  }
}
