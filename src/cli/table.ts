import CliTable from 'cli-table3';

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

function createTable(columns: readonly Column[], widths?: readonly (number | null)[]): CliTable.Table {
  return new CliTable({
    chars: {
      top: '',
      'top-mid': '',
      'top-left': '',
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: '',
    },
    style: { 'padding-left': 0, 'padding-right': gap, head: [], border: [] },
    colAligns: columns.map((column) => column.align ?? 'left'),
    ...(widths === undefined ? {} : { colWidths: [...widths] }),
  });
}

/** A table without borders: one line a row, columns aligned, no wider than the terminal if that can be. */
export function renderTable(
  output: Pick<Output, 'columns' | 'terminal' | 'colour'>,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
): string {
  const lines = [
    columns.map((column) => output.colour('bold', column.title)),
    ...rows.map((row) =>
      row.map((cell) =>
        typeof cell === 'string' ? escapeControls(cell) : output.colour(cell.colour, escapeControls(cell.text)),
      ),
    ),
  ];
  const widths = columns.map((column, index) => {
    const single = createTable([column]);
    single.push(...lines.map((line) => [line[index] ?? '']));
    return single.width;
  });
  if (output.terminal) shrink(widths, columns, output.columns);
  const table = createTable(columns, widths);
  table.push(...lines.map((line) => [...line]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

function shrink(widths: number[], columns: readonly Column[], available: number): void {
  // The padding after the last column takes no room that anybody sees.
  let excess = widths.reduce((sum, width) => sum + width, 0) - gap - available;
  for (let index = columns.length - 1; index >= 0 && excess > 0; index -= 1) {
    const width = widths[index] ?? 0;
    if (columns[index]?.shrinks !== true) continue;
    const narrower = Math.max(Math.min(width, minimumWidth + gap), width - excess);
    excess -= width - narrower;
    widths[index] = narrower;
  }
}
