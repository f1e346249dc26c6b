import path from 'node:path';

import { splitWords } from '../../../report/check-command.ts';

/** The arguments of ssh(1). The first value of an option counts, as in ssh. */
export interface SshArguments {
  readonly host: string | null;
  readonly user: string | null;
  readonly port: string | null;
  readonly hostName: string | null;
  readonly keys: readonly string[];
  readonly route: SshRoute | null;
  /** The argument of -W. */
  readonly forward: string | null;
  /** The words of the remote command. */
  readonly command: readonly string[];
  /** The options that have no field here, as `-A` or `ForwardAgent`. */
  readonly others: readonly string[];
}

/** An option that decides the route: ProxyJump or ProxyCommand, with its value. */
export interface SshRoute {
  readonly kind: 'jump' | 'command';
  readonly value: string;
}

/** A machine that a ProxyCommand passes through. */
export interface PassedHost {
  readonly host: string;
  readonly user: string | null;
  readonly port: string | null;
  readonly key: string | null;
  /** The machines before it, as in ProxyJump. */
  readonly jump: string | null;
  /** Options of this hop that have no field here. */
  readonly others: readonly string[];
}

const withArgument = 'BbcDEeFIiJLlmOoPpQRSWw';
const withoutArgument = '46AaCfGgKkMNnqsTtVvXxYy';

/** Parses words after `ssh`. Returns null if ssh would reject them. */
export function parseSshArguments(words: readonly string[]): SshArguments | null {
  const state = new ArgumentState();
  let rest = words;
  while (rest[0] !== undefined) {
    const [word, ...after] = rest;
    if (state.host !== null && !word.startsWith('-')) return state.finished(rest);
    if (word === '--') {
      const [host, ...command] = after;
      if (state.host !== null) return state.finished(after);
      return host !== undefined && state.takeHost(host) ? state.finished(command) : null;
    }
    if (!word.startsWith('-')) {
      if (!state.takeHost(word)) return null;
      rest = after;
      continue;
    }
    const left = takeFlags(word.slice(1), after, state);
    if (left === null) return null;
    rest = left;
  }
  return state.finished([]);
}

/** Reads a cluster of flags. Returns the words after it and its argument; null if ssh would reject it. */
function takeFlags(cluster: string, after: readonly string[], state: ArgumentState): readonly string[] | null {
  for (let at = 0; at < cluster.length; at += 1) {
    const flag = cluster.charAt(at);
    if (withoutArgument.includes(flag)) state.others.push(`-${flag}`);
    else if (!withArgument.includes(flag)) return null;
    else {
      const attached = cluster.slice(at + 1);
      const value = attached === '' ? after[0] : attached;
      if (value === undefined) return null;
      state.takeFlag(flag, value);
      return attached === '' ? after.slice(1) : after;
    }
  }
  return cluster === '' ? null : after;
}

class ArgumentState {
  host: string | null = null;
  user: string | null = null;
  port: string | null = null;
  hostName: string | null = null;
  route: SshRoute | null = null;
  forward: string | null = null;
  readonly keys: string[] = [];
  readonly others: string[] = [];

  takeHost(word: string): boolean {
    const isUri = word.startsWith('ssh://');
    const rest = isUri ? word.slice('ssh://'.length).replace(/\/$/, '') : word;
    const at = rest.lastIndexOf('@');
    const place = rest.slice(at + 1);
    const parts = isUri ? /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(place) : null;
    this.host = (parts?.[1] ?? place).replace(/^\[(.*)\]$/, '$1');
    if (at !== -1) this.user ??= rest.slice(0, at);
    if (parts?.[2] !== undefined) this.port ??= parts[2];
    return this.host !== '';
  }

  takeFlag(flag: string, value: string): void {
    if (flag === 'o') this.#takeOption(value);
    else if (flag === 'l') this.user ??= value;
    else if (flag === 'p') this.port ??= value;
    else if (flag === 'i') this.keys.push(value);
    else if (flag === 'J') this.#takeRoute('jump', value);
    else if (flag === 'W') this.forward ??= value;
    else this.others.push(`-${flag}`);
  }

