import { counted } from '../../text/numbers.ts';
import { momentInWords, type TimeReader } from '../../text/time-words.ts';
import { type Markup, markup } from './markup.ts';
import type { PageChange } from './page.ts';

/** The heading of a list of changes, and the sentence above it. */
interface ChangeHeading {
  readonly title: string;
  readonly about: string;
}

/**
 * Renders the newest changes of a client's state, newest first. Returns null for a client without changes, unless a
 * heading says something of its own. Default heading: the changes of the span of the plots.
 */
export function changeTable(
  changes: readonly PageChange[],
  older: number,
  reader: TimeReader,
  heading: ChangeHeading | null = null,
): Markup | null {
  if (changes.length === 0 && heading === null) return null;
  const { title, about } = heading ?? { title: 'What changed', about: spanWords(changes.length, older) };
  return markup`<section aria-labelledby="changes"><h2 id="changes">${title}</h2>
<p class="count">${about}</p>
${
  changes.length > 0 &&
  markup`<div class="scroll" tabindex="0" role="group" aria-labelledby="changes"><table class="plain stacked"><thead><tr><th scope="col">Found</th><th scope="col">Change</th></tr></thead>
<tbody>${changes.map((change) => changeRow(change, reader))}</tbody></table></div>`
}</section>`;
}

function spanWords(shown: number, older: number): string {
  const count = older === 0 ? counted(shown, 'change') : `The newest ${shown} of ${counted(shown + older, 'change')}`;
  return `${count} of this span, newest first. The plots have a tick at the bottom for each.`;
}

function changeRow({ foundAtMs, words }: PageChange, reader: TimeReader): Markup {
  return markup`<tr><td>${momentInWords(reader, foundAtMs)}</td><td class="text"><span class="words">${words}</span></td></tr>
`;
}
