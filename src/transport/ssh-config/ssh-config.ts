import { hostPatternsMatch } from './host-patterns.ts';
import type { IncludeBudget, SshConfigFile, SshConfigInclude, SshConfigOption } from './ssh-config-file.ts';
import { evaluateMatch, type MatchSubject } from './ssh-config-match.ts';
import { isFollowed, isGathered, isKnownOption, opensshNeed } from './ssh-config-options.ts';
import type { FollowedOption, GatheredOption } from './ssh-config-options.ts';
import { connectionTokens, expandTokens, jumpText, type SshSelf, type SshTokens } from './ssh-config-tokens.ts';

/** A lookup in ssh_config files, like `ssh -l USER -p PORT -o HostName=ADDRESS HOST`. */
export interface SshConfigQuestion {
  /** The host name as a user would type it. */
  readonly host: string;
  /** The user and the address override ssh_config. null if not set. */
  readonly user: string | null;
  readonly address: string | null;
  readonly self: SshSelf;
}

/** The options that ssh_config files set for a host. The arguments are as written, with unexpanded tokens. */
export interface SshConfigAnswer {
  readonly first: ReadonlyMap<FollowedOption, SshConfigOption>;
  readonly all: ReadonlyMap<GatheredOption, readonly SshConfigOption[]>;
  /** Options that only OpenSSH supports, or the Match line before an option if only OpenSSH can evaluate it. */
  readonly opensshOnly: readonly { readonly option: string; readonly place: string; readonly needed: boolean }[];
  /**
   * Options that are not followed or that no version of OpenSSH has. Only the first occurrence of each. An option that
   * OpenSSH does not know has no name here, because the word may be a secret.
   */
  readonly passedOver: readonly { readonly option: string | null; readonly place: string; readonly known: boolean }[];
  /** Sentences about Include arguments that are not followed, with their places. */
  readonly notes: readonly string[];
}

interface Pass {
  readonly subject: () => MatchSubject;
  /** The tokens of an Include, from the options that are set so far. */
  readonly tokens: () => SshTokens;
  readonly values: Values;
  readonly budget: IncludeBudget;
}

interface Values {
  readonly first: Map<FollowedOption, SshConfigOption>;
  readonly all: Map<GatheredOption, SshConfigOption[]>;
  readonly opensshOnly: Map<string, { option: string; place: string; needed: boolean }>;
  readonly passedOver: Map<string, { option: string | null; place: string; known: boolean }>;
  readonly notes: Set<string>;
  wantsFinal: boolean;
  /** True in the second pass, which keeps the host name of the first pass even if that pass set no HostName. */
  isHostFinal: boolean;
}

/** True if a block applies. The Match criterion and its place if only OpenSSH can evaluate them. */
type Holds = boolean | { readonly unknown: string; readonly place: string };

/**
 * Looks up the options of a host as `ssh -G` does: the first value wins, and a `Match final` causes a second pass. Runs
 * no command. Instead reports a `Match exec` in `opensshOnly` if an option in its block would take effect.
 */
export function askSshConfig(files: readonly SshConfigFile[], question: SshConfigQuestion): SshConfigAnswer {
  const { host, self } = question;
  const values: Values = {
    first: new Map(),
    all: new Map(),
    opensshOnly: new Map(),
    passedOver: new Map(),
    notes: new Set(),
    wantsFinal: false,
    isHostFinal: false,
  };
  const hostNow = (): string => {
    if (question.address !== null) return question.address;
    const hostName = values.first.get('hostname')?.args[0];
    return hostName === undefined ? host : (expandTokens(hostName, { h: host }).text ?? hostName);
  };
  const user = (): string => question.user ?? values.first.get('user')?.args[0] ?? self.user;
  const budget = { files: 0, bytes: 0 };
  const pass = (final: string | null): Pass => ({
    values,
    budget,
    subject: () => ({
      originalHost: host,
      host: final ?? hostNow(),
      user: user(),
      localUser: self.user,
      tag: values.first.get('tag')?.args[0] ?? null,
      final: final !== null,
    }),
    tokens: () => {
      const current = final ?? hostNow();
      return connectionTokens({ question, first: values.first, host: current, user: user(), keyName: current });
    },
  });
  for (const file of files) readBlocks(file, host, true, pass(null));
  if (values.wantsFinal) {
    const final = hostNow().toLowerCase();
    values.isHostFinal = true;
    for (const file of files) readBlocks(file, final, true, pass(final));
  }
  return {
    first: values.first,
    all: values.all,
    opensshOnly: [...values.opensshOnly.values()],
    passedOver: withoutIgnored(values),
    notes: [...values.notes],
  };
}

function readBlocks(file: SshConfigFile, host: string, outer: Holds, pass: Pass): void {
  for (const { condition, entries } of file.blocksFor(host)) {
    let holds: Holds = outer;
    if (condition?.kind === 'host') holds = hostPatternsMatch(condition.patterns, host) && outer;
    else if (condition !== null) {
      if (condition.criteria.some(({ kind }) => kind === 'final')) pass.values.wantsFinal = true;
      const match = evaluateMatch(condition.criteria, pass.subject());
      holds = match === true ? outer : match === false ? false : { unknown: match.unknown, place: condition.place };
    }
    if (holds === false) continue;
    for (const entry of entries) {
      if (entry.kind === 'option') take(entry, holds, pass.values);
      else for (const included of filesOf(entry, pass)) readBlocks(included, host, holds, pass);
    }
  }
}

function filesOf({ files, filesOf: read, note }: SshConfigInclude, pass: Pass): readonly SshConfigFile[] {
  if (note !== null) pass.values.notes.add(note);
  return read === null ? files : read(pass.tokens(), pass.budget);
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
      const known = isKnownOption(keyword);
      values.passedOver.set(keyword, { option: known ? written : null, place, known });
      if (need !== null) values.opensshOnly.set(keyword, { option: written, place, needed: need.needed });
    }
  }
}

/**
 * True if the option already has a value. ProxyJump and ProxyCommand exclude each other: the first of them wins, except
 * that a ProxyCommand counts after `ProxyJump none`.
 */
function hasValue(keyword: FollowedOption, { first, isHostFinal }: Values): boolean {
  if (first.has(keyword) || (keyword === 'hostname' && isHostFinal)) return true;
  if (keyword === 'proxyjump') return first.has('proxycommand');
  const jump = first.get('proxyjump');
  return keyword === 'proxycommand' && jump !== undefined && jumpText(jump.rest).toLowerCase() !== 'none';
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
