/** The program of the pages in the browser. Everything that it adds is there without it, in less comfort. */
import { clientPanels } from './client-panels.ts';
import { liveUpdates } from './live.ts';
import { tableTools } from './table-tools.ts';

const table = document.querySelector<HTMLTableElement>('#clients');
if (document.querySelector('main[data-live]') !== null) liveUpdates();
else if (table !== null) {
  tableTools(table);
  clientPanels(table);
}
