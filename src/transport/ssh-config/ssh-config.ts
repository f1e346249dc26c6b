import { hostPatternsMatch } from './host-patterns.ts';
import type { SshConfigFile, SshConfigOption } from './ssh-config-file.ts';
import { evaluateMatch, type MatchSubject } from './ssh-config-match.ts';
import { isFollowed, isGathered, isKnownOption, opensshNeed } from './ssh-config-options.ts';
import type { FollowedOption, GatheredOption } from './ssh-config-options.ts';

/** A lookup in ssh_config files, like `ssh -l USER -p PORT -o HostName=ADDRESS HOST`. */
export interface SshConfigQuestion {
  /** The host name as a user would type it. */
  readonly host: string;
  /** The user and the address override ssh_config. null if not set. */
  readonly user: string | null;
  readonly address: string | null;
  readonly localUser: string;
}

/** The options that ssh_config files set for a host. The arguments are as written, with unexpanded tokens. */
export interface SshConfigAnswer {
  readonly first: ReadonlyMap<FollowedOption, SshConfigOption>;
  readonly all: ReadonlyMap<GatheredOption, readonly SshConfigOption[]>;
  /** Options that only OpenSSH supports, or the Match line before an option if only OpenSSH can evaluate it. */
  readonly opensshOnly: readonly { readonly option: string; readonly place: string; readonly needed: boolean }[];
  /** Options that are not followed or that no version of OpenSSH has. Only the first occurrence of each. */
  readonly passedOver: readonly { readonly option: string; readonly place: string; readonly known: boolean }[];
}

interface Pass {
  readonly subject: (values: Values) => MatchSubject;
  readonly values: Values;
}

interface Values {
  readonly first: Map<FollowedOption, SshConfigOption>;
  readonly all: Map<GatheredOption, SshConfigOption[]>;
  readonly opensshOnly: Map<string, { option: string; place: string; needed: boolean }>;
  readonly passedOver: Map<string, { option: string; place: string; known: boolean }>;
  wantsFinal: boolean;
}

/** True if a block applies. The Match criterion and its place if only OpenSSH can evaluate them. */
type Holds = boolean | { readonly unknown: string; readonly place: string };

/**
 * Looks up the options of a host as `ssh -G` does: the first value wins, and a `Match final` causes a second pass. Runs
 * no command. Instead reports a `Match exec` in `opensshOnly` if an option in its block would take effect.
 */
export function askSshConfig(files: readonly SshConfigFile[], question: SshConfigQuestion): SshConfigAnswer {
  const { host, localUser } = question;
  const values: Values = {
    first: new Map(),
    all: new Map(),
    opensshOnly: new Map(),
    passedOver: new Map(),
    wantsFinal: false,
  };
  const hostNow = (): string => {
    if (question.address !== null) return question.address;
    const hostName = values.first.get('hostname')?.args[0];
    return hostName === undefined ? host : (expandTokens(hostName, { h: host }).text ?? hostName);
  };
  const subject = (final: boolean, current: string | null) => (): MatchSubject => ({
    originalHost: host,
    host: current ?? hostNow(),
    user: question.user ?? values.first.get('user')?.args[0] ?? localUser,
    localUser,
    final,
  });
  for (const file of files) readBlocks(file, host, true, { subject: subject(false, null), values });
  if (values.wantsFinal) {
    const final = hostNow().toLowerCase();
    for (const file of files) readBlocks(file, final, true, { subject: subject(true, final), values });
  }
  return {
    first: values.first,
    all: values.all,
    opensshOnly: [...values.opensshOnly.values()],
    passedOver: withoutIgnored(values),
  };
}

