import type { servedNames } from '../../config/vocabulary/vocabulary-serve.ts';
import { inboxPath, pushPath } from '../../report/seal/push.ts';
import { percentDecoded } from '../../text/percent-decoded.ts';
import { eventsPath, script, style } from '../page/live/live-document.ts';
import type { Answer, Answerer } from './answer.ts';
import type { TokenPurpose } from './tokens.ts';

/** A pool of connections: those of people and tools that read, and those of senders of pushes and events. */
export type Pool = 'look' | 'endpoints';

/**
 * The place where answers are made: at once, for an answer that costs next to nothing and that nobody else may hold up;
 * or in the process of pages, or in that of reports, which take longer.
 */
export type Maker = 'at once' | 'pages' | 'reports';

/** The first segment of a path is one that no prefix of the pages begins with. */
type ServedPath = '/' | `/${(typeof servedNames)[number]}${'' | `/${string}`}`;

/** A path that can be served. */
interface Endpoint {
  /**
   * The segments of the path. `:name` matches any but the empty one, `#id` matches digits, and `*name` one or more: a
   * proxy may have decoded the slash of a name.
   */
  readonly path: string;
  /** The purpose of tokens that open the endpoint; null: it is public. */
  readonly purpose: TokenPurpose | null;
  readonly made: Maker;
  /** False if the answer is not compressed, because it is small or no text. */
  readonly isPacked: boolean;
  /** The only method of an endpoint that reads the body itself, and has limits of its own. Default: GET and HEAD. */
  readonly takes?: 'POST' | 'PUT';
  /** True if the endpoint takes a small form by POST too, within the limits of GET. Default: false. */
  readonly takesForm?: boolean;
  /** The pool that its connections belong to. Default: `look`. */
  readonly pool?: Pool;
}

const small = { isPacked: false, made: 'at once' } as const;
const sent = { ...small, purpose: null, pool: 'endpoints' } as const;
const page = { purpose: 'look', isPacked: true, made: 'pages' } as const;

/** The endpoints by name. docs/serve.md has those of people, docs/json.md those of programs. */
export const endpoints = {
  ping: { ...small, path: '/ping', purpose: null },
  status: { ...small, path: '/status', purpose: 'status' },
  events: { ...sent, path: '/events', takes: 'POST' },
  eventPing: { ...sent, path: '/events/ping/:token' },
  eventPingOf: { ...sent, path: '/events/ping/:token/:what' },
  push: { ...sent, path: pushPath, takes: 'POST' },
  inbox: { ...sent, path: `${inboxPath}/:folder/:name`, takes: 'PUT' },
  reply: { ...small, path: '/reply/:token', purpose: null, takesForm: true },
  live: { ...small, path: '/live', purpose: 'look' },
  style: { path: style.path, purpose: 'look', isPacked: true, made: 'at once' },
  script: { path: script.path, purpose: 'look', isPacked: true, made: 'at once' },
  metrics: { ...page, path: '/metrics', purpose: 'metrics' },
  fleet: { ...page, path: '/' },
  alerts: { ...page, path: '/alerts' },
  alert: { ...page, path: '/alerts/#id', takesForm: true },
  runs: { ...page, path: '/runs' },
  newestEvents: { ...page, path: eventsPath },
  client: { ...page, path: '/c' },
  namedClient: { ...page, path: '/c/*name' },
  apiStatus: { ...page, path: '/api/v1/status', purpose: 'status' },
  apiAlerts: { ...page, path: '/api/v1/alerts' },
  apiSeries: { ...page, path: '/api/v1/series' },
  apiNamedSeries: { ...page, path: '/api/v1/clients/*name/series' },
  apiEvents: { ...page, path: '/api/v1/events' },
  report: { ...page, path: '/report', made: 'reports' },
} as const satisfies Readonly<Record<string, Endpoint & { readonly path: ServedPath }>>;

type EndpointName = keyof typeof endpoints;

/** The name of an endpoint whose answers another process makes. */
export type LookName = {
  [Name in EndpointName]: (typeof endpoints)[Name]['made'] extends 'at once' ? never : Name;
}[EndpointName];

/** True if another process makes the answers of an endpoint. */
export function isLookName(name: string): name is LookName {
  return (endpoints as Readonly<Record<string, Endpoint>>)[name]?.made !== 'at once';
}

/** A path that is served, and what answers. */
export interface ServedRoute extends Endpoint {
  /** Converts a refusal of the server to the form of the route's answers. Default: unchanged. */
  readonly refused?: (refusal: Answer) => Answer;
  readonly answer: Answerer;
}

/** Returns the route of an endpoint. */
export function routeOf(
  name: EndpointName,
  answer: Answerer,
  more: Partial<Pick<ServedRoute, 'purpose' | 'refused' | 'takesForm'>> = {},
): ServedRoute {
  return { ...endpoints[name], ...more, answer };
}

/** The target of a request line. */
export interface Target {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Parses the target of a request, which may include a host if a proxy sends it. */
export function targetOf(url: string): Target {
  const local = url.replace(/^https?:\/\/[^/?]*/i, '');
  const end = local.indexOf('?');
  const path = end === -1 ? local : local.slice(0, end);
  return { path: path === '' ? '/' : path, query: new URLSearchParams(end === -1 ? '' : local.slice(end + 1)) };
}

/**
 * Returns a path as routes have it. Proxies pass the prefix of the pages on, or remove it, and then may leave two
 * slashes; those that rewrite links, too, put it there twice.
 */
export function pathBelow(prefix: string, path: string): string {
  if (prefix === '') return path;
  const names = prefix.split('/').slice(1).map(percentDecoded);
  let rest = path.replace(/^\/+/, '').split('/');
  while (names.every((name, index) => name === percentDecoded(rest[index] ?? ''))) {
    rest = rest.slice(names.length);
    while (rest[0] === '') rest = rest.slice(1);
  }
  return `/${rest.join('/')}`;
}

/** Returns the route of a path with its named parts; null if there is none. */
export function findRoute(
  routes: readonly ServedRoute[],
  path: string,
): { readonly route: ServedRoute; readonly parts: Readonly<Record<string, string>> } | null {
  for (const route of routes) {
    const segments = route.path.split('/');
    const asked = segmentsFor(segments, path);
    if (asked === null) continue;
    const parts: Record<string, string> = {};
    const isSame = segments.every((segment, index) => {
      const part = asked[index] ?? '';
      if (!/^[:#*]/.test(segment)) return segment === part;
      parts[segment.slice(1)] = percentDecoded(part);
      return segment.startsWith('#') ? /^\d{1,15}$/.test(part) : part !== '';
    });
    if (isSame) return { route, parts };
  }
  return null;
}

/**
 * Returns as many segments of a path as a route has; null if that is impossible. A slash at the end, as people and
 * proxies add it, does not count.
 */
function segmentsFor(segments: readonly string[], path: string): readonly string[] | null {
  const asked = path.replace(/(?<=[^/])\/$/, '').split('/');
  const at = segments.findIndex((segment) => segment.startsWith('*'));
  const more = asked.length - segments.length;
  if (more === 0) return asked;
  if (at === -1 || more < 0) return null;
  return [...asked.slice(0, at), asked.slice(at, at + more + 1).join('/'), ...asked.slice(at + more + 1)];
}
