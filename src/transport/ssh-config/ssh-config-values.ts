import { createHash } from 'node:crypto';
import path from 'node:path';

import { expandTokens, type SshConfigAnswer, type SshConfigQuestion, type SshTokens } from './ssh-config.ts';
import type { SshConfigOption } from './ssh-config-file.ts';
import { timeSeconds, type FollowedOption } from './ssh-config-options.ts';

/** A value and the place that sets it. */
export interface Placed<T> {
  readonly value: T;
  /** `FILE:LINE`. */
  readonly place: string;
}

/** The values that ssh_config files set for a host, in this program's terms. null if not set. */
export interface SshConfigValues {
  readonly hostName: Placed<string> | null;
  readonly port: Placed<number> | null;
  readonly user: Placed<string> | null;
  /** Absolute paths. Empty if no file is named. `none` is omitted. */
  readonly identityFiles: readonly Placed<string>[];
  readonly certificateFiles: readonly Placed<string>[];
  readonly identitiesOnly: Placed<boolean> | null;
  /** `env` for $SSH_AUTH_SOCK, `none`, or the absolute path of the socket. */
  readonly identityAgent: Placed<string> | null;
  /** The value as written. `none` stops the search, so that later values do not count. */
  readonly proxyJump: Placed<string> | null;
  /** The command as written. null for `none` too. */
  readonly proxyCommand: Placed<string> | null;
  /** Absolute paths. Empty for `none`. */
  readonly userKnownHosts: Placed<readonly string[]> | null;
  readonly globalKnownHosts: Placed<readonly string[]> | null;
  readonly hostKeyAlias: Placed<string> | null;
  /** null for `none` or if not set. */
  readonly connectTimeoutMs: Placed<number> | null;
  readonly family: Placed<0 | 4 | 6> | null;
  /** The host key policy. `no` and `ask` become `strict`, which is never less safe. */
  readonly policy: Placed<'strict' | 'accept-new'> | null;
  /** The algorithm names and patterns as written, after an optional `+`, `-` or `^`. */
  readonly kex: Placed<string> | null;
  /** Options that are interpreted differently from ssh, as one sentence each with the place. */
  readonly notes: readonly string[];
}

/** The user and machine for which ssh_config is evaluated. */
export interface SshSelf {
  readonly user: string;
  readonly uid: string;
  readonly home: string;
  readonly hostname: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** Converts an answer to this program's terms. Never throws. */
export function sshConfigValues(answer: SshConfigAnswer, question: SshConfigQuestion, self: SshSelf): SshConfigValues {
  const notes: string[] = [];
  const { first, all } = answer;
  const placed = <T>(
    keyword: FollowedOption,
    read: (value: string, option: SshConfigOption) => T | null,
  ): Placed<T> | null => {
    const option = first.get(keyword);
    const value = option === undefined ? null : read(option.args[0] ?? '', option);
    return option === undefined || value === null ? null : { value, place: option.place };
  };
  const expanded = (text: string, tokens: SshTokens, { written, place }: SshConfigOption): string | null => {
    const { text: whole, fault } = expandTokens(text, tokens, self.environment);
    if (fault !== null) notes.push(`${place}: ${written} ${text}: ${fault}; passed over`);
    return whole;
  };

  const user = placed('user', (value) => value);
  const port = placed('port', Number);
  const hostName = placed('hostname', (value, option) => expanded(value, { h: question.host }, option));
  const hostKeyAlias = placed('hostkeyalias', (value) => value);
  const host = (question.address ?? hostName?.value ?? question.host).toLowerCase();
  const tokens = tokensOf({
    host,
    question,
    self,
    user: question.user ?? user?.value ?? self.user,
    port: port?.value ?? 22,
    alias: hostKeyAlias?.value ?? null,
  });

  const file = (text: string, option: SshConfigOption): string | null => {
    const whole = expanded(text, tokens, option);
    if (whole === null) return null;
    return path.resolve(whole === '~' || whole.startsWith('~/') ? path.join(self.home, whole.slice(1)) : whole);
  };
  const files = (keyword: FollowedOption): Placed<readonly string[]> | null =>
    placed(keyword, (_, option) =>
      option.args[0] === 'none' ? [] : option.args.flatMap((text) => file(text, option) ?? []),
    );
  const gathered = (keyword: 'identityfile' | 'certificatefile'): readonly Placed<string>[] =>
    (all.get(keyword) ?? []).flatMap((option) => {
      const [text = 'none'] = option.args;
      const value = text.toLowerCase() === 'none' ? null : file(text, option);
      return value === null ? [] : [{ value, place: option.place }];
    });
  const jump = (text: string): string => text.replace(/#.*$/s, '').trim();

  return {
    user,
    port,
    hostName: hostName === null ? null : { ...hostName, value: hostName.value.toLowerCase() },
    hostKeyAlias,
    identityFiles: gathered('identityfile'),
    certificateFiles: gathered('certificatefile'),
    identitiesOnly: placed('identitiesonly', (value) => /^(?:yes|true)$/i.test(value)),
    identityAgent: placed('identityagent', (value, option) => agentOf(value, option, file, self)),
    proxyJump: placed('proxyjump', (_, { rest }) => expandTokens(jump(rest), tokens).text ?? jump(rest)),
    proxyCommand: placed('proxycommand', (value, { rest }) => (value.toLowerCase() === 'none' ? null : rest)),
    userKnownHosts: files('userknownhostsfile'),
    globalKnownHosts: files('globalknownhostsfile'),
    connectTimeoutMs: placed(
      'connecttimeout',
      (value) => (value === 'none' ? 0 : (timeSeconds(value) ?? 0)) * 1000 || null,
    ),
    family: placed('addressfamily', (value) =>
      value.toLowerCase() === 'inet' ? 4 : value.toLowerCase() === 'inet6' ? 6 : 0,
    ),
    policy: placed('stricthostkeychecking', (value, { place }) => {
      const word = value.toLowerCase();
      if (/^(?:no|off|false)$/.test(word)) {
        notes.push(`${place}: StrictHostKeyChecking ${value} would take any key; the check stays strict`);
      }
      return word === 'accept-new' ? 'accept-new' : 'strict';
    }),
    kex: placed('kexalgorithms', (value) => value),
    notes,
  };
}

/** Parses IdentityAgent (ssh_config(5)): `none`, `SSH_AUTH_SOCK`, `$NAME`, or a path. */
function agentOf(
  value: string,
  option: SshConfigOption,
  file: (text: string, option: SshConfigOption) => string | null,
  { environment }: SshSelf,
): string | null {
  if (value === 'none') return 'none';
  if (value === 'SSH_AUTH_SOCK') return 'env';
  if (/^\$[A-Za-z_]/.test(value)) return environment[value.slice(1)] ?? 'none';
  return file(value, option);
}

interface TokenFacts {
  readonly host: string;
  readonly question: SshConfigQuestion;
  readonly self: SshSelf;
  readonly user: string;
  readonly port: number;
  readonly alias: string | null;
}

function tokensOf({ host, question, self, user, port, alias }: TokenFacts): SshTokens {
  const l = self.hostname;
  const p = String(port);
  const C = createHash('sha1').update(`${l}${host}${p}${user}`).digest('hex');
  const L = l.split('.')[0] ?? l;
  const k = alias ?? question.host;
  return { C, L, d: self.home, h: host, i: self.uid, k, l, n: question.host, p, r: user, u: self.user };
}
