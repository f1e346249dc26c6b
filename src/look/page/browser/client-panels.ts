/** src/look/page/browser: the program and the style of the pages. */
import { setLater } from './laid-out-rows.ts';
import { showHistory } from './plots.ts';

/** Makes each client's name a button that opens its plots below its row. `#NAME` in the address opens that client. */
export function clientPanels(table: HTMLTableElement): void {
  const byClient = <Kind extends HTMLElement>(selector: string): ReadonlyMap<string | undefined, Kind> =>
    new Map([...document.querySelectorAll<Kind>(selector)].map((element) => [element.dataset['client'], element]));
  const histories = byClient('script.history');
  const checks = byClient<HTMLTemplateElement>('template.checks');
  const logs = byClient<HTMLTemplateElement>('template.logs');
  for (const row of table.querySelectorAll<HTMLTableRowElement>('tbody tr')) {
    const name = row.querySelector<HTMLElement>('.name');
    if (name === null) continue;
    const client = name.textContent;
    const own = { history: histories.get(client), checks: checks.get(client), logs: logs.get(client) };
    if (Object.values(own).every((part) => part === undefined)) continue;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'open name';
    button.ariaExpanded = 'false';
    button.append(...name.childNodes);
    name.replaceWith(button);
    button.addEventListener('click', () => {
      void togglePanel(row, button, own);
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

/** The parts of a client's panel that the page has. */
interface PanelParts {
  readonly history: HTMLElement | undefined;
  readonly checks: HTMLTemplateElement | undefined;
  readonly logs: HTMLTemplateElement | undefined;
}

async function togglePanel(
  row: HTMLTableRowElement,
  button: HTMLButtonElement,
  { history, checks, logs }: PanelParts,
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
  if (checks !== undefined) cell.append(checks.content.cloneNode(true));
  const plots = cell.appendChild(document.createElement('div'));
  if (logs !== undefined) cell.append(logs.content.cloneNode(true));
  if (history !== undefined) await showHistory(plots, history.textContent);
}
