/** The program of the pages in the browser. The pages are complete without it, in less comfort. */
import { clientPanels } from './client-panels.ts';
import { startKeys } from './keys.ts';
import { liveUpdates } from './live.ts';
import { tableTools } from './table-tools.ts';

// The style hides parts only if this class shows that the program runs.
document.documentElement.classList.add('scripted');
if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start);
else start();

function start(): void {
  const table = document.querySelector<HTMLTableElement>('#clients');
  if (document.querySelector('main[data-live]') !== null) {
    liveUpdates();
    startKeys();
  } else if (table !== null) {
    tableTools(table);
    clientPanels(table);
  }
}