  finished(command: readonly string[]): SshArguments {
    const { host, user, port, hostName, route, forward, keys, others } = this;
    return { host, user, port, hostName, route, forward, keys, others, command };
  }

  #takeOption(text: string): void {
    const [, name = text, value = ''] = /^\s*(\w+)\s*[=\s]\s*(.*?)\s*$/s.exec(text) ?? [];
    const keyword = name.toLowerCase();
    if (keyword === 'user') this.user ??= value;
    else if (keyword === 'port') this.port ??= value;
    else if (keyword === 'hostname') this.hostName ??= value;
    else if (keyword === 'identityfile') this.keys.push(value.replace(/^"(.*)"$/, '$1'));
    else if (keyword === 'proxyjump') this.#takeRoute('jump', value);
    else if (keyword === 'proxycommand') this.#takeRoute('command', value);
    else this.others.push(/^\w{1,64}$/.test(name) ? name : '-o');
  }

  #takeRoute(kind: SshRoute['kind'], value: string): void {
    // A ProxyCommand counts after `ProxyJump none`; nothing counts after a ProxyCommand.
    if (this.route === null || (kind === 'command' && isNone(this.route))) this.route = { kind, value };
  }
}

function isNone({ kind, value }: SshRoute): boolean {
  return kind === 'jump' && value.toLowerCase() === 'none';
}

const relay = /^(?:\/[\w/.-]+\/)?(?:nc|ncat|netcat)$/;

/**
 * Returns the machine that a ProxyCommand passes through: `ssh` with -W, or with nc(1) on that machine. `user` is the
 * login name of the client, for %r. Returns null for any other command.
 */
export function passedHost(command: string, user: string | null): PassedHost | null {
  const split = splitWords(command)?.words ?? [];
  const words = split[0] === 'exec' ? split.slice(1) : split;
  if (path.basename(words[0] ?? '') !== 'ssh') return null;
  const args = parseSshArguments(withoutRedirection(words.slice(1)));
  if (args === null || args.host === null || !isForwarding(args)) return null;
  const { host, port, keys, route } = args;
  const login = args.user === '%r' ? user : args.user;
  const values = [host, port, login, ...keys, route?.value ?? null];
  if (args.user === '%r' && user === null) return null;
  if (values.some((value) => value !== null && /[%$`|;&<>{}]/.test(value))) return null;
  const jump = route === null || route.value.toLowerCase() === 'none' ? null : route;
  // A file of -F, and the command of a further hop, may lead anywhere.
  if (jump?.kind === 'command' || args.others.includes('-F')) return null;
  const further = keys.length > 1 ? ['IdentityFile (after the first)'] : [];
  return {
    ...{ host: args.hostName ?? host, user: login, port, key: keys[0] ?? null, jump: jump?.value ?? null },
    others: [...args.others, ...further],
  };
}

function withoutRedirection(words: readonly string[]): readonly string[] {
  if (words.at(-1) === '2>/dev/null') return words.slice(0, -1);
  return words.at(-1) === '/dev/null' && words.at(-2) === '2>' ? words.slice(0, -2) : words;
}

function isForwarding({ forward, command }: SshArguments): boolean {
  if (forward !== null) return /^(?:%h|\[%h\]):%p$/.test(forward) && command.length === 0;
  const words = command.flatMap((word) => splitWords(word)?.words ?? ['']);
  const [program = '', ...args] = withoutRedirection(words[0] === 'exec' ? words.slice(1) : words);
  const options = args.slice(0, -2).join(' ');
  const target = args.slice(-2).join(' ');
  return relay.test(program) && target === '%h %p' && /^(?:-(?:[wqi] ?\d+|[46Nnv]+) ?)*$/.test(options);
}
