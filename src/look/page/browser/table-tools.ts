import { laidOutRows } from './laid-out-rows.ts';

/** Adds a filter above the table, sort buttons to its headings, and a button that shows the hidden lines. */
export function tableTools(table: HTMLTableElement): void {
  const rows = laidOutRows(table);
  addFilter(table, rows.filter);
  const headings = [...table.querySelectorAll<HTMLTableCellElement>('thead th[data-key]')];
  for (const heading of headings) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = heading.textContent;
    button.addEventListener('click', () => {
      const isAscending = heading.ariaSort === 'descending' || (heading.ariaSort === null && isByName(heading));
      for (const other of headings) other.ariaSort = null;
      heading.ariaSort = isAscending ? 'ascending' : 'descending';
      rows.sort((all) => sorted(all, heading, isAscending));
    });
    heading.replaceChildren(button);
  }
}

function isByName(heading: HTMLElement): boolean {
  return heading.dataset['key'] === 'name' || heading.dataset['key'] === 'rank';
}

/** The order of the keys in a row's `data-keys`. */
const keys = ['rank', 'cpu', 'memory', 'disk', 'load', 'age', 'availability'];

function sorted(
  rows: readonly HTMLTableRowElement[],
  heading: HTMLElement,
  isAscending: boolean,
): readonly HTMLTableRowElement[] {
  const place = keys.indexOf(heading.dataset['key'] ?? '');
  const direction = isAscending ? 1 : -1;
  const names = new Intl.Collator(undefined, { numeric: true });
  const valueOf = (row: HTMLElement): number => {
    const text = row.dataset['keys']?.split(' ')[place] ?? '';
    return text === '' ? -Infinity * direction : Number(text);
  };
  const nameOf = (row: HTMLElement): string => row.querySelector('.name')?.textContent ?? '';
  return place === -1
    ? rows
        .map((row) => ({ row, name: nameOf(row) }))
        .sort((one, other) => direction * names.compare(one.name, other.name))
        .map(({ row }) => row)
    : rows
        .map((row) => ({ row, value: valueOf(row) }))
        .sort((one, other) => (one.value === other.value ? 0 : direction * (one.value - other.value)))
        .map(({ row }) => row);
}

function addFilter(table: HTMLTableElement, filter: (words: readonly string[]) => void): void {
  const label = document.createElement('label');
  label.className = 'tools';
  const input = document.createElement('input');
  input.type = 'search';
  label.append('Filter ', input);
  input.addEventListener('input', () => {
    filter(input.value.toLowerCase().split(/\s+/).filter(Boolean));
  });
  table.parentElement?.before(label);
}
