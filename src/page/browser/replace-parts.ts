/** Parses a page of the server. Nothing in it runs or loads. */
export function parsePage(html: string): Document {
  return new DOMParser().parseFromString(html, 'text/html');
}

/**
 * Replaces an element's content by that of its counterpart in another page if they differ. Keeps the focus on the same
 * link.
 */
export function adopt(element: HTMLElement, page: Document): void {
  const fresh = page.querySelector(selectorOf(element));
  if (fresh === null || fresh.innerHTML === element.innerHTML) return;
  const focused = document.activeElement;
  const address = focused !== null && element.contains(focused) ? focused.getAttribute('href') : null;
  element.replaceChildren(...fresh.childNodes);
  if (address === null) return;
  const links = [...element.querySelectorAll<HTMLAnchorElement>('a')];
  links.find((link) => link.getAttribute('href') === address)?.focus();
}

/**
 * Adopts the sections of a page except the section of the plots. Adds new sections and removes those that the page
 * lacks.
 */
export function adoptSections(page: Document): void {
  const sections = (one: Document): readonly HTMLElement[] => [...one.querySelectorAll<HTMLElement>('main > section')];
  const fresh = sections(page);
  for (const section of sections(document)) {
    if (page.querySelector(selectorOf(section)) === null) section.remove();
    else if (section.querySelector('#plots') === null) adopt(section, page);
  }
  for (const [index, section] of fresh.entries()) {
    if (document.querySelector(selectorOf(section)) !== null) continue;
    const before = index === 0 ? null : document.querySelector(selectorOf(fresh[index - 1] ?? section));
    if (before === null) document.querySelector('main')?.prepend(document.importNode(section, true));
    else before.after(document.importNode(section, true));
  }
}

function selectorOf(element: HTMLElement): string {
  const label = element.getAttribute('aria-labelledby');
  if (label !== null) return `${element.localName}[aria-labelledby="${label}"]`;
  return element.localName === 'header' ? 'body > header' : element.localName;
}

/** Shows these lines in the fleet's table. Unchanged lines stay, and with them focus and selection. */
export function replaceRows(rows: readonly HTMLTableRowElement[]): void {
  const body = document.querySelector<HTMLTableElement>('#clients')?.tBodies[0];
  if (body === undefined) return;
  const known = new Map([...body.rows].map((row) => [row.id, row]));
  const shown = new Map<string, HTMLTableRowElement>();
  for (const row of rows) {
    const old = known.get(row.id);
    if (old !== undefined && old !== row && old.outerHTML !== row.outerHTML) {
      const isFocused = old.contains(document.activeElement);
      old.replaceWith(row);
      if (isFocused) row.querySelector('a')?.focus();
    }
    shown.set(row.id, old !== undefined && old.isConnected ? old : row);
  }
  // A line in its right place is not moved, because moving it would remove the focus.
  let place: Element | null = body.firstElementChild;
  for (const row of shown.values()) {
    if (row === place) place = place.nextElementSibling;
    else body.insertBefore(row, place);
  }
  while (place !== null) {
    const next: Element | null = place.nextElementSibling;
    place.remove();
    place = next;
  }
}
