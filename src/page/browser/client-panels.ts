import { canDecode, decodeHistory } from './decode-series.ts';
import { setLater } from './laid-out-rows.ts';
import { drawPlots } from './plots.ts';

/** Makes each client's name a button that opens its plots below its row. `#NAME` in the address opens that client. */
export function clientPanels(table: HTMLTableElement): void {
  const zone = document.querySelector<HTMLElement>('main')?.dataset['zone'] ?? 'UTC';
  const histories = new Map(
    [...document.querySelectorAll<HTMLElement>('script.history')].map((element) => [
      element.dataset['client'],
      element,
    ]),
  );
  for (const row of table.querySelectorAll<HTMLTableRowElement>('tbody tr')) {
    const name = row.querySelector<HTMLElement>('.name');
    const history = name === null ? undefined : histories.get(name.textContent);
    if (name === null || history === undefined) continue;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'open name';
    button.ariaExpanded = 'false';
    button.append(...name.childNodes);
    name.replaceWith(button);
    button.addEventListener('click', () => {
      void togglePanel(row, button, history.textContent, zone);
    });
  }
  const open = (): void => {
    const row = document.getElementById(location.hash.slice(1));
    if (!(row instanceof HTMLTableRowElement)) return;
    setLater(row, false);
    const button = row.querySelector<HTMLButtonElement>('button.open');
    if (button?.ariaExpanded === 'false') button.click();
    row.scrollIntoView({ block: 'start' });
  };
  addEventListener('hashchange', open);
  if (location.hash !== '') open();
}

async function togglePanel(
  row: HTMLTableRowElement,
  button: HTMLButtonElement,
  history: string,
  zone: string,
): Promise<void> {
  const isOpen = button.ariaExpanded === 'true';
  button.ariaExpanded = String(!isOpen);
  if (isOpen) {
    row.nextElementSibling?.remove();
    return;
  }
  const panel = document.createElement('tr');
  panel.className = 'panel';
  const cell = panel.insertCell();
  cell.colSpan = row.cells.length;
  row.after(panel);
  if (!canDecode) {
    cell.textContent = 'This browser is too old to unpack the plots. The table above is complete.';
    return;
  }
  try {
    drawPlots(cell, await decodeHistory(history), zone);
  } catch (error) {
    cell.textContent = `The plots cannot be drawn: ${String(error)}`;
  }
}
