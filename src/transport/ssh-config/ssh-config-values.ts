import path from 'node:path';

import type { SshConfigAnswer, SshConfigQuestion } from './ssh-config.ts';
import type { SshConfigOption } from './ssh-config-file.ts';
import { portNumber, timeSeconds, type FollowedOption } from './ssh-config-options.ts';
import { connectionTokens, expandTokens, jumpText, type SshSelf, type SshTokens } from './ssh-config-tokens.ts';

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
  /** The value with its tokens expanded. `none`, in lower case, stops the search for other jumps. */
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

/** Converts an answer to this program's terms. Never throws. */
export function sshConfigValues(answer: SshConfigAnswer, question: SshConfigQuestion): SshConfigValues {
  const reader = new ValueReader(answer, question);
  const { user, port, hostName, hostKeyAlias, tokens, notes } = reader;
  return {
    user,
    port,
    hostName: hostName === null ? null : { ...hostName, value: hostName.value.toLowerCase() },
    hostKeyAlias,
    identityFiles: reader.gathered('identityfile'),
    certificateFiles: reader.gathered('certificatefile'),
    identitiesOnly: reader.placed('identitiesonly', (value) => /^(?:yes|true)$/i.test(value)),
    identityAgent: reader.placed('identityagent', (value, option) =>
      agentOf(value, (text) => reader.file(text, option), question.self),
    ),
    proxyJump: reader.placed('proxyjump', (_, { rest }) => {
      const written = jumpText(rest);
      return written.toLowerCase() === 'none' ? 'none' : (expandTokens(written, tokens).text ?? written);
    }),
    proxyCommand: reader.placed('proxycommand', (_, { rest }) => {
      const command = rest.replace(/^[ \t=]+/, '');
      return command.toLowerCase() === 'none' ? null : command;
    }),
    userKnownHosts: reader.files('userknownhostsfile'),
    globalKnownHosts: reader.files('globalknownhostsfile'),
    connectTimeoutMs: reader.placed(
      'connecttimeout',
      (value) => (value === 'none' ? 0 : (timeSeconds(value) ?? 0)) * 1000 || null,
    ),
    family: reader.placed('addressfamily', (value) =>
      value.toLowerCase() === 'inet' ? 4 : value.toLowerCase() === 'inet6' ? 6 : 0,
    ),
    policy: reader.placed('stricthostkeychecking', (value, { place }) => {
      const word = value.toLowerCase();
      if (/^(?:no|off|false)$/.test(word)) {
        notes.push(`${place}: StrictHostKeyChecking ${value} would take any key; the check stays strict`);
      }
      return word === 'accept-new' ? 'accept-new' : 'strict';
    }),
    kex: reader.placed('kexalgorithms', (value) => value),
    notes,
  };
}

/** A reader of the values of an answer, with the tokens that they may contain. */
class ValueReader {
  readonly #answer: SshConfigAnswer;
  readonly #self: SshSelf;
  readonly notes: string[];
  readonly user: Placed<string> | null;
  readonly port: Placed<number> | null;
  readonly hostName: Placed<string> | null;
  readonly hostKeyAlias: Placed<string> | null;
  readonly tokens: SshTokens;

  constructor(answer: SshConfigAnswer, question: SshConfigQuestion) {
    this.#answer = answer;
    this.#self = question.self;
    this.notes = [...answer.notes];
    this.port = this.placed('port', portNumber);
    this.hostName = this.placed('hostname', (value, option) =>
      this.#expanded(value, { h: question.host }, option, null),
    );
    this.hostKeyAlias = this.placed('hostkeyalias', (value) => value.toLowerCase());
    const { first } = answer;
    const host = (question.address ?? this.hostName?.value ?? question.host).toLowerCase();
    const facts = { question, first, host, keyName: question.host };
    this.user = this.placed('user', (value, option) =>
      this.#expanded(value, connectionTokens({ ...facts, user: null }), option),
    );
    this.tokens = connectionTokens({ ...facts, user: question.user ?? this.user?.value ?? this.#self.user });
  }

  placed<T>(keyword: FollowedOption, read: (value: string, option: SshConfigOption) => T | null): Placed<T> | null {
    const option = this.#answer.first.get(keyword);
    const value = option === undefined ? null : read(option.args[0] ?? '', option);
    return option === undefined || value === null ? null : { value, place: option.place };
  }

  file(text: string, option: SshConfigOption): string | null {
    const whole = this.#expanded(text, this.tokens, option);
    if (whole === null) return null;
    if (/^~[^/]/.test(whole)) return this.#passOver(option, 'names the home folder of another account');
    return path.resolve(whole.startsWith('~') ? path.join(this.#self.home, whole.slice(1)) : whole);
  }

  files(keyword: FollowedOption): Placed<readonly string[]> | null {
    return this.placed(keyword, (_, option) =>
      option.args[0]?.toLowerCase() === 'none' ? [] : option.args.flatMap((text) => this.file(text, option) ?? []),
    );
  }

  /** Returns the files of all lines of a keyword. */
  gathered(keyword: 'identityfile' | 'certificatefile'): readonly Placed<string>[] {
    return (this.#answer.all.get(keyword) ?? []).flatMap((option) => {
      const [text = 'none'] = option.args;
      const value = text.toLowerCase() === 'none' ? null : this.file(text, option);
      return value === null ? [] : [{ value, place: option.place }];
    });
  }

  #expanded(
    text: string,
    tokens: SshTokens,
    option: SshConfigOption,
    environment: NodeJS.ProcessEnv | null = this.#self.environment,
  ): string | null {
    const { text: whole, fault } = expandTokens(text, tokens, environment);
    return fault === null ? whole : this.#passOver(option, fault);
  }

  #passOver({ written, place }: SshConfigOption, why: string): null {
    this.notes.push(`${place}: ${written} ${why}; passed over`);
    return null;
  }
}

/** Parses IdentityAgent (ssh_config(5)): `none`, `SSH_AUTH_SOCK`, `$NAME`, or a path. */
function agentOf(value: string, file: (text: string) => string | null, { environment }: SshSelf): string | null {
  if (value === 'none') return 'none';
  if (value === 'SSH_AUTH_SOCK') return 'env';
  if (/^\$[A-Za-z_]/.test(value)) return environment[value.slice(1)] ?? 'none';
  return file(value);
}
