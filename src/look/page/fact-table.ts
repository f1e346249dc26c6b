import { clientLink, commandCode } from './alert-list.ts';
import { dash } from './figures.ts';
import { type Markup, markup } from './markup.ts';
import type { FactCell, FactTable, PageLinks } from './page.ts';

/**
 * Renders facts as a table with a heading, and notes as a last column. Narrow screens show each line in one column.
 * Returns null if there is nothing to say.
 */
export function factTable({ id, title, about, columns, rows }: FactTable, links: PageLinks): Markup | null {
  if (rows.length === 0 && about === null) return null;
  const hasNotes = rows.some(({ notes = [] }) => notes.length > 0);
  const [first, ...others] = [...columns.map((column) => capitalised(column.title)), ...(hasNotes ? ['Notes'] : [])];
  const row = ({ cells, notes = [] }: FactTable['rows'][number]): Markup => {
    const [name, ...values] = cells.map((cell) => cellHtml(cell, links));
    const sentences = hasNotes ? [markup`${notes.map((note) => markup`<p class="words">${note}</p>`)}`] : [];
    return markup`<tr><th scope="row">${name ?? null}</th>${[...values, ...sentences].map(
      // A single value beside a name needs no label.
      (value, index) => markup`<td${others.length > 1 && markup` data-label="${others[index] ?? ''}"`}>${value}</td>`,
    )}</tr>
`;
  };
  return markup`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
${about !== null && markup`<p class="count">${about}</p>`}
${
  rows.length > 0 &&
  markup`<div class="scroll" tabindex="0" role="group" aria-labelledby="${id}"><table class="plain facts"><thead><tr>${[first ?? '', ...others].map((one) => markup`<th scope="col">${one}</th>`)}</tr></thead>
<tbody>${rows.map(row)}</tbody></table></div>`
}</section>`;
}

function capitalised(text: string): string {
  return text.replace(/^./, (first) => first.toUpperCase());
}

function cellHtml(cell: FactCell, links: PageLinks): Markup | string {
  if (cell === null || cell === '') return dash;
  if (typeof cell === 'string') return markup`<span class="words">${cell}</span>`;
  if ('command' in cell) return commandCode(cell.command);
  if ('client' in cell) return clientLink(cell.client, links);
  if ('level' in cell) return markup`<span class="${cell.level}"><span class="mark words">${cell.text}</span></span>`;
  return markup`<a href="${links.alert(cell.alert)}">${cell.text}</a>`;
}
