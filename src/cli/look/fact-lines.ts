import type { FactLevel, FactTable, WordCell } from '../../look/page/page.ts';
import type { Colour, Output } from '../terminal/output.ts';
import { type Cell, renderTable } from '../terminal/table.ts';

const colours: Readonly<Record<FactLevel, Colour>> = {
  critical: 'red',
  failing: 'red',
  warning: 'yellow',
  fine: 'green',
  quiet: 'dim',
};

/** Returns the lines of a table of facts, with the sentence about it. */
export function factLines(output: Output, { about, columns, rows }: FactTable<WordCell>): readonly string[] {
  const table = renderTable(
    output,
    columns.map((column, index) => ({
      ...column,
      cell: ({ cells }: { readonly cells: readonly WordCell[] }) => cellOf(cells[index] ?? null),
    })),
    rows,
    ({ notes = [] }) => notes,
  );
  return [...(about === null ? [] : [about]), ...(rows.length === 0 ? [] : [table])];
}

function cellOf(cell: WordCell): Cell {
  if (cell === null || cell === '') return '-';
  return typeof cell === 'string' ? cell : { text: cell.text, colour: colours[cell.level] };
}
