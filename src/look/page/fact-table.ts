import { clientLink, commandCode } from './alert-list.ts';
import { dash } from './figures.ts';
import { type Markup, markup } from './markup.ts';
import type { FactCell, FactTable, PageLinks } from './page.ts';

/** Renders facts as a table with a heading. Narrow screens show each line in one column. Returns null without lines. */
export function factTable({ id, title, about, columns, rows }: FactTable, links: PageLinks): Markup | null {
  if (rows.length === 0) return null;
  return markup`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
${about !== null && markup`<p class="count">${about}</p>`}
<div class="scroll" tabindex="0" role="group" aria-labelledby="${id}"><table class="plain facts">${
    columns.length > 0 &&
    markup`<thead><tr>${columns.map((column) => markup`<th scope="col">${column}</th>`)}</tr></thead>`
  }
<tbody>${rows.map(
    ({
      level,
      cells: [first, ...others],
    }) => markup`<tr${level !== undefined && markup` class="${level}"`}><th scope="row">${cellHtml(first ?? null, links)}</th>${others.map(
      (cell, index) =>
        markup`<td${columns.length > 0 && markup` data-label="${columns[index + 1] ?? ''}"`}>${cellHtml(cell, links)}</td>`,
    )}</tr>
`,
  )}</tbody></table></div></section>`;
}

function cellHtml(cell: FactCell, links: PageLinks): Markup | string {
  if (cell === null || cell === '') return dash;
  if (typeof cell === 'string') return markup`<span class="words">${cell}</span>`;
  if ('command' in cell) return commandCode(cell.command);
  if ('client' in cell) return clientLink(cell.client, links);
  return markup`<a href="${links.alert(cell.alert)}">${cell.text}</a>`;
}
