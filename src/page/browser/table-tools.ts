/** Adds a filter over the table, and buttons that sort it to its headings. */
export function tableTools(table: HTMLTableElement): void {
  addFilter(table);
  const headings = [...table.querySelectorAll<HTMLTableCellElement>('thead th[data-key]')];
  for (const heading of headings) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = heading.textContent;
    button.addEventListener('click', () => {
      const isAscending = heading.ariaSort === 'descending' || (heading.ariaSort === null && isByName(heading));
      for (const other of headings) other.ariaSort = null;
      heading.ariaSort = isAscending ? 'ascending' : 'descending';
      sortRows(table, heading, isAscending);
    });
    heading.replaceChildren(button);
  }
}

function isByName(heading: HTMLElement): boolean {
  return heading.dataset['key'] === 'name' || heading.dataset['key'] === 'rank';
}

/** The places of the keys in a row's `data-keys`. */
const keys = ['rank', 'cpu', 'memory', 'disk', 'load', 'age', 'availability'];

function sortRows(table: HTMLTableElement, heading: HTMLElement, isAscending: boolean): void {
  const body = table.tBodies[0];
  if (body === undefined) return;
  const place = keys.indexOf(heading.dataset['key'] ?? '');
  const rows = [...body.querySelectorAll<HTMLTableRowElement>('tr[data-keys]')];
  const direction = isAscending ? 1 : -1;
  const names = new Intl.Collator(undefined, { numeric: true });
  const valueOf = (row: HTMLElement): number => {
    const text = row.dataset['keys']?.split(' ')[place] ?? '';
    return text === '' ? -Infinity * direction : Number(text);
  };
  const nameOf = (row: HTMLElement): string => row.querySelector('.name')?.textContent ?? '';
  const sorted =
    place === -1
      ? rows.sort((one, other) => direction * names.compare(nameOf(one), nameOf(other)))
      : rows
          .map((row) => ({ row, value: valueOf(row) }))
          .sort((one, other) => (one.value === other.value ? 0 : direction * (one.value - other.value)))
          .map(({ row }) => row);
  // A panel that is open stays below its client.
  body.append(
    ...sorted.flatMap((row) => (row.nextElementSibling?.matches('.panel') ? [row, row.nextElementSibling] : [row])),
  );
}

function addFilter(table: HTMLTableElement): void {
  const label = document.createElement('label');
  label.className = 'tools';
  const input = document.createElement('input');
  input.type = 'search';
  label.append('Filter ', input);
  const count = document.querySelector<HTMLElement>('#shown');
  const all = count?.textContent ?? '';
  count?.setAttribute('aria-live', 'polite');
  const rows = [...table.querySelectorAll<HTMLTableRowElement>('tbody tr')].map((row) => ({
    row,
    text: row.textContent.toLowerCase(),
  }));
  input.addEventListener('input', () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { row, text } of rows) {
      row.hidden = !words.every((word) => text.includes(word));
      if (!row.hidden) shown += 1;
      const panel = row.nextElementSibling;
      if (panel instanceof HTMLElement && panel.matches('.panel')) panel.hidden = row.hidden;
    }
    if (count !== null) count.textContent = words.length === 0 ? all : `${shown} of ${rows.length} clients.`;
  });
  table.parentElement?.before(label);
}
