import type { PageLinks } from '../page.ts';

/** The part of the fleet that a request asks for. */
export interface FleetQuery {
  /** Words that a line must contain; empty: any line. */
  readonly words: string;
  /** The state of the clients, as `StateCount.state`; empty: any. */
  readonly state: string;
  /** The group of the clients, or one around theirs; empty: any. */
  readonly group: string;
  /** A label selector, `site=ber`; empty: any. */
  readonly label: string;
  /** The column that sorts the lines; empty: by group, and the worst first. */
  readonly sort: string;
  /** The groups of which only the heading is shown, by innermost name; `*`: all. */
  readonly folded: readonly string[];
  /** The number of lines to skip. */
  readonly from: number;
}

/** The query of the whole fleet. */
export const wholeFleet: FleetQuery = { words: '', state: '', group: '', label: '', sort: '', folded: [], from: 0 };

/** Returns the address of a part of the fleet. */
export function hrefOf({ words, state, group, label, sort, folded, from }: FleetQuery): string {
  const given = Object.entries({ q: words, state, group, label, sort, from: from === 0 ? '' : String(from) });
  const parameters = new URLSearchParams(given.filter(([, value]) => value !== ''));
  for (const name of folded) parameters.append('fold', name);
  return parameters.size === 0 ? '/' : `/?${parameters.toString()}`;
}

/**
 * True if a name stands in a path as it is. Proxies decode, refuse or rewrite what other names need there:
 * `%2F`, `%5C`, `%25`, `..`, `;`, a slash beside a slash. They pass a query on untouched.
 */
function isPlain(name: string): boolean {
  return /^[A-Za-z0-9_][\w.-]*$/.test(name);
}

/** Returns the query by which a page of a client links itself over a span: `?since=7d`. */
export function spanHref(client: string, span: string): string {
  return `?${new URLSearchParams({ ...(!isPlain(client) && { client }), since: span }).toString()}`;
}

/** Returns the address of the document of a client's figures. */
export function seriesHref(client: string, span: string): string {
  const path = isPlain(client) ? `/api/v1/clients/${client}/series` : '/api/v1/series';
  return path + spanHref(client, span);
}

export const links: PageLinks = {
  client: (name) => (isPlain(name) ? `/c/${name}` : `/c?${new URLSearchParams({ client: name }).toString()}`),
  alert: (id) => `/alerts/${id}`,
  label: (label) => hrefOf({ ...wholeFleet, label }),
};
