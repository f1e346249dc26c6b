import { counted } from '../../text/numbers.ts';
import { momentInWords, type TimeReader } from '../../text/time-words.ts';
import { type Markup, markup } from './markup.ts';
import type { PageChange } from './page.ts';

/** Renders the newest changes of a client's state, newest first. Returns null for a client without changes. */
export function changeTable(changes: readonly PageChange[], older: number, reader: TimeReader): Markup | null {
  if (changes.length === 0) return null;
  const count =
    older === 0
      ? counted(changes.length, 'change')
      : `The newest ${changes.length} of ${counted(changes.length + older, 'change')}`;
  return markup`<section aria-labelledby="changes"><h2 id="changes">What changed</h2>
<p class="count">${count} of this span, newest first. The plots have a tick at the bottom for each.</p>
<div class="scroll" tabindex="0" role="region" aria-labelledby="changes"><table class="plain stacked"><thead><tr><th scope="col">Found</th><th scope="col">Change</th></tr></thead>
<tbody>${changes.map((change) => changeRow(change, reader))}</tbody></table></div></section>`;
}

function changeRow({ foundAtMs, words }: PageChange, reader: TimeReader): Markup {
  return markup`<tr><td>${momentInWords(reader, foundAtMs)}</td><td class="text"><span class="words">${words}</span></td></tr>
`;
}
