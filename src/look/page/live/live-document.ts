import { createHash } from 'node:crypto';

import { serverZone } from '../../../text/server-zone.ts';
import { liveStyleText, scriptText } from '../assets.ts';
import { escapeMarkup } from '../../../text/escape-markup.ts';
import { bareText, joined, type Markup, markup } from '../markup.ts';

/** A file that pages load. Its name changes with its content, so that browsers may cache it. */
interface Asset {
  readonly path: `/assets/${string}`;
  readonly type: string;
  readonly content: string;
}

function asset(ending: string, type: string, content: string): Asset {
  const digest = createHash('sha256').update(content).digest('hex').slice(0, 20);
  return { path: `/assets/${digest}.${ending}`, type, content };
}

/** The style of the pages. Those without a login need it too. */
export const style: Asset = asset('css', 'text/css; charset=utf-8', liveStyleText);
/** The program of the pages. */
export const script: Asset = asset('js', 'text/javascript; charset=utf-8', scriptText);

/** The policy of the pages. They contain data only: their style and program are files of this server. */
export const livePolicy = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

export interface LiveDocument {
  /** The parts of the title. */
  readonly title: readonly string[];
  /** The path of the page. The navigation marks the entry with this path. */
  readonly path: string;
  /** HTML below the title in the header. Default: none. */
  readonly lead?: Markup;
  /** HTML of the page. */
  readonly body: Markup;
  readonly zone: string | null;
}

/** The surroundings of all pages. */
export interface PageSurroundings {
  /** True if events are accepted and shown: the navigation has their page. */
  readonly hasEvents: boolean;
  /** The path that all pages are below, without its last slash; empty: they are at `/`. */
  readonly prefix: string;
}

export const eventsPath = '/events/newest';

const pages = [
  ['/', 'Fleet'],
  ['/alerts', 'Alerts'],
  ['/runs', 'Runs'],
  [eventsPath, 'Events'],
] as const;

/** The list of the keys that keys.ts makes work, where a reader can switch them off. */
const keyList = markup`<dialog class="keys" aria-label="Keys"><h2>Keys</h2><dl>${[
  ['/', 'filter'],
  ['j', 'next line'],
  ['k', 'line before'],
  ['Enter', 'open the line'],
  ['?', 'this list'],
].map(([key = '', words = '']) => markup`<dt><kbd>${key}</kbd></dt><dd>${words}</dd>`)}</dl>
<form method="dialog"><label><input type="checkbox"> Keys work</label><button>Close</button></form></dialog>`;

/** Renders a page of the server. `notice` stands above everything, for instance that the database is away. */
export function liveHtml(
  { title, path, lead, body, zone }: LiveDocument,
  notice: string | null,
  { hasEvents, prefix }: PageSurroundings,
): string {
  const shown = pages.filter(([href]) => hasEvents || href !== eventsPath);
  const page = markup`<nav aria-label="Pages"><ul>${shown.map(
    ([href, words]) => markup`<li><a href="${href}"${href === path && markup` aria-current="page"`}>${words}</a></li>`,
  )}</ul><button type="button" class="keys" hidden>Keys</button><p id="live" role="status"></p></nav>
${notice !== null && markup`<p class="notice" role="alert">${notice}</p>`}
<header><h1>${joined(title, ' ')}</h1>
${lead ?? null}</header>
<main data-live data-zone="${zone ?? serverZone()}">
${body}
</main>
<footer><p class="quiet">Times are those of ${zone ?? serverZone()}.</p></footer>
${keyList}`;
  return wholeHtml(
    title,
    page,
    markup`
<script src="${script.path}" defer></script>`,
    prefix,
  );
}

/** Renders a page for visitors without a login: no program, and no links to other pages above it. */
export function plainHtml(
  { title, body, zone }: Pick<LiveDocument, 'title' | 'body' | 'zone'>,
  prefix: string,
): string {
  return wholeHtml(
    title,
    markup`<header><h1>${joined(title, ' ')}</h1></header>
<main data-zone="${zone ?? serverZone()}">
${body}
</main>`,
    null,
    prefix,
  );
}

/** The places of addresses of this server. Texts have none of them: `markup` escapes their quotes. */
const ownAddresses = /(?<= (?:href|src|action)=")(?=\/)/g;

function wholeHtml(title: readonly string[], body: Markup, scripts: Markup | null, prefix: string): string {
  const { html } = markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${joined(title.map(bareText), ' ')}</title>
<link rel="stylesheet" href="${style.path}">
<link rel="icon" href="data:,">${scripts}
</head>
<body>
${body}
</body>
</html>
`;
  return prefix === '' ? html : html.replace(ownAddresses, () => escapeMarkup(prefix));
}
