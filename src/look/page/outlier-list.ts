import { amount } from './figures.ts';
import { clientLink } from './alert-list.ts';
import { joined, type Markup, markup } from './markup.ts';
import type { PageOutliers } from './page.ts';

/** The most clients that one sentence names. */
const maxNamed = 12;

/** Renders the members of groups that differ from the others. Returns null if there are none. */
export function outlierList({ figures, kinds, more }: PageOutliers): Markup | null {
  if (figures.length + kinds.length === 0) return null;
  const rows = figures.map(
    ({ client, group, what, value, median }) =>
      markup`<tr><th scope="row">${clientLink(client)}</th><td>${what}</td><td>${value}</td><td>${median}</td><td>${group}</td></tr>
`,
  );
  return markup`<section aria-labelledby="outliers"><h2 id="outliers">Unlike the others of their group</h2>
${figures.length > 0 && markup`<div class="scroll" tabindex="0" role="group" aria-labelledby="outliers"><table class="plain"><thead><tr>${['Client', 'What', 'Value', 'Median', 'Group'].map((title) => markup`<th scope="col">${title}</th>`)}</tr></thead><tbody>${rows}</tbody></table></div>`}
${kinds.length > 0 && markup`<ul>${kinds.map((odd) => markup`<li>${odd.group}: ${odd.sentence}: ${namesOf(odd.clients)}</li>\n`)}</ul>`}${more > 0 && markup`<p>And ${amount(more, 'outlier')} more: <code translate="no">fleet-health outliers</code></p>`}
</section>`;
}

function namesOf(clients: readonly string[]): Markup {
  const more = clients.length - maxNamed;
  const named = joined(
    clients.slice(0, maxNamed).map((client) => clientLink(client)),
    ', ',
  );
  return markup`${named}${more > 0 && markup` and ${more} more`}`;
}
