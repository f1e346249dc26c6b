import { describeAge } from '../../text/durations.ts';
import { momentInWords } from '../../text/time-words.ts';
import { amount, dash } from '../figures.ts';
import { type Markup, markup } from '../markup.ts';
import { countList, type FleetView, tableSection } from './fleet-view.ts';

/** A line of the table of sites. */
export interface PageSite {
  readonly name: string;
  readonly href: string;
  /** The time since which the site does not answer, and the reason; null if the site answers. */
  readonly away: { readonly sinceMs: number; readonly reason: string } | null;
  /** The age of the site's last answer; null if the site has never answered. */
  readonly answerAgeMs: number | null;
  /** The age of the newest run of the site's collector; null: unknown. */
  readonly collectedAgoMs: number | null;
  readonly clients: number | null;
  readonly counts: Readonly<Record<string, number>>;
}

export type SitesView = Pick<FleetView, 'zone' | 'nowMs' | 'query' | 'counts' | 'total' | 'matching' | 'clients'> & {
  readonly sites: readonly PageSite[];
};

const counted = ['critical', 'warning', 'failing', 'late'] as const;

/** Renders the first lines of the federation's page. */
export function sitesLead(view: SitesView): Markup {
  const away = view.sites.filter((site) => site.away !== null).length;
  return markup`<p>${amount(view.sites.length, 'site')}${away > 0 && markup`, ${amount(away)} without an answer`}.</p>
${countList(view)}`;
}

/** Renders the federation's page: the sites, then the worst clients of all sites. */
export function sitesView(view: SitesView): Markup {
  const { sites, nowMs, zone } = view;
  const state = ({ away, answerAgeMs }: PageSite): Markup | string => {
    if (away === null) return answerAgeMs === null ? 'not asked yet' : 'answers';
    const since = momentInWords({ zone, nowMs }, away.sinceMs);
    return markup`<b>no answer since ${since}</b><span class="reason">${away.reason}</span>`;
  };
  const age = (ms: number | null): Markup | string => (ms === null ? dash : describeAge(ms));
  return markup`<section id="open" aria-labelledby="sites"><h2 id="sites">Sites</h2>
<div class="scroll" tabindex="0" role="region" aria-labelledby="sites"><table class="plain"><thead><tr><th scope="col">Site</th><th scope="col">State</th><th scope="col">Clients</th><th scope="col">Critical</th><th scope="col">Warning</th><th scope="col">Failing</th><th scope="col">Late</th><th scope="col" class="wide">Collected</th><th scope="col" class="wide">Answer</th></tr></thead>
<tbody>${sites.map(
    (site) =>
      markup`<tr class="${site.away !== null && 'failing'}"><th scope="row"><a href="${site.href}">${site.name}</a></th><td>${state(site)}</td><td>${site.clients === null ? dash : amount(site.clients)}</td>${counted.map((kind) => markup`<td>${site.clients === null ? dash : amount(site.counts[kind] ?? 0)}</td>`)}<td class="wide">${age(site.collectedAgoMs)}</td><td class="wide">${age(site.answerAgeMs)}</td></tr>\n`,
  )}</tbody></table></div></section>
${tableSection(view, view.matching > view.clients.length && markup`<p>Search, or open the page of a site, for the others.</p>`)}`;
}
