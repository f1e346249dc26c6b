import { counted } from '../../text/numbers.ts';
import { momentInWords, type TimeReader } from '../../text/time-words.ts';
import { dash } from './figures.ts';
import { type Markup, markup } from './markup.ts';
import type { PageLogLine } from './page.ts';

/** Renders the newest lines of a client's logs, newest first. Returns null for a client without lines. */
export function logTable(lines: readonly PageLogLine[], reader: TimeReader): Markup | null {
  if (lines.length === 0) return null;
  return markup`<section aria-labelledby="logs"><h2 id="logs">Log lines</h2>
<p class="count">${countWords(lines)}</p>
<div class="scroll" tabindex="0" role="group" aria-labelledby="logs">${table(lines, reader)}</div></section>`;
}

/** Renders a client's log lines for a report, where the page shows them below the client's plots. */
export function logPanel(name: string, lines: readonly PageLogLine[], reader: TimeReader): Markup {
  return markup`<template class="logs" data-client="${name}"><p class="count"><b>Log lines</b> ${countWords(lines)}</p>
<div class="scroll">${table(lines, reader)}</div></template>
`;
}

function countWords({ length }: readonly PageLogLine[]): string {
  return length === 1 ? 'The newest one.' : `The newest ${counted(length, 'line')}, newest first.`;
}

function table(lines: readonly PageLogLine[], reader: TimeReader): Markup {
  return markup`<table class="plain stacked logs"><thead><tr><th scope="col">Logged</th><th scope="col" class="wide">Priority</th><th scope="col">By</th><th scope="col">Text</th></tr></thead>
<tbody>${lines.map((line) => lineRow(line, reader))}</tbody></table>`;
}

function lineRow({ atMs, priority, by, text, times }: PageLogLine, reader: TimeReader): Markup {
  return markup`<tr><td>${momentInWords(reader, atMs)}</td><td class="wide">${priority ?? dash}</td><th scope="row"><span class="words">${by ?? dash}</span></th><td class="text"><span class="words">${text}</span>${times > 1 && markup` <span class="quiet">(${times} times)</span>`}</td></tr>
`;
}