function readBlocks(file: SshConfigFile, host: string, outer: Holds, pass: Pass): void {
  for (const { condition, entries } of file.blocksFor(host)) {
    let holds: Holds = outer;
    if (condition?.kind === 'host') holds = hostPatternsMatch(condition.patterns, host) && outer;
    else if (condition !== null) {
      if (condition.criteria.some(({ kind }) => kind === 'final')) pass.values.wantsFinal = true;
      const match = evaluateMatch(condition.criteria, pass.subject(pass.values));
      holds = match === true ? outer : match === false ? false : { unknown: match.unknown, place: condition.place };
    }
    if (holds === false) continue;
    for (const entry of entries) {
      if (entry.kind === 'option') take(entry, holds, pass.values);
      else for (const included of entry.files) readBlocks(included, host, holds, pass);
    }
  }
}

function take(option: SshConfigOption, holds: Holds, values: Values): void {
  const { keyword, written, place } = option;
  const value = option.args[0] ?? '';
  if (isFollowed(keyword)) {
    if (hasValue(keyword, values)) return;
    if (typeof holds === 'object') nameUnknown(holds, values);
    else values.first.set(keyword, option);
  } else if (isGathered(keyword)) {
    const known = values.all.get(keyword) ?? [];
    if (known.some(({ args }) => args[0] === value)) return;
    if (typeof holds === 'object') nameUnknown(holds, values);
    else values.all.set(keyword, [...known, option]);
  } else if (!values.passedOver.has(keyword)) {
    // Records the option even if its value disables it: the first value wins, so a later value must not count.
    const need = opensshNeed(keyword, value);
    if (typeof holds === 'object' && need !== null) nameUnknown(holds, values);
    else if (typeof holds === 'boolean') {
      values.passedOver.set(keyword, { option: written, place, known: isKnownOption(keyword) });
      if (need !== null) values.opensshOnly.set(keyword, { option: written, place, needed: need.needed });
    }
  }
}

/**
 * True if the option already has a value. ProxyJump and ProxyCommand exclude each other: the first of them wins, also
 * if its value is `none`.
 */
function hasValue(keyword: FollowedOption, { first }: Values): boolean {
  if (first.has(keyword)) return true;
  if (keyword === 'proxyjump') return first.has('proxycommand');
  return keyword === 'proxycommand' && first.has('proxyjump');
}

function nameUnknown({ unknown, place }: Exclude<Holds, boolean>, { opensshOnly }: Values): void {
  opensshOnly.set(place, { option: `Match ${unknown}`, place, needed: true });
}

/** Omits unknown options that match IgnoreUnknown. */
function withoutIgnored({ passedOver, first }: Values): SshConfigAnswer['passedOver'] {
  const patterns = first.get('ignoreunknown')?.args[0]?.toLowerCase().split(',') ?? [];
  return [...passedOver].flatMap(([keyword, option]) =>
    !option.known && hostPatternsMatch(patterns, keyword) ? [] : [option],
  );
}

/** The values of the tokens in a file name or host name of ssh_config (ssh_config(5), TOKENS). */
export type SshTokens = Readonly<Record<string, string>>;

/** An expanded text. If a token cannot be expanded, `text` is null and `fault` says which token. */
interface Expanded {
  readonly text: string | null;
  readonly fault: string | null;
}

/**
 * Replaces `%x` by the given tokens and `%%` by `%`. Replaces `${NAME}` by its value if there is an environment. A
 * single pass, so that inserted text is not expanded again.
 */
export function expandTokens(text: string, tokens: SshTokens, environment: NodeJS.ProcessEnv | null = null): Expanded {
  const faults: string[] = [];
  const expanded = text.replace(
    /%(.?)|\$\{([^}]*)\}/gs,
    (whole, letter: string | undefined, name: string | undefined) => {
      if (letter === '%') return '%';
      if (letter === undefined && environment === null) return whole;
      const value =
        letter === undefined ? environment?.[name ?? ''] : Object.hasOwn(tokens, letter) ? tokens[letter] : undefined;
      if (value === undefined) faults.push(letter === undefined ? `${whole} is not set` : `${whole} is not followed`);
      return value ?? whole;
    },
  );
  const [fault] = faults;
  return fault === undefined ? { text: expanded, fault: null } : { text: null, fault };
}
