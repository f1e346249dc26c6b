import { percentDecoded } from '../text/percent-decoded.ts';
import type { Answer, Answerer } from './answer.ts';
import type { TokenPurpose } from './tokens.ts';

/** Connections of people and tools that look, and of those that push or send events. */
export type Pool = 'look' | 'endpoints';

/** The answers to a path. */
export interface Route {
  /** Segments; one such as `:name` stands for any other than the empty one, one such as `#id` for digits. */
  readonly path: string;
  /** The tokens that open it; null: it is open to everybody. */
  readonly purpose: TokenPurpose | null;
  /** False if it is sent as it is: it is small, or no text. */
  readonly isPacked: boolean;
  /** True: it takes POST alone, reads the body itself, and has limits of its own. Default: GET and HEAD. */
  readonly isPost?: boolean;
  /** The connections among which it counts. Default: `look`. */
  readonly pool?: Pool;
  /** Returns a refusal of the server in the form of its answers. Default: the same. */
  readonly refused?: (refusal: Answer) => Answer;
  readonly answer: Answerer;
}

/** The target of a request line. */
export interface Target {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Reads the target of a request. A proxy may name the host in it. */
export function targetOf(url: string): Target {
  const local = url.replace(/^https?:\/\/[^/?]*/i, '');
  const end = local.indexOf('?');
  const path = end === -1 ? local : local.slice(0, end);
  return { path: path === '' ? '/' : path, query: new URLSearchParams(end === -1 ? '' : local.slice(end + 1)) };
}

/** Returns the route of a path with the parts that it names, or null. */
export function findRoute(
  routes: readonly Route[],
  path: string,
): { readonly route: Route; readonly parts: Readonly<Record<string, string>> } | null {
  const asked = path.split('/');
  for (const route of routes) {
    const segments = route.path.split('/');
    if (segments.length !== asked.length) continue;
    const parts: Record<string, string> = {};
    const isSame = segments.every((segment, index) => {
      const part = asked[index] ?? '';
      if (!/^[:#]/.test(segment)) return segment === part;
      parts[segment.slice(1)] = percentDecoded(part);
      return segment.startsWith('#') ? /^\d{1,15}$/.test(part) : part !== '';
    });
    if (isSame) return { route, parts };
  }
  return null;
}
