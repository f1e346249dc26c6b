import { percentDecoded } from '../../text/percent-decoded.ts';
import type { Answer, Answerer } from './answer.ts';
import type { TokenPurpose } from './tokens.ts';

/** A pool of connections: those of people and tools that read, and those of senders of pushes and events. */
export type Pool = 'look' | 'endpoints';

/** The answers to a path. */
export interface ServedRoute {
  /**
   * The segments of the path. `:name` matches any but the empty one, `#id` matches digits, and `*name` one or more: a
   * proxy may have decoded the slash of a name.
   */
  readonly path: string;
  /** The purpose of tokens that open the route; null: it is public. */
  readonly purpose: TokenPurpose | null;
  /** False if the answer is not compressed, because it is small or no text. */
  readonly isPacked: boolean;
  /** The only method of a route that reads the body itself, and has limits of its own. Default: GET and HEAD. */
  readonly takes?: 'POST' | 'PUT';
  /** True if the route takes a small form by POST too, within the limits of GET. Default: false. */
  readonly takesForm?: boolean;
  /** The pool that its connections belong to. Default: `look`. */
  readonly pool?: Pool;
  /** Converts a refusal of the server to the form of the route's answers. Default: unchanged. */
  readonly refused?: (refusal: Answer) => Answer;
  readonly answer: Answerer;
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
