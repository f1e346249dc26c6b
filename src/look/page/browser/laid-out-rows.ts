import { grouped } from '../../../text/numbers.ts';

/**
 * The lines of a large table. Lines that are not laid out have the class `later`, which hides them on a screen but not
 * on paper.
 */
interface LaidOutRows {
  /** Shows the lines that contain all these words. */
  readonly filter: (words: readonly string[]) => void;
  readonly sort: (order: (rows: readonly HTMLTableRowElement[]) => readonly HTMLTableRowElement[]) => void;
}

/** Lays out the lines without the class `later`, and all lines after a click on a button that it adds. */
export function laidOutRows(table: HTMLTableElement): LaidOutRows {
  let rows: readonly HTMLTableRowElement[] = [...table.querySelectorAll<HTMLTableRowElement>('tbody tr')];
  let most = rows.filter((row) => !row.matches('.later')).length;
  let shown = rows;
  const count = document.querySelector<HTMLElement>('#shown');
  const all = count?.textContent ?? '';
  count?.setAttribute('aria-live', 'polite');
  const shownText = textsOf(rows);
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'rest';
  table.parentElement?.after(button);
  const layOut = (): void => {
    for (const [index, row] of shown.entries()) setLater(row, index >= most);
    const waiting = shown.length - most;
    button.hidden = waiting <= 0;
    button.textContent = `Show ${grouped(String(waiting))} more`;
  };
  button.addEventListener('click', () => {
    const next = shown[most];
    most = Infinity;
    layOut();
    // The button is hidden now: the focus goes to the first new line.
    (next?.querySelector<HTMLElement>('button') ?? table.parentElement)?.focus({ preventScroll: true });
  });
  layOut();
  return {
    filter: (words) => {
      shown = words.length === 0 ? rows : rows.filter((row) => words.every((word) => shownText(row).includes(word)));
      const isShown = new Set(shown);
      for (const row of rows) for (const part of withPanel(row)) part.hidden = !isShown.has(row);
      layOut();
      if (count !== null)
        count.textContent =
          words.length === 0 ? all : `${grouped(String(shown.length))} of ${grouped(String(rows.length))} clients.`;
    },
    sort: (order) => {
      rows = order(rows);
      shown = rows.filter((row) => !row.hidden);
      table.tBodies[0]?.append(...rows.flatMap(withPanel));
      layOut();
    },
  };
}

/** Hides a line and its panel by the class `later`, or shows both. */
export function setLater(row: HTMLTableRowElement, isLater: boolean): void {
  for (const part of withPanel(row)) part.classList.toggle('later', isLater);
}

/** Returns a line and, if one is open, its panel. */
function withPanel(row: HTMLTableRowElement): readonly HTMLElement[] {
  const panel = row.nextElementSibling;
  return panel instanceof HTMLElement && panel.matches('.panel') ? [row, panel] : [row];
}

/** Returns a function for the text of a line. Reads all texts once, at the first call. */
function textsOf(rows: readonly HTMLTableRowElement[]): (row: HTMLTableRowElement) => string {
  let texts: ReadonlyMap<HTMLTableRowElement, string> | null = null;
  return (row) => {
    texts ??= new Map(rows.map((one) => [one, one.textContent.toLowerCase()]));
    return texts.get(row) ?? '';
  };
}
