import { selectClients } from '../../../config/clients/select-clients.ts';
import type { Config } from '../../../config/config.ts';
import { splitGlobs } from '../../../config/values/globs.ts';
import { usageError } from '../../../platform/errors/errors.ts';
import type { FleetQuery } from '../../page/live/links.ts';
import { hourMs } from '../../../platform/units.ts';
import { parseDuration } from '../../../text/durations.ts';
import type { ClientSpan } from './pages.ts';

const longestWords = 200;
/** The most groups that a request folds. */
const maxFolded = 64;
/** The most `*` and braces of a pattern: their number is the exponent of its matching time. */
const maxOpen = 3;
/** The most patterns of a request. */
const maxPatterns = 32;
const longestMs = 10 * 365 * 24 * hourMs;

/** Reads the requested part of the fleet. Ignores invalid values. */
export function fleetQuery(query: URLSearchParams): FleetQuery {
  const from = query.get('from') ?? '';
  return {
    words: (query.get('q') ?? '').slice(0, longestWords),
    state: query.get('state') ?? '',
    group: (query.get('group') ?? '').slice(0, longestWords),
    label: (query.get('label') ?? '').slice(0, longestWords),
    sort: query.get('sort') ?? '',
    folded: [...new Set(query.getAll('fold').slice(0, maxFolded))],
    from: /^\d{1,6}$/.test(from) ? Number(from) : 0,
  };
}

/** Reads the requested part of a document; null: all of it. Throws FleetError `usage`. */
export function fleetPartAsked(query: URLSearchParams): (FleetQuery & { readonly limit: number }) | null {
  const limit = query.get('limit');
  if (limit === null) return null;
  if (/^[1-9]\d{0,3}$/.test(limit))
    return { ...fleetQuery(query), group: '', label: '', folded: [], limit: Number(limit) };
  throw usageError(`limit=${limit} is no number of clients`, 'Write 1 to 9999.');
}

/** Reads a span that ends now. Throws FleetError `usage`. */
export function spanOf(client: string, query: URLSearchParams): ClientSpan {
  const asked = query.get('since');
  const span = asked ?? '24h';
  const spanMs = parseDuration(span);
  if (spanMs !== null && spanMs >= hourMs && spanMs <= longestMs)
    return { client, span, spanMs, isUsual: asked === null };
  throw usageError(`since=${span} is no span`, 'Write 1h to 10y, like 24h or 30d.');
}

/** Refuses patterns whose matching would block other requests. Throws FleetError `usage`. */
export function checkPatterns(asked: readonly string[]): void {
  const patterns = asked.flatMap(splitGlobs).filter((one) => /[*{]/.test(one));
  const large = patterns.find((one) => (one.match(/\*+|\{/g) ?? []).length > maxOpen);
  if (large !== undefined) throw usageError(`"${large}" has more than ${maxOpen} of * and {`, 'Write it simpler.');
  if (patterns.length > maxPatterns) throw usageError(`there are more than ${maxPatterns} patterns`, 'Write names.');
}

/** Returns the clients of a document or report, in the order of config.xml. Throws FleetError `usage`. */
export function askedClients(config: Config, clients: readonly string[], group: string | null): readonly string[] {
  const groups = group === null ? [] : [group];
  checkPatterns([...clients, ...groups]);
  return selectClients(config, { names: clients, groups }).map(({ name }) => name);
}
