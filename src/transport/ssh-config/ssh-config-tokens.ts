import { createHash } from 'node:crypto';

import { parseJumps } from '../../config/values/jumps.ts';
import type { SshConfigLine } from './ssh-config-line.ts';
import { portNumber, type FollowedOption } from './ssh-config-options.ts';

/** The user and machine for which ssh_config is evaluated. */
export interface SshSelf {
  readonly user: string;
  readonly uid: string;
  readonly home: string;
  readonly hostname: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** The values of the tokens in a file name, user or host name of ssh_config (ssh_config(5), TOKENS). */
export type SshTokens = Readonly<Record<string, string>>;

/** An expanded text. If a token cannot be expanded, `text` is null and `fault` says why. */
interface Expanded {
  readonly text: string | null;
  readonly fault: null | 'has a token that is not followed' | 'has a variable that is not set' | 'has ${ without }';
}

/**
 * Replaces `%x` by the given tokens and `%%` by `%`. Replaces `${NAME}` by its value if there is an environment. A
 * single pass, so that inserted text is not expanded again.
 */
export function expandTokens(text: string, tokens: SshTokens, environment: NodeJS.ProcessEnv | null = null): Expanded {
  const faults: Expanded['fault'][] = [];
  const expanded = text.replace(/%(.?)|\$\{([^}]*)(\}?)/gs, (whole, letter?: string, name?: string, end?: string) => {
    if (letter !== undefined) {
      if (letter === '%') return '%';
      const value = Object.hasOwn(tokens, letter) ? tokens[letter] : undefined;
      if (value === undefined) faults.push('has a token that is not followed');
      return value ?? whole;
    }
    if (environment === null) return whole;
    const value = end === '' ? undefined : environment[name ?? ''];
    if (value === undefined) faults.push(end === '' ? 'has ${ without }' : 'has a variable that is not set');
    return value ?? whole;
  });
  const [fault = null] = faults;
  return fault === null ? { text: expanded, fault } : { text: null, fault };
}

/** Returns the tokens that do not depend on the host. */
export function tokensOfSelf({ user, uid, home, hostname }: SshSelf): SshTokens {
  return { L: hostname.split('.')[0] ?? hostname, d: home, i: uid, l: hostname, u: user };
}

/** The tokens that depend on the host. */
export const hostTokens = ['C', 'h', 'j', 'k', 'n', 'p', 'r'] as const;

export interface ConnectionFacts {
  /** The host name as a user would type it, and the user and machine that ask. */
  readonly question: { readonly host: string; readonly self: SshSelf };
  /** The options that are set so far. */
  readonly first: ReadonlyMap<FollowedOption, SshConfigLine>;
  /** The host name after HostName. */
  readonly host: string;
  /** The login name; null while `User` itself is expanded, which may contain neither `%r` nor `%C`. */
  readonly user: string | null;
  /** The name for `%k` if no HostKeyAlias is set. */
  readonly keyName: string;
}

/** Returns all tokens of a connection. */
export function connectionTokens({ question, first, host, user, keyName }: ConnectionFacts): SshTokens {
  const { self } = question;
  const valueOf = (keyword: FollowedOption): string | null => first.get(keyword)?.args[0] ?? null;
  const p = String(portNumber(valueOf('port') ?? '') ?? 22);
  const j = lastJump(first.get('proxyjump')?.rest ?? 'none');
  const tokens = {
    ...tokensOfSelf(self),
    ...{ h: host, j, k: valueOf('hostkeyalias') ?? keyName, n: question.host, p },
  };
  if (user === null) return tokens;
  const C = createHash('sha1').update(`${self.hostname}${host}${p}${user}${j}`).digest('hex');
  return { ...tokens, C, r: user };
}

/** Returns the host of the last jump of a ProxyJump; an empty text for `none`. */
function lastJump(rest: string): string {
  const text = jumpText(rest);
  return text.toLowerCase() === 'none' ? '' : (parseJumps(text)?.at(-1)?.host ?? '');
}

/** Returns the value of a ProxyJump as ssh reads it: its first word, without a comment and without `=` before it. */
export function jumpText(rest: string): string {
  return /^[ \t=]*([^# \t]*)/.exec(rest)?.[1] ?? '';
}
