import { describeAge, durationInWords } from '../../text/durations.ts';
import { counted } from '../../text/numbers.ts';
import { dash } from './figures.ts';
import { joined, type Markup, markup } from './markup.ts';
import type { ClientChecks, PageCheck } from './page.ts';

/** The class of a row, by the state of its check. */
const classes = { critical: 'critical', warning: 'warning', unknown: 'failing', ok: 'fine' } as const;

/** Renders a client's checks, the worst first, in the given order. Returns null for a client without checks. */
export function checkTable(checks: readonly PageCheck[], nowMs: number): Markup | null {
  if (checks.length === 0) return null;
  const bad = checks.filter(({ state }) => state !== 'ok').length;
  return markup`<section aria-labelledby="checks"><h2 id="checks">Checks</h2>
<p class="count">${counted(checks.length, 'check')}, ${bad === 0 ? 'all of them OK' : `${bad} of them not OK`}.</p>
<div class="scroll" tabindex="0" role="group" aria-labelledby="checks"><table class="plain stacked"><thead><tr><th scope="col">State</th><th scope="col">Check</th><th scope="col">For</th><th scope="col">Text</th><th scope="col" class="wide">Figures</th></tr></thead>
<tbody>${checks.map((check) => checkRow(check, markup`<td>${sinceWords(check, nowMs)}</td>`))}</tbody></table></div></section>`;
}

/** Renders a client's checks for a report, where the page shows them above the client's plots. */
export function checkPanel(name: string, { bad, moreBad, ok }: ClientChecks): Markup {
  const rest = [...(moreBad > 0 ? [`${moreBad} more not OK`] : []), ...(ok > 0 ? [`${ok} OK`] : [])].join(', ');
  return markup`<template class="checks" data-client="${name}"><p class="count">Checks${rest !== '' && `: ${bad.length > 0 ? 'besides these ' : ''}${rest}`}.</p>
${bad.length > 0 && markup`<div class="scroll"><table class="plain stacked"><thead><tr><th scope="col">State</th><th scope="col">Check</th><th scope="col">Text</th><th scope="col" class="wide">Figures</th></tr></thead><tbody>${bad.map((check) => checkRow(check, null))}</tbody></table></div>`}</template>
`;
}

function sinceWords({ sinceMs, sinceIsOlder }: PageCheck, nowMs: number): Markup | string {
  return sinceMs === null ? dash : `${describeAge(nowMs - sinceMs)}${sinceIsOlder ? ' or more' : ''}`;
}

function checkRow({ name, state, text, figures, ageMs }: PageCheck, since: Markup | null): Markup {
  const age = ageMs > 0 && markup`<span class="about">result of ${durationInWords(ageMs)} before the report</span>`;
  return markup`<tr class="${classes[state]}"><td><span class="mark">${state === 'ok' ? 'OK' : state}</span></td><th scope="row"><span class="name">${name}</span></th>${since}<td class="text"><span class="words">${text}</span>${age}</td><td class="wide">${figures.length === 0 ? dash : joined(figures, ', ')}</td></tr>
`;
}
