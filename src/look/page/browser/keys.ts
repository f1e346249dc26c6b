/** The place where a browser keeps that somebody switched the keys off. */
const offMark = 'fleet-health-keys-off';

/** Makes single keys work, and shows the button for the list of keys, where they can be switched off. */
export function startKeys(): void {
  const dialog = document.querySelector<HTMLDialogElement>('dialog.keys');
  const button = document.querySelector<HTMLButtonElement>('button.keys');
  const box = dialog?.querySelector('input') ?? null;
  if (dialog === null || button === null || box === null) return;
  button.hidden = false;
  button.addEventListener('click', () => dialog.showModal());
  box.checked = !isOff();
  box.addEventListener('change', () => {
    if (box.checked) localStorage.removeItem(offMark);
    else localStorage.setItem(offMark, '');
  });
  document.addEventListener('keydown', (event) => {
    const { key, target, altKey, ctrlKey, metaKey } = event;
    if (altKey || ctrlKey || metaKey || dialog.open || isOff()) return;
    if (target instanceof HTMLElement && target.matches('input, select, textarea')) return;
    const act = actions[key];
    if (key === '?') dialog.showModal();
    else if (act === undefined) return;
    else act();
    event.preventDefault();
  });
}

const actions: Readonly<Record<string, (() => void) | undefined>> = {
  '/': () => document.querySelector<HTMLInputElement>('input[type=search]')?.focus(),
  j: () => moveBy(1),
  k: () => moveBy(-1),
};

/** The link of each line of a page: a client, an alert. */
const lineLinks = '#clients tbody td ~ th a.name, ol.alerts .what a:last-of-type, .plain tbody th a';

function moveBy(step: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLAnchorElement>(lineLinks)];
  const rows = links.filter((link) => link.closest('#clients') !== null);
  // A list of clients has the lines; alerts above it are reached by Tab.
  const lines = rows.length > 0 ? rows : links;
  const at = lines.findIndex((link) => link === document.activeElement);
  const next = at === -1 ? (step === 1 ? 0 : lines.length - 1) : at + step;
  lines[next]?.focus();
  lines[next]?.scrollIntoView({ block: 'nearest' });
}

function isOff(): boolean {
  try {
    return localStorage.getItem(offMark) !== null;
  } catch {
    return false;
  }
}
