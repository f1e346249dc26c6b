import { describeAge } from '../../text/durations.ts';
import { rounded } from '../../text/numbers.ts';
import { amount, availabilityBar, dash, percent, percentBar, sparkline } from './figures.ts';
import { joined, type Markup, markup } from './markup.ts';
import type { FleetPage, PageClient, PageLinks } from './page.ts';

/** The columns of the table: heading and sort key. Narrow screens omit the columns after the mount. */
export const columns = [
  ['State', 'rank'],
  ['Client', 'name'],
  ['CPU', 'cpu'],
  ['Memory', 'memory'],
  ['Fullest mount', 'disk'],
  ['Load a CPU', 'load'],
  ['Report', 'age'],
  ['Visits', 'availability'],
  ['CPU over the span', ''],
] as const;

/**
 * The lines that a screen shows at first. If the page's program runs, it hides the others until somebody asks for them.
 */
const maxLaidOut = 500;

/** Renders the fleet: a row for each client, in the order of the page's clients. */
export function fleetTable({ clients }: FleetPage): Markup {
  return markup`<section aria-labelledby="fleet"><h2 id="fleet">Fleet</h2>
<p class="count" id="shown">${amount(clients.length, 'client')}, the worst first.</p>
<div class="scroll" tabindex="0" role="group" aria-labelledby="fleet"><table id="clients"><thead><tr>${columns.map(
    ([heading, key]) => markup`<th scope="col"${key !== '' && markup` data-key="${key}"`}>${heading}</th>`,
  )}</tr></thead>
<tbody>${clients.map((client, rank) => clientRow(client, rank))}</tbody></table></div></section>`;
}

/** Renders the line of a client. With links, the client's name leads to its page and no line is hidden. */
export function clientRow(client: PageClient, rank: number, links?: PageLinks): Markup {
  const { name, address, hostname, os, cpuPercent, memoryPercent, diskPercent, diskMount, fullIn, loadPerCpu } = client;
  const { reportAgeMs, availability, spark, reason, openAlerts, pieces, labels = [] } = client;
  const level = levelOf(client);
  const isLater = links === undefined && rank >= maxLaidOut;
  const keys = [rank, cpuPercent.value, memoryPercent.value, diskPercent.value, loadPerCpu, reportAgeMs, availability];
  const about = [address === name ? null : address, isFirstOf(hostname, name) ? null : hostname, os].filter(
    (word) => word !== null,
  );
  return markup`<tr id="${encodeURIComponent(name)}" class="${level}${isLater && markup` later`}" data-keys="${keys.map((key) => (key === null ? '' : rounded(key, 3))).join(' ')}"><td><span class="mark">${client.worst ?? client.state}</span>${openAlerts > 0 && markup` <span class="alerts">${amount(openAlerts, 'alert')}</span>`}${level === 'near' && markup` <span class="alerts">near a limit</span>`}</td><th scope="row">${links === undefined ? markup`<span class="name" translate="no">${name}</span>` : markup`<a class="name" href="${links.client(name)}" translate="no">${name}</a>`}<span class="about">${joined(about, ' · ')}</span>${links !== undefined && labels.length > 0 && markup`<span class="about labels">${labels.map((label) => markup`<a href="${links.label(label)}">${label}</a> `)}</span>`}${reason !== null && markup`<span class="reason">${reason}</span>`}</th><td>${percentBar(cpuPercent)}</td><td>${percentBar(memoryPercent)}</td><td>${percentBar(diskPercent)}${diskMount !== null && markup`<span class="about">${diskMount}</span>`}${fullIn !== null && markup`<span class="about full">${fullIn.mount} full in ${describeAge(fullIn.inMs)}</span>`}</td><td>${loadPerCpu === null ? dash : loadPerCpu.toFixed(2)}</td><td>${reportAgeMs === null ? dash : describeAge(reportAgeMs)}</td><td>${pieces !== undefined && availabilityBar(pieces, name)}${availability === null ? dash : percent(availability * 100)}</td><td>${sparkline(spark, `CPU of ${name}`)}</td></tr>
`;
}

/** True if the hostname is the name, or the part of the name before a dot. */
function isFirstOf(hostname: string | null, name: string): boolean {
  return hostname === name || name.startsWith(`${hostname ?? ''}.`);
}

/** Returns the class of a row, by how urgent its client is. */
function levelOf({ state, worst, cpuPercent, memoryPercent, diskPercent, fullIn }: PageClient): string {
  if (worst !== null) return worst;
  if (state === 'failing' || state === 'late') return 'failing';
  if (state !== 'ok') return state;
  const levels = [cpuPercent, memoryPercent, diskPercent].map(({ beyond }) => beyond);
  return levels.some((level) => level !== null) || fullIn !== null ? 'near' : 'fine';
}
