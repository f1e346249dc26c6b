import { selectClients } from '../config/clients/select-clients.ts';
import type { Config } from '../config/config.ts';
import { usageError } from '../errors.ts';
import type { FleetQuery } from '../page/live/fleet-view.ts';
import { hourMs } from '../platform/units.ts';
import { parseDuration } from '../text/durations.ts';
import type { ClientSpan } from './pages.ts';

const longestWords = 200;
const longestMs = 10 * 365 * 24 * hourMs;

/** Reads a parameter of an address; empty if it is missing. */
export type Parameters = (name: string) => string | undefined;

/** Reads which part of the fleet is asked for. What makes no sense asks for nothing special. */
export function fleetQuery(parameter: Parameters): FleetQuery {
  const from = parameter('from') ?? '';
  return {
    words: (parameter('q') ?? '').slice(0, longestWords),
    state: parameter('state') ?? '',
    sort: parameter('sort') ?? '',
    from: /^\d{1,6}$/.test(from) ? Number(from) : 0,
  };
}

/** Reads a span that ends now. Throws FleetError `usage`. */
export function spanOf(client: string, parameter: Parameters): ClientSpan {
  const span = parameter('since') ?? '24h';
  const spanMs = parseDuration(span);
  if (spanMs !== null && spanMs >= hourMs && spanMs <= longestMs) return { client, span, spanMs };
  throw usageError(`since=${span} is no span`, 'Write 1h to 10y, like 24h or 30d.');
}

/** Returns the clients of a document or report, in the order of config.xml. Throws FleetError `usage`. */
export function askedClients(config: Config, clients: readonly string[], group: string | null): readonly string[] {
  const groups = group === null ? [] : [group];
  return selectClients(config, { names: clients, groups }).map(({ name }) => name);
}
