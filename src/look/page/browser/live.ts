import { showHistory } from './plots.ts';

const typingPauseMs = 300;
/** The time in which the stream of runs opens. It never does behind a proxy that passes answers on as a whole. */
const openingMs = 10_000;
/** The pause between requests for a page without a stream. */
const pollMs = 60_000;
/** The time after which a page is requested although its stream is open: some scanners hold each event back. */
const quietMs = 300_000;

/** Returns the address that all pages are below. The program of the pages is in a folder there. */
function ownAddress(path: string): string {
  const program = document.querySelector<HTMLScriptElement>('head > script[src]');
  return new URL(`../${path}`, program?.src ?? location.href).href;
}

/** Keeps a page of the server up to date: requests the page again at each event of a finished run. */
export function liveUpdates(): void {
  const words = document.querySelector<HTMLElement>('#live');
  const fleet = document.querySelector('#open') === null ? null : loadedParts();
  let isAsking = false;
  let askedMs = performance.now();
  const refresh = async (): Promise<void> => {
    if (isAsking) return;
    isAsking = true;
    askedMs = performance.now();
    try {
      await (fleet === null ? refreshPage() : fleet.refresh());
      say(words, isOpen() ? 'Live' : 'Every minute');
    } catch {
      say(words, 'No answer');
    } finally {
      isAsking = false;
    }
  };
  let source: EventSource | null = null;
  let timer = 0;
  const isOpen = (): boolean => source?.readyState === EventSource.OPEN;
  const poll = (pauseMs: number): void => {
    timer = window.setTimeout(() => {
      if (!isOpen() || performance.now() - askedMs >= quietMs) void refresh();
      poll(pollMs);
    }, pauseMs);
  };
  const listen = (): void => {
    source?.close();
    source = null;
    clearTimeout(timer);
    if (document.hidden) return;
    poll(openingMs);
    source = new EventSource(ownAddress('live'));
    source.addEventListener('run', () => void refresh());
    source.addEventListener('open', () => say(words, 'Live'));
    source.addEventListener('error', () => say(words, 'No connection'));
  };
  document.addEventListener('visibilitychange', () => {
    listen();
    if (!document.hidden) void refresh();
  });
  listen();
  void drawHistory();
}

function say(element: HTMLElement | null, words: string): void {
  if (element !== null && element.textContent !== words) element.textContent = words;
}

async function fetchPage(address: string): Promise<Document> {
  const response = await fetch(address, { headers: { accept: 'text/html' } });
  if (!response.ok) throw new Error(String(response.status));
  return parsePage(await response.text());
}

/** Replaces the parts of the page that have changed. */
async function refreshPage(): Promise<void> {
  const page = await fetchPage(location.href);
  // The first run ends: the table that replaces the first steps needs its filter and keys.
  if (document.querySelector('#open') === null && page.querySelector('#open') !== null) location.reload();
  const history = page.querySelector('script.history')?.textContent ?? null;
  adoptSections(page);
  for (const part of document.querySelectorAll<HTMLElement>('body > header')) adopt(part, page);
  adoptNotice(page);
  const drawn = document.querySelector<HTMLElement>('script.history');
  if (history === null || drawn === null || drawn.textContent === history) return;
  drawn.textContent = history;
  if (document.querySelector('#plots')?.matches(':hover') === false) await drawHistory();
}

function adoptNotice(page: Document): void {
  const [old, fresh] = [document.querySelector('body > .notice'), page.querySelector('body > .notice')];
  if (old !== null && fresh !== null) old.textContent = fresh.textContent;
  else if (fresh !== null) document.querySelector('body > header')?.before(fresh);
  else old?.remove();
}

/** Draws the plots of the client that this page is about. */
async function drawHistory(): Promise<void> {
  const [place, history] = [document.querySelector<HTMLElement>('#plots'), document.querySelector('script.history')];
  if (place !== null && history !== null) await showHistory(place, history.textContent);
}

interface LoadedParts {
  /** Requests all shown parts again. */
  refresh(): Promise<void>;
}

/** Handles the fleet's table: loads more lines when its end comes into view, and others when the filter changes. */
function loadedParts(): LoadedParts {
  let addresses = [location.href];
  const show = async (wanted: readonly string[]): Promise<void> => {
    const pages: Document[] = [];
    for (const address of wanted) pages.push(await fetchPage(address));
    const [first, last] = [pages[0], pages.at(-1)];
    if (first === undefined || last === undefined) return;
    addresses = [...wanted];
    for (const selector of ['body > header', '#open', '#part', '#clients thead']) {
      for (const part of document.querySelectorAll<HTMLElement>(selector)) adopt(part, first);
    }
    adoptNotice(first);
    replaceRows(pages.flatMap((page) => [...page.querySelectorAll<HTMLTableRowElement>('#clients tbody tr')]));
    const shown = document.querySelector('#shown');
    if (shown !== null)
      shown.textContent = (wanted.length > 1 ? last : first).querySelector('#shown')?.textContent ?? '';
    showMore(last);
  };
  const observer = new IntersectionObserver((entries) => {
    const more = document.querySelector<HTMLAnchorElement>('#more');
    if (more === null || !entries.some(({ isIntersecting }) => isIntersecting)) return;
    observer.disconnect();
    void show([...addresses, more.href]);
  });
  const showMore = (page: Document | null): void => {
    observer.disconnect();
    if (page !== null) {
      document.querySelector('#more')?.parentElement?.remove();
      const fresh = page.querySelector('#more')?.parentElement ?? null;
      if (fresh !== null) document.querySelector('#clients')?.closest('section')?.append(fresh);
    }
    const more = document.querySelector('#more');
    if (more !== null) observer.observe(more);
  };
  showMore(null);
  filterWhileTyping((address) => show([address]));
  return { refresh: () => show(addresses) };
}

function filterWhileTyping(show: (address: string) => Promise<void>): void {
  const showAddress = async (address: string): Promise<void> => {
    try {
      await show(address);
      history.replaceState(null, '', address);
    } catch {
      // The lines stay until the server answers again.
    }
  };
  const form = document.querySelector<HTMLFormElement>('form.tools');
  let timer = 0;
  form?.addEventListener('input', () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      const parameters = new URLSearchParams();
      for (const [name, value] of new FormData(form)) {
        // An empty name folds the clients without a group.
        if (typeof value === 'string' && (value !== '' || name === 'fold')) parameters.append(name, value);
      }
      const address = ownAddress(parameters.size === 0 ? '' : `?${parameters.toString()}`);
      void showAddress(address);
    }, typingPauseMs);
  });
}

/** Parses a page of the server. Nothing in it runs or loads. */
function parsePage(html: string): Document {
  return new DOMParser().parseFromString(html, 'text/html');
}

/**
 * Replaces an element's content by that of its counterpart in another page if they differ. Keeps the focus on the same
 * link.
 */
function adopt(element: HTMLElement, page: Document): void {
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
function adoptSections(page: Document): void {
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
  if (element.id !== '') return `#${element.id}`;
  const label = element.getAttribute('aria-labelledby');
  if (label !== null) return `${element.localName}[aria-labelledby="${label}"]`;
  return element.localName === 'header' ? 'body > header' : element.localName;
}

/** Shows these lines in the fleet's table. Unchanged lines stay, and with them focus and selection. */
function replaceRows(rows: readonly HTMLTableRowElement[]): void {
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
